"""The steps of coming in by a provider as pages: whole, read aloud, by keys alone, without script, in large text."""

import re

import pytest
from playwright.sync_api import Page, expect

from app.social.problems import PROBLEMS
from tests.browser.accessibility import hold_accessibility
from tests.browser.people import new_person, sent_by
from tests.browser.test_account_pages import OUTSIDE, OVERLAPS, SQUEEZED
from tests.browser.test_large_text import LARGE, hold_large
from tests.browser.test_pages import SCROLLS_SIDEWAYS
from tests.browser.test_popup import SCROLLS_DOWN, SIZE
from tests.browser.test_recovery import fill, follow
from tests.browser.test_typed_text import choose
from tests.browser.travelling import GO_ON, Stage, come_in, join, prove_address, walk
from tests.chromium import Windows
from tests.mailbox import kept_code
from tests.web.test_in_app_browsers import INSIDE

ARRIVED = re.compile(r"/arrived\?.*code=")
LOCALES = ["ko-KR", "en-US"]
LONG = "an.address.of.some.length@department.of.long.addresses.example.com"


@pytest.fixture(scope="module")
def start(shared_stage: Stage) -> str:
    """Where an application sends browsers to."""
    return sent_by(shared_stage.portal, "joining")


@pytest.fixture(params=LOCALES)
def window(request: pytest.FixtureRequest, windows: Windows, stage: Stage) -> Page:
    for status in (400, 401, 403, 404, 409, 410, 502, 504):
        windows.expect(f"status of {status}")
    return windows.open(base_url=stage.portal.url, locale=request.param)


def test_each_step_can_be_read_by_everybody_on_a_desk_and_a_telephone(window: Page, stage: Stage, start: str) -> None:
    titles = set()
    for step in walk(window, stage, start):
        hold_accessibility(window, step)
        assert window.locator("h1").count() == 1, step
        assert window.locator(".step .btn-primary:visible").count() == 1, step
        titles.add(window.title())
        for width, height in ((360, 740), (1280, 720)):
            window.set_viewport_size({"width": width, "height": height})
            assert not window.evaluate(SCROLLS_SIDEWAYS), step
            for wrong in (OUTSIDE, OVERLAPS, SQUEEZED):
                # A short link is as high as a finger.
                assert [each for each in window.evaluate(wrong) if not str(each).startswith("<a ")] == [], step
    assert len(titles) > 10


def test_nothing_is_cut_off_where_all_is_large(window: Page, stage: Stage, start: str) -> None:
    for _step in walk(window, stage, start):
        for how, size in LARGE:
            window.set_viewport_size(size)  # type: ignore[arg-type]
            hold_large(window, how)
            window.evaluate("document.documentElement.style.fontSize = ''")


@pytest.mark.parametrize("browser", ["wide", "narrow"], indirect=True)
def test_the_popup_shows_each_step_without_scrolling(window: Page, stage: Stage, start: str) -> None:
    window.set_viewport_size(SIZE)  # type: ignore[arg-type]
    for step in walk(window, stage, f"{start}&display=popup", LONG, PROBLEMS):
        expect(window.locator(".step .btn-primary")).to_be_in_viewport(ratio=1)
        assert not window.evaluate(SCROLLS_DOWN), step


def test_a_new_account_by_the_keyboard_alone(window: Page, stage: Stage, start: str) -> None:
    email = stage.newcomer("naver")
    window.goto(start)
    follow(window, "a.provider[href^='/auth/naver']")
    follow(window, "button[value=kim]")
    fill(window, email=email)
    expect(window.locator("input[name=code]")).to_be_focused()
    window.keyboard.type(kept_code(stage.portal, email))
    window.keyboard.press("Enter")
    fill(window, name="Minsu K.")
    follow(window, "button[value=allow]")
    expect(window).to_have_url(ARRIVED)


def test_an_account_is_proven_by_the_keyboard_alone(window: Page, stage: Stage, start: str) -> None:
    person = new_person(stage.portal)
    stage.newcomer("google", person.email)
    window.goto(start)
    follow(window, "a.provider[href^='/auth/google']")
    follow(window, "button[value=kim]")
    expect(window.locator("input[name=password]")).to_be_focused()
    window.keyboard.type(person.password)
    window.keyboard.press("Enter")
    follow(window, "button[value=allow]")
    expect(window).to_have_url(ARRIVED)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_new_account_without_any_script(windows: Windows, stage: Stage, start: str, locale: str) -> None:
    windows.expect("status of 404")
    windows.expect("status of 400")
    window = windows.open(locale=locale, java_script_enabled=False)
    email = stage.newcomer("discord")
    stage.providers.discord.switch("no_email")
    window.goto(start)
    come_in(window, "discord")
    prove_address(window, stage.portal, email)
    window.go_back()
    window.go_forward()
    join(window, stage, "discord", email)
    window.locator("button[value=allow]").click()
    expect(window).to_have_url(ARRIVED)
    window.goto(start + "&prompt=login")
    window.locator("a.provider[href^='/auth/discord']").click()
    window.locator("button[name=cancel]").click()
    window.locator(".step-body > a.btn-primary").click()
    come_in(window, "discord")
    expect(window).to_have_url(ARRIVED)


@pytest.mark.parametrize("script", [True, False])
def test_a_choice_of_language_keeps_what_was_typed(windows: Windows, stage: Stage, start: str, script: bool) -> None:
    window = windows.open(locale="en-US", java_script_enabled=script)
    windows.expect("status of 404")
    email = stage.newcomer("naver")
    window.goto(start)
    come_in(window, "naver")
    window.locator("input[name=email]").fill("half-typed@exam")
    choose(window, "lang", "ko")
    expect(window.locator("html")).to_have_attribute("lang", "ko")
    expect(window.locator("input[name=email]")).to_have_value("half-typed@exam")
    prove_address(window, stage.portal, email)
    window.locator("input[name=name]").fill("김민수 아님")
    choose(window, "lang", "en")
    expect(window.locator("html")).to_have_attribute("lang", "en")
    expect(window.locator("input[name=name]")).to_have_value("김민수 아님")
    choose(window, "theme", "dark")
    expect(window.locator("html")).to_have_attribute("data-bs-theme", "dark")
    window.locator(GO_ON).click()
    window.locator("button[value=allow]").click()
    expect(window).to_have_url(ARRIVED)
    window.goto(f"{stage.portal.url}/account/profile")
    expect(window.locator("input[name=full_name]")).to_have_value("김민수 아님")


def test_a_telephone_offers_the_code_and_digits(window: Page, stage: Stage, start: str) -> None:
    stage.newcomer("naver")
    window.goto(start)
    come_in(window, "naver")
    window.locator(GO_ON).click()
    code = window.locator("input[name=code]")
    expect(code).to_have_attribute("autocomplete", "one-time-code")
    expect(code).to_have_attribute("inputmode", "numeric")
    expect(code).to_have_css("font-size", "24px")


# Inside other apps


@pytest.mark.parametrize("app", INSIDE)
def test_inside_an_app_google_is_left_by_a_link_that_keeps_the_request(
    windows: Windows, stage: Stage, start: str, app: str
) -> None:
    for user_agent in INSIDE[app]:
        window = windows.open(locale="ko-KR", user_agent=user_agent, viewport=SIZE)
        window.goto(f"{start}&display=popup")
        expect(window.locator("a.provider")).to_have_count(4)
        expect(window.locator("a.provider[href^='/auth/google']")).to_have_count(0)
        assert not window.evaluate(SCROLLS_SIDEWAYS)
        assert window.evaluate(OVERLAPS) == []
        address = window.locator(".outside code").inner_text()
        assert address == window.url
        assert "interaction=" in address
        window.context.close()
    # The same request goes on in another browser.
    outside = windows.open(locale="ko-KR")
    stage.newcomer("google")
    outside.goto(address)
    come_in(outside, "google")
    expect(outside.locator(".asking")).to_contain_text("Joining")
    expect(outside.locator(GO_ON)).to_be_visible()


def test_inside_an_app_an_account_that_only_google_proves_is_proven_outside(
    windows: Windows, stage: Stage, start: str
) -> None:
    window = windows.open(locale="en-US")
    email = stage.newcomer("google")
    window.goto(start)
    come_in(window, "google")
    join(window, stage, "google", email)
    expect(window.locator("button[value=allow]")).to_be_visible()
    stage.newcomer("kakao", email)
    inside = windows.open(locale="en-US", user_agent=INSIDE["KakaoTalk"][0])
    inside.goto(start)
    come_in(inside, "kakao")
    expect(inside.locator(".pair")).to_be_visible()
    expect(inside.locator(".providers .provider")).to_have_count(0)
    outside = windows.open(locale="en-US")
    outside.goto(inside.locator(".outside code").inner_text())
    come_in(outside, "google")
    expect(outside.locator("button[value=allow]")).to_be_visible()
