"""Several people at one browser, by the keyboard alone: choose, log one out, log all out."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, new_person
from tests.chromium import Windows
from tests.portal import Portal

WORDS = {
    "ko": {
        "choose": "계정 선택",
        "other": "다른 계정 사용",
        "leave": "로그아웃",
        "use": "사용 중",
        "gone": "로그아웃했습니다",
    },
    "en": {
        "choose": "Choose an account",
        "other": "Use another account",
        "leave": "Log out",
        "use": "In use",
        "gone": "You are logged out",
    },
}


def typed_login(page: Page, person: Person) -> None:
    """Fill the login page in from its first field on."""
    page.locator("input[name=email]").focus()
    page.keyboard.type(person.email)
    page.keyboard.press("Tab")
    page.keyboard.type(person.password)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def go_to(page: Page, name: str) -> None:
    """Press Tab until what is named so has the focus, which is seen."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and (focused.get_attribute("aria-label") or focused.inner_text()).strip().startswith(name):
            assert focused.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
            return
    raise AssertionError(f"Tab never comes to {name}")


def press(page: Page, name: str) -> None:
    go_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("size", [{"width": 1280, "height": 800}, {"width": 360, "height": 740}], ids=["wide", "phone"])
def test_people_take_turns_at_one_browser(
    live_portal: Portal, windows: Windows, language: str, size: dict[str, int]
) -> None:
    words = WORDS[language]
    ada, bob = new_person(live_portal), new_person(live_portal)
    page = windows.open(locale={"ko": "ko-KR", "en": "en-US"}[language], viewport=size)
    page.goto(f"{live_portal.url}/login")
    typed_login(page, ada)
    page.goto(f"{live_portal.url}/select-account")
    press(page, words["other"])
    typed_login(page, bob)

    page.goto(f"{live_portal.url}/select-account")
    expect(page.locator("h1")).to_have_text(words["choose"])
    hold_accessibility(page)
    emails = page.locator(".choice small.soft").all_inner_texts()
    assert emails == [bob.email, ada.email]
    expect(page.locator(".choice", has_text=words["use"])).to_contain_text(bob.email)

    page.locator(f".choice:has-text('{ada.email}')").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page).to_have_url(f"{live_portal.url}/")
    page.locator(".person-menu summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".person-menu .menu")).to_contain_text(ada.email)
    hold_accessibility(page)

    page.goto(f"{live_portal.url}/logout")
    expect(page.locator(".people")).to_contain_text(ada.email)
    expect(page.locator(".people")).to_contain_text(bob.email)
    hold_accessibility(page)

    page.goto(f"{live_portal.url}/select-account")
    page.get_by_role("button", name=re.compile(re.escape(bob.email))).filter(has_text=words["leave"]).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(".choice small.soft").all_inner_texts() == [ada.email]

    page.goto(f"{live_portal.url}/logout")
    press(page, words["leave"])
    expect(page.locator("h1")).to_have_text(words["gone"])
    assert [each for each in page.context.cookies() if each["name"].startswith(("portal_session", "portal_acc"))] == []
