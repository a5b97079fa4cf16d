"""Pages on paper: black on white whatever the theme of the screen, with links to read and nothing to press."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import AXE
from tests.browser.people import log_in, new_person
from tests.chromium import Windows
from tests.portal import Portal

ANONYMOUS = ("/", "/terms", "/privacy", "/developers?client=maxlab&library=authlib-flask", "/playground", "/login")
OWN = ("/", "/account", "/account/profile", "/account/activity", "/account/apps", "/account/data/export")
WHITE = "rgb(255, 255, 255)"
GROUND = "getComputedStyle(document.body).backgroundColor"
INK = "each => getComputedStyle(each).color"
PRESSED = ":is(.btn, .copy, .site-nav, .site-footer, .side, .account-nav, .tab, [data-menu]):visible"


def dark(windows: Windows, portal: Portal, theme: str) -> Page:
    """A dark screen, by the device or because the person chose it on a light one."""
    page = windows.open(base_url=portal.url, locale="en-US", color_scheme="dark" if theme == "auto" else "light")
    if theme == "dark":
        page.context.add_cookies([{"name": "theme", "value": "dark", "url": portal.url}])
    return page


def hold_to_paper(page: Page, path: str) -> None:
    page.goto(path)
    assert page.evaluate(GROUND) != WHITE, "the screen is not dark"
    page.emulate_media(media="print")
    assert page.evaluate(GROUND) == WHITE, path
    assert page.locator("h1").evaluate(INK) == "rgb(0, 0, 0)", path
    found = AXE.run(page, options={"resultTypes": ["violations"], "runOnly": ["color-contrast"]})
    assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    expect(page.locator(PRESSED)).to_have_count(0)
    assert page.pdf()[:5] == b"%PDF-"
    page.emulate_media(media="screen")
    assert page.evaluate(GROUND) != WHITE


@pytest.mark.parametrize("theme", ["dark", "auto"])
def test_pages_for_anybody_are_printed_black_on_white(windows: Windows, live_portal: Portal, theme: str) -> None:
    page = dark(windows, live_portal, theme)
    for path in ANONYMOUS:
        hold_to_paper(page, path)


def test_ones_own_pages_are_printed_black_on_white(windows: Windows, live_portal: Portal) -> None:
    page = dark(windows, live_portal, "dark")
    person = new_person(live_portal)
    page.goto("/login")
    log_in(page, person)
    expect(page.locator(".person-menu")).to_be_visible()
    for path in OWN:
        hold_to_paper(page, path)


def test_links_are_underlined_and_those_that_lead_away_say_where(windows: Windows, live_portal: Portal) -> None:
    page = dark(windows, live_portal, "dark")
    page.goto("/terms")
    page.evaluate("""() => document.querySelector('.prose').insertAdjacentHTML('beforeend',
        '<p><a id="away" href="https://www.example.com/rules">rules</a></p>')""")
    page.emulate_media(media="print")
    link = page.locator("#away")
    assert link.evaluate("each => getComputedStyle(each, '::after').content") == '" (https://www.example.com/rules)"'
    for each in (link, page.locator(".prose a").first):
        assert each.evaluate(INK) == "rgb(0, 0, 0)"
        assert "underline" in each.evaluate("each => getComputedStyle(each).textDecorationLine")


def test_only_the_chosen_framework_is_printed_and_its_code_is_whole(windows: Windows, live_portal: Portal) -> None:
    page = dark(windows, live_portal, "dark")
    page.goto("/developers?library=authlib-flask")
    page.emulate_media(media="print")
    expect(page.locator(".tab-panel:visible")).to_have_id("authlib-flask")
    assert page.locator("pre:visible").evaluate_all(
        "all => all.every(each => each.scrollWidth <= each.clientWidth + 1)"
    )
