"""The banner of an administrator who acts as somebody, in Chromium: in every size, both themes and both languages."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, log_in, new_person, sent_by
from tests.browser.test_pages import CUT_OFF, DESKTOP, PHONE, SCROLLS_SIDEWAYS
from tests.chromium import Windows
from tests.portal import Portal

POPUP, SMALLEST = {"width": 500, "height": 600}, {"width": 320, "height": 640}
LANGUAGES = {
    "en-US": ("You act as somebody else", "You act as 김민수", "Stop acting", "Act as this person"),
    "ko-KR": ("대신 접속한 상태", "김민수 님으로 대신 접속함", "대신 접속 마침", "이 사용자로 대신 접속"),
}
COVERS = """() => {
    const banner = document.querySelector('.acting').getBoundingClientRect();
    return [...document.querySelectorAll('header, main, footer')].filter(each => {
        const other = each.getBoundingClientRect();
        return other.height && other.top < banner.bottom - 1;
    }).map(each => each.tagName);
}"""


def act(window: Page, portal: Portal, person: Person, button: str) -> None:
    """Begin to act as a person, from the page of administrators about them."""
    window.goto(f"{portal.url}/admin/people?q={person.email}")
    window.get_by_role("link", name=person.name).click()
    window.get_by_role("link", name=button).click()
    reason = window.locator("#reason")
    expect(reason).to_be_visible()
    hold_accessibility(window, "reason")
    window.get_by_role("button", name=button).click()
    expect(window.locator("#reason-error")).to_be_visible()
    reason.fill("Cannot find a project, ticket 17")
    window.get_by_role("button", name=button).click()
    expect(window.locator(".acting")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_banner_stands_above_every_page_and_ends_it(windows: Windows, live_portal: Portal, language: str) -> None:
    administrator, person = new_person(live_portal), new_person(live_portal)
    live_portal.flask("users", "set-role", administrator.email, "admin")
    live_portal.flask("groups", "update", "MAX", "--allow-acting")
    asking = sent_by(live_portal, f"shop-{language.lower()}")
    label, named, stop, begin = LANGUAGES[language]
    window = windows.open(locale=language, viewport=DESKTOP)
    window.goto(f"{live_portal.url}/login")
    log_in(window, administrator)
    expect(window.locator("body")).to_contain_text(administrator.name)
    windows.expect("status of 400")
    act(window, live_portal, person, begin)
    windows.expect("status of 403")
    for path in ("/", "/account", "/account/security/password", f"{asking}&display=popup"):
        window.goto(path if path.startswith("http") else live_portal.url + path)
        banner = window.get_by_role("region", name=label)
        expect(banner).to_contain_text(named)
        expect(banner).to_contain_text(person.email)
        hold_accessibility(window, path)
        for size in (PHONE, SMALLEST, POPUP, DESKTOP):
            window.set_viewport_size(size)
            assert not window.evaluate(SCROLLS_SIDEWAYS), (path, size)
            assert window.evaluate(CUT_OFF) == [], (path, size)
            assert window.evaluate(COVERS) == [], (path, size)
    window.goto(live_portal.url)
    window.get_by_role("button", name=stop).click()
    expect(window.get_by_role("region", name=label)).to_have_count(0)
    window.goto(f"{live_portal.url}/account")
    expect(window.locator("body")).to_contain_text(administrator.email)
