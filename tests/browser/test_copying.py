"""Copy buttons in Chromium: what is on the clipboard afterwards, and what they say where nothing can be put there."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.chromium import Windows
from tests.portal import Portal

NO_CLIPBOARD = "delete Navigator.prototype.clipboard"
REFUSED = "Clipboard.prototype.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
MAC = "Object.defineProperty(navigator, 'userAgentData', { value: { platform: 'macOS' } })"
KEYS = {("en-US", ""): "Press Ctrl+C", ("en-US", MAC): "Press ⌘C", ("ko-KR", ""): "Ctrl+C를 눌러 주세요"}
SELECTED = "String(getSelection())"


def at_developers(windows: Windows, portal: Portal, script: str = "", locale: str = "en-US") -> Page:
    page = windows.open(locale=locale)
    if script:
        page.add_init_script(script)
    page.goto(f"{portal.url}/developers")
    return page


def first_copy(page: Page) -> Locator:
    return page.locator("[data-copy]").first


def refuse_clipboard(page: Page, origin: str) -> None:
    """As the browser's settings do for a site."""
    target = page.context.new_cdp_session(page).send("Target.getTargetInfo")["targetInfo"]
    assert page.context.browser
    page.context.browser.new_browser_cdp_session().send(
        "Browser.setPermission",
        {
            "permission": {"name": "clipboard-write", "allowWithoutSanitization": False},
            "setting": "denied",
            "origin": origin,
            "browserContextId": target["browserContextId"],
        },
    )


def test_the_value_beside_the_button_is_copied_and_heard(windows: Windows, live_portal: Portal) -> None:
    page = at_developers(windows, live_portal)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    first_copy(page).click()
    expect(first_copy(page)).to_have_text("Copied")
    expect(page.locator("body > [role=status]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == live_portal.url
    expect(first_copy(page)).to_have_text("Copy")


@pytest.mark.parametrize(("locale", "device"), KEYS, ids=["en", "en-mac", "ko"])
@pytest.mark.parametrize("trouble", [NO_CLIPBOARD, REFUSED], ids=["none there", "refused"])
def test_what_cannot_be_copied_is_selected_and_the_button_says_which_keys_copy(
    windows: Windows, live_portal: Portal, trouble: str, locale: str, device: str
) -> None:
    page = at_developers(windows, live_portal, f"{trouble}; {device}", locale)
    first_copy(page).click()
    said = KEYS[locale, device]
    expect(first_copy(page)).to_have_text(said)
    expect(page.locator("body > [role=status]")).to_have_text(said)
    assert page.evaluate(SELECTED) == live_portal.url


def test_a_clipboard_the_browser_keeps_from_this_site_is_told_and_the_keys_do_it(
    windows: Windows, live_portal: Portal
) -> None:
    page = at_developers(windows, live_portal)
    refuse_clipboard(page, live_portal.url)
    first_copy(page).click()
    expect(first_copy(page)).to_have_text("Press Ctrl+C")
    assert page.evaluate(SELECTED) == live_portal.url
    page.keyboard.press("Control+C")
    expect(first_copy(page)).to_have_text("Copied")


def test_a_phone_is_told_of_no_keys(windows: Windows, live_portal: Portal) -> None:
    page = windows.open(locale="en-US", has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740})
    page.add_init_script(NO_CLIPBOARD)
    page.goto(f"{live_portal.url}/developers")
    first_copy(page).tap()
    expect(first_copy(page)).to_have_text("Selected: copy it")


def test_the_code_of_an_error_is_copied_the_same_way(windows: Windows, live_portal: Portal) -> None:
    windows.expect("status of 404")
    page = windows.open(locale="en-US")
    page.add_init_script(NO_CLIPBOARD)
    page.goto(f"{live_portal.url}/nothing-here")
    first_copy(page).click()
    expect(first_copy(page)).to_have_text("Press Ctrl+C")
    assert page.evaluate(SELECTED) == page.locator("[data-copy-source]").inner_text()


def test_without_script_there_is_no_button_that_would_do_nothing(windows: Windows, live_portal: Portal) -> None:
    page = windows.open(java_script_enabled=False)
    page.goto(f"{live_portal.url}/developers")
    expect(page.locator("[data-copy]:visible")).to_have_count(0)
