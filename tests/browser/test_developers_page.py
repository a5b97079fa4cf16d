"""The developers' page in Chromium: a tab for each framework, with a script and without, and links that lead to one."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from app.portal import libraries
from tests.browser.accessibility import hold_accessibility
from tests.chromium import Windows
from tests.portal import Portal

KEYS = [library.key for library in libraries.LIBRARIES]


def at(windows: Windows, portal: Portal, path: str = "", **options: object) -> Page:
    page = windows.open(base_url=portal.url, locale="en-US", **options)
    page.goto(f"/developers{path}")
    return page


def shown(page: Page) -> Locator:
    return page.locator(".tab-panel:visible")


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no script"])
def test_one_framework_is_shown_and_a_press_shows_another(windows: Windows, live_portal: Portal, scripts: bool) -> None:
    page = at(windows, live_portal, java_script_enabled=scripts)
    expect(shown(page)).to_have_id("kit")
    for key, name in (("authlib-flask", "Authlib: Flask"), ("appauth", "AppAuth")):
        page.get_by_role("radio", name=name).check()
        expect(shown(page)).to_have_count(1)
        expect(shown(page)).to_have_id(key)
        expect(page.get_by_role("radio", name=name)).to_be_checked()


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no script"])
def test_choosing_a_client_keeps_the_framework_and_fills_it_in(
    windows: Windows, live_portal: Portal, scripts: bool
) -> None:
    page = at(windows, live_portal, java_script_enabled=scripts)
    page.get_by_role("radio", name="PyJWT").check()
    page.get_by_label("Fill in for").select_option("maxllm")
    page.get_by_role("button", name="Fill in").click()
    expect(page).to_have_url(
        re.compile(r"\?client=maxllm&library=pyjwt#application$|\?library=pyjwt&client=maxllm#app")
    )
    expect(shown(page)).to_have_id("pyjwt")
    expect(page.locator("#application ~ .facts")).to_contain_text("maxllm")
    page.get_by_role("radio", name="keycloak-js").check()
    expect(shown(page)).to_contain_text('clientId: "maxllm"')


@pytest.mark.parametrize("key", ["kit", "curl", "service", "keycloak-js", *KEYS[:2]])
def test_an_address_leads_to_a_framework(windows: Windows, live_portal: Portal, key: str) -> None:
    page = at(windows, live_portal, f"?client=maxlab&library={key}", java_script_enabled=False)
    expect(shown(page)).to_have_id(key)


@pytest.mark.parametrize("key", ["", "nothing", "'\"><script>"])
def test_an_address_of_no_framework_shows_the_first(windows: Windows, live_portal: Portal, key: str) -> None:
    expect(shown(at(windows, live_portal, f"?library={key}"))).to_have_id("kit")


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no script"])
def test_links_to_a_framework_by_its_anchor_still_lead_there(
    windows: Windows, live_portal: Portal, scripts: bool
) -> None:
    page = at(windows, live_portal, "#passport", java_script_enabled=scripts)
    expect(page.locator("#passport")).to_be_in_viewport()
    if scripts:
        expect(shown(page)).to_have_count(1)
        page.get_by_role("radio", name="Streamlit").check()
        expect(shown(page)).to_have_id("streamlit")
        expect(page).to_have_url(re.compile(r"/developers\?library=streamlit$"))


def test_the_keyboard_goes_from_framework_to_framework_and_into_the_code(windows: Windows, live_portal: Portal) -> None:
    page = at(windows, live_portal)
    page.get_by_role("radio", name="Browser kit").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(shown(page)).to_have_id("streamlit")
    expect(page.get_by_role("radio", name="Streamlit")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('#streamlit').contains(document.activeElement)")


@pytest.mark.parametrize("key", ["kit", "authlib-fastapi", "curl", "streamlit"])
def test_code_has_colours_and_is_copied_without_them(windows: Windows, live_portal: Portal, key: str) -> None:
    page = at(windows, live_portal, f"?client=maxlab&library={key}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    code = shown(page).locator(".code").last
    colours = code.locator("span[class^=hl-]").evaluate_all(
        "all => [...new Set(all.map(e => getComputedStyle(e).color))]"
    )
    assert len(colours) >= 2
    code.locator("[data-copy]").click()
    expect(code.locator("[data-copy]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == code.locator("pre").inner_text()
    assert "maxlab" in copied
    assert "<span" not in copied


@pytest.mark.parametrize("key", ["curl", "service", *KEYS[::3]])
def test_every_tab_can_be_read_in_both_themes(windows: Windows, live_portal: Portal, key: str) -> None:
    hold_accessibility(at(windows, live_portal, f"?client=maxlab&library={key}"), key)


def test_on_a_phone_nothing_sticks_out(windows: Windows, live_portal: Portal) -> None:
    page = at(windows, live_portal, viewport={"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "is_beside"), [(1280, True), (700, True), (360, False)])
def test_the_name_of_a_group_stands_before_its_tabs(
    windows: Windows, live_portal: Portal, width: int, is_beside: bool
) -> None:
    page = at(windows, live_portal, viewport={"width": width, "height": 800})
    for group in page.locator(".tab-group").all():
        name, first = group.locator(".tab-group-name").bounding_box(), group.locator(".tab").first.bounding_box()
        assert name
        assert first
        assert name["x"] <= first["x"]
        assert (first["y"] < name["y"] + name["height"]) is is_beside
