"""Logins by providers in Chromium, through the pages of stand-ins on another site: there, back, and what goes wrong."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import decide, log_in, new_person, sent_by
from tests.browser.travelling import (
    GO_ON,
    NAMES,
    Stage,
    agree,
    choose_provider,
    come_in,
    join,
    made_account,
    prove,
    prove_address,
)
from tests.chromium import Windows
from tests.mailbox import kept_code

ARRIVED = re.compile(r"/arrived\?.*code=")
PRIMARY = ".step-body > a.btn-primary"


@pytest.fixture(scope="module")
def start(shared_stage: Stage) -> str:
    """Where an application sends browsers to."""
    return sent_by(shared_stage.portal, "travels")


@pytest.fixture
def window(windows: Windows) -> Page:
    """A window; where people arrive there is no page, which is the application's affair."""
    for status in (400, 401, 404, 409, 410, 502, 504):
        windows.expect(f"status of {status}")
    return windows.open(locale="en-US")


def another(windows: Windows) -> Page:
    """A window of another browser."""
    return windows.open(locale="en-US")


def arrive(window: Page) -> None:
    """Allow the application what it asks for, and be there."""
    decide(window, "allow")
    expect(window).to_have_url(ARRIVED)


def answer_of(window: Page) -> str:
    """The callback that the provider's page would send the browser to, which does not go there."""
    answer = window.request.post(window.url, form={"person": "kim"}, max_redirects=0)
    return answer.headers["location"]


@pytest.mark.parametrize("name", NAMES)
def test_a_first_login_makes_an_account_and_the_next_one_finds_it(
    windows: Windows, window: Page, stage: Stage, start: str, name: str
) -> None:
    email = stage.newcomer(name)
    window.goto(start)
    come_in(window, name)
    join(window, stage, name, email)
    arrive(window)
    elsewhere = another(windows)
    elsewhere.goto(start)
    come_in(elsewhere, name)
    # The application was allowed already.
    expect(elsewhere).to_have_url(ARRIVED)
    elsewhere.goto(f"{stage.portal.url}/account/security/email")
    expect(elsewhere.locator("main")).to_contain_text(email)
    # Whoever comes here next sees which way it was.
    elsewhere.goto(f"{stage.portal.url}/login?switch=1")
    expect(elsewhere.locator(f"a.provider[href^='/auth/{name}'] .last-used")).to_be_visible()
    assert elsewhere.locator(".last-used").count() == 1


def test_who_has_an_account_proves_it_once(windows: Windows, window: Page, stage: Stage, start: str) -> None:
    person = new_person(stage.portal)
    stage.newcomer("google", person.email)
    window.goto(start)
    come_in(window, "google")
    expect(window.locator(".known-facts")).to_contain_text(person.email)
    window.locator("input[name=password]").fill("not the password 7")
    window.locator(GO_ON).click()
    expect(window.get_by_role("alert")).to_be_visible()
    prove(window, person)
    arrive(window)
    elsewhere = another(windows)
    elsewhere.goto(start)
    come_in(elsewhere, "google")
    expect(elsewhere).to_have_url(ARRIVED)


def test_another_login_of_the_account_proves_it(windows: Windows, window: Page, stage: Stage, start: str) -> None:
    email = made_account(window, stage, start, "discord")
    expect(window).to_have_url(ARRIVED)
    stage.newcomer("kakao", email)
    elsewhere = another(windows)
    elsewhere.goto(start)
    come_in(elsewhere, "kakao")
    expect(elsewhere.locator("input[name=password]")).to_have_count(0)
    elsewhere.locator("form[action^='/auth/discord/prove'] button").click()
    agree(elsewhere)
    expect(elsewhere).to_have_url(ARRIVED)
    third = another(windows)
    third.goto(start)
    come_in(third, "kakao")
    expect(third).to_have_url(ARRIVED)


def test_who_is_logged_in_already_only_agrees(window: Page, stage: Stage, start: str) -> None:
    person = new_person(stage.portal)
    window.goto(start)
    log_in(window, person)
    arrive(window)
    stage.newcomer("acme", person.email)
    window.goto(f"{start}&prompt=login")
    come_in(window, "acme")
    expect(window.locator("input[name=password]")).to_have_count(0)
    window.locator(GO_ON).click()
    expect(window).to_have_url(ARRIVED)


def test_an_unverified_address_leads_to_no_account(window: Page, stage: Stage, start: str) -> None:
    person = new_person(stage.portal)
    stage.newcomer("google", person.email)
    window.goto(start)
    come_in(window, "google", "park")
    expect(window).to_have_url(re.compile("/join/email"))
    # Whoever reads the mailbox has still to prove the account that has it.
    prove_address(window, stage.portal, person.email)
    prove(window, person)
    arrive(window)


@pytest.mark.parametrize("name", ["kakao", "discord"])
def test_an_address_that_is_missing_is_asked_for_and_proven(window: Page, stage: Stage, start: str, name: str) -> None:
    email = stage.newcomer(name)
    stage.providers[name].switch("no_email")
    window.goto(start)
    come_in(window, name)
    window.locator("input[name=email]").fill("not an address")
    window.locator(GO_ON).click()
    expect(window.locator(".field-error")).to_be_visible()
    prove_address(window, stage.portal, email)
    join(window, stage, name, email)
    arrive(window)


# What goes wrong has a page, from which one click goes on


def cancelled(window: Page, stage: Stage, start: str) -> None:
    window.goto(start)
    choose_provider(window, "kakao")
    window.locator("button[name=cancel]").click()


def failing(fault: str) -> Callable[[Page, Stage, str], None]:
    def fail(window: Page, stage: Stage, start: str) -> None:
        stage.providers.kakao.switch(fault, "token")
        window.goto(start)
        come_in(window, "kakao")
        # It is given five seconds.
        expect(window.locator(PRIMARY)).to_be_visible(timeout=30_000)
        stage.providers.kakao.switch(fault, False)

    return fail


def with_a_wrong_state(window: Page, stage: Stage, start: str) -> None:
    window.goto(start)
    choose_provider(window, "kakao")
    window.goto(re.sub("state=[^&]*", "state=wrong", answer_of(window)))


def replayed(window: Page, stage: Stage, start: str) -> None:
    window.goto(start)
    choose_provider(window, "kakao")
    address = answer_of(window)
    window.goto(address)
    expect(window).to_have_url(re.compile("/join"))
    window.goto(address)


def mixed_up(window: Page, stage: Stage, start: str) -> None:
    window.goto(start)
    choose_provider(window, "kakao")
    window.goto(answer_of(window).replace("/kakao/", "/discord/"))


def of_another_browser(window: Page, stage: Stage, start: str) -> None:
    browser = window.context.browser
    assert browser
    attacker = browser.new_context(locale="en-US")
    page = attacker.new_page()
    page.goto(start)
    choose_provider(page, "kakao")
    address = answer_of(page)
    attacker.close()
    window.goto(address)


WRONG = {
    "cancelled": (cancelled, "Login cancelled"),
    "answers 500": (failing("error"), "Kakao does not work at the moment"),
    "resets the connection": (failing("reset"), "Kakao does not work at the moment"),
    "hangs": (failing("hang"), "Kakao does not answer"),
    "wrong state": (with_a_wrong_state, "This login is not known here"),
    "replayed": (replayed, "This answer was used already"),
    "mixed up": (mixed_up, "The answer came from somewhere else"),
    "another browser": (of_another_browser, "This login was begun in another browser"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_each_problem_has_a_page_that_leads_on_by_one_click(window: Page, stage: Stage, start: str, wrong: str) -> None:
    email = stage.newcomer("kakao")
    meet, title = WRONG[wrong]
    meet(window, stage, start)
    expect(window.locator("h1")).to_have_text(title)
    # By then the address bar holds nothing of what was answered.
    expect(window).to_have_url(re.compile(rf"^{stage.portal.url}/auth/problem\?(?!.*(code|state)=)"))
    window.reload()
    expect(window.locator("h1")).to_have_text(title)
    window.locator(PRIMARY).click()
    expect(window.locator("h1")).not_to_have_text(title)
    if "/login" in window.url:
        choose_provider(window, "kakao")
    agree(window)
    join(window, stage, "kakao", email)
    arrive(window)


# Going back, twice, in two tabs


def test_the_way_back_to_the_provider_and_another_choice(window: Page, stage: Stage, start: str) -> None:
    """Whoever sees that it is the wrong one goes back, and chooses another there."""
    email = stage.newcomer("google")
    window.goto(start)
    come_in(window, "google", "lee")
    expect(window.locator("input[name=name]")).to_have_value("Seoyeon Lee")
    window.go_back()
    agree(window)
    # Each answer counts once; this one is the second.
    expect(window.locator("h1")).to_have_text("This answer was used already")
    window.get_by_role("link", name="Try Google again").click()
    agree(window)
    expect(window.locator("input[name=name]")).to_have_value("Minsu Kim")
    join(window, stage, "google", email)
    arrive(window)


@pytest.mark.parametrize("name", ["google", "naver"])
def test_reloading_each_step_and_the_way_back_over_it_do_no_harm(
    window: Page, stage: Stage, start: str, name: str
) -> None:
    email = stage.newcomer(name)
    window.goto(start)
    come_in(window, name)
    if name == "naver":
        expect(window).to_have_url(re.compile("/join/email"))
        window.reload()
        window.locator(GO_ON).click()
        expect(window).to_have_url(re.compile("/join/code"))
        window.reload()
        window.go_back()
        expect(window.locator("input[name=email]")).to_have_value(email)
        window.go_forward()
        window.locator("input[name=code]").fill(kept_code(stage.portal, email))
        window.locator(GO_ON).click()
    expect(window).to_have_url(re.compile(r"/join\?"))
    window.reload()
    window.locator(GO_ON).dblclick(no_wait_after=True)
    expect(window).to_have_url(re.compile("/consent"))
    window.reload()
    window.go_back()
    # The step that is over knows it, or leads on.
    if "/consent" not in window.url:
        expect(window.locator("h1")).to_have_text("This step is over")
        window.locator(PRIMARY).click()
    arrive(window)


def test_two_tabs_come_in_by_two_providers(window: Page, stage: Stage, start: str) -> None:
    first, second = stage.newcomer("google"), stage.newcomer("kakao")
    tab = window.context.new_page()
    window.goto(start)
    tab.goto(start)
    choose_provider(window, "google")
    choose_provider(tab, "kakao")
    agree(tab)
    join(tab, stage, "kakao", second)
    arrive(tab)
    agree(window)
    join(window, stage, "google", first)
    arrive(window)
    window.goto(f"{stage.portal.url}/account/security/email")
    expect(window.locator("main")).to_contain_text(first)


def test_a_second_tab_with_the_same_step_finds_it_done(window: Page, stage: Stage, start: str) -> None:
    email = stage.newcomer("google")
    window.goto(start)
    come_in(window, "google")
    expect(window).to_have_url(re.compile(r"/join\?"))
    tab = window.context.new_page()
    tab.goto(window.url)
    join(window, stage, "google", email)
    arrive(window)
    tab.locator(GO_ON).click()
    expect(tab.locator("h1")).to_have_text("This step is over")
    tab.locator(PRIMARY).click()
    expect(tab).to_have_url(ARRIVED)


def test_a_session_that_ends_meanwhile_takes_no_login_with_it(window: Page, stage: Stage, start: str) -> None:
    person = new_person(stage.portal)
    window.goto(f"{stage.portal.url}/login")
    log_in(window, person)
    window.wait_for_url(re.compile("/$"))
    stage.newcomer("google", person.email)
    window.goto(f"{start}&prompt=login")
    come_in(window, "google")
    expect(window.locator("input[name=password]")).to_have_count(0)
    window.context.clear_cookies(name="portal_session")
    window.locator(GO_ON).click()
    # It is not agreed to by somebody who is not there any more.
    prove(window, person)
    arrive(window)
