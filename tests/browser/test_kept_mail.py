"""Kept mails in a real browser: from the page that speaks of one to the page its link opens."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, new_person, opened_by
from tests.chromium import Windows
from tests.portal import Portal

DESKTOP = {"width": 1280, "height": 800}
POPUP = {"width": 500, "height": 600}
PHONE = {"width": 360, "height": 740}
# A mail has no landmarks; its reader's program has.
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def person(live_portal: Portal) -> Person:
    """Somebody who forgets the password."""
    return new_person(live_portal)


def ask_for_link(window: Page, person: Person) -> None:
    window.goto("/forgot-password")
    window.locator("input[name=email]").fill(person.email)
    window.locator("form[data-once] button:not([type=button])").click()
    expect(window.locator("a[href='/dev/mail']")).to_be_visible()


def until_listed(window: Page, count: int) -> None:
    """Mails are prepared and delivered beside the requests."""
    for _ in range(100):
        window.reload()
        if window.locator(".mails li").count() >= count:
            return
        window.wait_for_timeout(100)
    raise AssertionError(f"{count} mails were not kept")


def test_the_way_from_the_form_to_the_new_password(windows: Windows, live_portal: Portal, person: Person) -> None:
    windows.expect("Blocked script execution")  # what the test itself would run in the sandbox
    window = windows.open(base_url=live_portal.url, locale="ko-KR", viewport=POPUP)
    ask_for_link(window, person)
    window.wait_for_load_state("load")
    assert not window.evaluate("document.documentElement.scrollHeight > innerHeight")
    mails = opened_by(window, "a[href='/dev/mail']")
    until_listed(mails, 1)
    mails.locator(".mails a").first.click()
    expect(mails.locator("h1")).to_have_text("새 비밀번호 설정")
    mail = mails.frame_locator("iframe")
    expect(mail.locator("h1")).to_have_text("새 비밀번호 설정")
    background = mail.locator("a.button").evaluate("button => getComputedStyle(button).backgroundColor")
    assert background == "rgb(58, 51, 168)"  # its own style applies
    with mails.context.expect_page() as opening:
        mail.locator("a.button").click()
    expect(opening.value.locator("input[name=password]")).to_be_visible()


@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_the_pages_are_accessible_and_fit_a_phone(
    windows: Windows, live_portal: Portal, person: Person, locale: str
) -> None:
    window = windows.open(base_url=live_portal.url, locale=locale, viewport=DESKTOP)
    ask_for_link(window, person)
    window.goto("/dev/mail")
    until_listed(window, 1)
    hold_rules(window)
    window.locator(".mails a").first.click()
    expect(window.locator("iframe")).to_be_visible()
    hold_rules(window)
    # The mail alone, as its reader sees it; axe looks at what is in the window.
    html = window.frame_locator("iframe").locator("html").evaluate("page => page.outerHTML")
    alone = windows.open(base_url=live_portal.url, locale=locale, viewport=DESKTOP)
    alone.set_content(html)
    hold_rules(alone, WCAG)


def hold_rules(window: Page, options: dict[str, list[str]] | None = None) -> None:
    hold_accessibility(window, options=options)
    window.set_viewport_size(PHONE)
    assert not window.evaluate(SCROLLS_SIDEWAYS)
    window.set_viewport_size(DESKTOP)
