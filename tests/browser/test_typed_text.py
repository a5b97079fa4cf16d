"""What people typed, in a real browser: it outlives a choice of language, the way back, a reload and a lost session."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.browser.people import Person, log_in, new_person
from tests.chromium import Windows, launched_without_cookies
from tests.portal import Portal

SEND = "form[data-once] button:not([type=button])"
WRONG = Person("nobody@example.com")
NEW_EMAIL = "/account/security/email"


@pytest.fixture(scope="module")
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


@pytest.fixture(scope="module")
def other(live_portal: Portal) -> Person:
    return new_person(live_portal)


@pytest.fixture
def window(windows: Windows, live_portal: Portal) -> Page:
    for status in (400, 401, 409):
        windows.expect(f"status of {status}")
    return windows.open(base_url=live_portal.url, locale="en-US")


def enter(window: Page, person: Person) -> None:
    window.goto("/login?switch=1")
    log_in(window, person)
    expect(window).to_have_url(re.compile("/$"))


def choose(window: Page, name: str, value: str) -> None:
    """Choose a language or theme in the menu below the page."""
    window.locator(".site-menu summary").click()
    window.locator(f".site-menu button[name={name}][value={value}]").click()


@pytest.mark.parametrize("script", [True, False])
def test_a_choice_of_language_and_theme_keeps_what_was_typed(
    windows: Windows, live_portal: Portal, script: bool
) -> None:
    window = windows.open(base_url=live_portal.url, locale="en-US", java_script_enabled=script)
    window.goto("/register")
    window.locator("input[name=name]").fill("에이다 러브레이스")
    window.locator("input[name=email]").fill("half-typed@exam")
    window.locator("input[name=password]").fill("correct horse")
    choose(window, "lang", "ko")
    expect(window.locator("html")).to_have_attribute("lang", "ko")
    choose(window, "theme", "dark")
    expect(window.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(window).to_have_url(f"{live_portal.url}/register")
    expect(window.locator("input[name=name]")).to_have_value("에이다 러브레이스")
    expect(window.locator("input[name=email]")).to_have_value("half-typed@exam")
    expect(window.locator("input[name=password]")).to_have_value("")


def test_a_choice_takes_no_password_along(window: Page) -> None:
    window.goto("/login")
    window.locator("input[name=email]").fill("ada@example.com")
    window.locator("input[name=password]").fill("correct horse")
    with window.expect_request("**/language") as sent:
        choose(window, "lang", "ko")
    assert "ada%40example.com" in (sent.value.post_data or "")
    assert "correct" not in (sent.value.post_data or "")


def test_enter_in_a_field_sends_the_form_and_chooses_nothing(window: Page, person: Person) -> None:
    window.goto("/login")
    window.locator("input[name=email]").fill(person.email)
    window.locator("input[name=password]").fill(person.password)
    window.locator("input[name=password]").press("Enter")
    expect(window).to_have_url(re.compile("/$"))
    expect(window.locator("html")).to_have_attribute("lang", "en")


def test_the_way_back_over_a_refused_form_and_a_reload_ask_nothing(window: Page, live_portal: Portal) -> None:
    window.goto("/login")
    log_in(window, WRONG)
    expect(window.get_by_role("alert")).to_be_visible()
    window.wait_for_load_state()
    with window.expect_request("**/login") as asked:
        window.reload()
    assert asked.value.method == "GET"
    expect(window.locator("input[name=email]")).to_have_value(WRONG.email)
    window.goto("/terms")
    window.go_back()
    expect(window).to_have_url(f"{live_portal.url}/login")
    expect(window.locator("input[name=email]")).to_have_value(WRONG.email)


def test_a_reload_after_a_mail_was_sent_sends_no_other(window: Page, person: Person) -> None:
    enter(window, person)
    window.goto(NEW_EMAIL)
    window.locator("input[name=email]").fill("countess@example.com")
    window.locator(SEND).first.click()
    expect(window.locator("main")).to_contain_text("countess@example.com")
    with window.expect_request(f"**{NEW_EMAIL}**") as asked:
        window.reload()
    assert asked.value.method == "GET"
    expect(window.locator("main")).to_contain_text("countess@example.com")


def test_a_form_of_one_tab_is_not_sent_as_whoever_logged_in_in_another(
    window: Page, person: Person, other: Person
) -> None:
    enter(window, person)
    window.goto("/account/profile")
    window.locator("[name=bio]").fill("Mine alone")
    second = window.context.new_page()
    enter(second, other)
    window.locator("form[data-once] .btn-primary").click()
    expect(window.locator("h1")).to_have_text("Another account is in use")
    expect(window.locator("main")).not_to_contain_text("Mine alone")
    expect(window.locator("main")).not_to_contain_text("Nothing was lost")
    second.goto("/account/profile")
    expect(second.locator("[name=bio]")).to_have_value("")
    window.locator("main a.btn-primary").click()
    window.get_by_role("button", name=person.email).first.click()
    expect(window.locator("[name=bio]")).to_have_value("Mine alone")


def test_a_session_that_ended_while_typing_says_so_and_gives_the_text_back(
    window: Page, live_portal: Portal, person: Person
) -> None:
    enter(window, person)
    window.goto("/account/profile")
    window.locator("[name=bio]").fill("Typed for an hour")
    live_portal.flask("sessions", "end", "--user", person.email)
    window.locator("form[data-once] .btn-primary").click()
    expect(window.get_by_role("status")).to_contain_text("what you typed is still there")
    log_in(window, person)
    expect(window.locator("[name=bio]")).to_have_value("Typed for an hour")
    expect(window.get_by_role("status").first).to_contain_text("not saved yet")


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_a_browser_that_keeps_no_cookies_is_told_before_anybody_types(
    playwright: Playwright, tmp_path: Path, live_portal: Portal, locale: str
) -> None:
    with launched_without_cookies(playwright, tmp_path, locale) as context:
        window = context.new_page()
        window.goto(f"{live_portal.url}/login")
        expect(window.locator(".note-warning")).to_have_count(1)
        expect(window.locator(".note-warning")).to_contain_text("localhost")
        log_in(window, WRONG)
        expect(window.locator(".note-warning[role=alert]")).to_contain_text("localhost")
        expect(window.locator("input[name=email]")).to_have_value(WRONG.email)


def test_a_summary_of_mistakes_has_the_focus_and_leads_to_each_field(window: Page) -> None:
    window.goto("/register")
    window.locator(SEND).first.click()
    summary = window.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.locator("a")).to_have_count(3)
    window.keyboard.press("Tab")
    window.keyboard.press("Enter")
    expect(window.locator("input[name=name]")).to_be_focused()


def test_the_address_where_password_managers_look_leads_to_the_password(window: Page, person: Person) -> None:
    enter(window, person)
    window.goto("/.well-known/change-password")
    expect(window).to_have_url(re.compile("/account/security/password$"))
