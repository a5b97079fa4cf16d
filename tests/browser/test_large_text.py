"""Steps of logging in where all is large: text of twice the size on a phone, a page zoomed fourfold, forced colours."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import Person, log_in, new_person, sent_by
from tests.browser.test_account_pages import OUTSIDE, OVERLAPS, SQUEEZED
from tests.browser.test_pages import SCROLLS_SIDEWAYS
from tests.chromium import Windows
from tests.portal import Portal

SCOPE = "openid profile email offline_access read:groups"
STEPS = ("/login", "/register", "/forgot-password", "/forgot-password?sent=1", "/logged-out", "/nothing-here", "/terms")
OF_SOMEBODY = ("/", "/select-account", "/logout", "/verify-email", "/confirm")
LARGE = [("text twice as large", {"width": 360, "height": 740}), ("zoomed fourfold", {"width": 320, "height": 256})]


@pytest.fixture(scope="module")
def start(live_portal: Portal) -> str:
    return sent_by(live_portal, "large", SCOPE)


@pytest.fixture(scope="module")
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


@pytest.fixture(params=["ko-KR", "en-US"])
def window(request: pytest.FixtureRequest, windows: Windows, live_portal: Portal) -> Page:
    for status in (400, 404):
        windows.expect(f"status of {status}")
    return windows.open(base_url=live_portal.url, locale=request.param)


def hold_large(window: Page, how: str) -> None:
    if how == "text twice as large":
        window.evaluate("document.documentElement.style.fontSize = '200%'")
    # Where it is low, the sum of what is wrong is for readers only, clipped on purpose.
    window.evaluate("document.querySelector('.note.repeats')?.remove()")
    what = f"{window.url}, {how}"
    assert not window.evaluate(SCROLLS_SIDEWAYS), what
    assert window.evaluate(OUTSIDE) == [], what
    # The decision stays in sight above what is scrolled below it.
    decision = window.locator(".decision button").all_inner_texts()
    assert [pair for pair in window.evaluate(OVERLAPS) if not set(pair) & set(decision)] == [], what
    # A short link is as high as a finger.
    assert [each for each in window.evaluate(SQUEEZED) if not each.startswith("<a ")] == [], what


@pytest.mark.parametrize(("how", "size"), LARGE)
def test_nothing_is_cut_off_or_lies_on_something_else(
    window: Page, start: str, person: Person, how: str, size: dict[str, int]
) -> None:
    window.set_viewport_size(size)  # type: ignore[arg-type]
    for path in (*STEPS, start, start.replace("=large&", "=nobody&")):
        window.goto(path)
        hold_large(window, how)
    window.goto("/register")
    with window.expect_navigation():
        window.locator("form[data-once] button:not([type=button])").first.click()
    hold_large(window, how)
    window.goto(start)
    log_in(window, person)
    expect(window.locator("button[value=allow]")).to_be_visible()
    hold_large(window, how)
    for path in OF_SOMEBODY:
        window.goto(path)
        hold_large(window, how)


def test_a_whole_login_by_the_keyboard_alone(window: Page, live_portal: Portal, start: str) -> None:
    person = new_person(live_portal)
    window.goto(start)
    expect(window.locator("input[name=email]")).to_be_focused()
    window.keyboard.type(person.email)
    window.keyboard.press("Tab")
    expect(window.locator("input[name=password]")).to_be_focused()
    window.keyboard.type(person.password)
    window.keyboard.press("Enter")
    allow = window.locator("button[value=allow]")
    expect(allow).to_be_visible()
    for _ in range(12):
        window.keyboard.press("Tab")
        if allow.evaluate("each => each === document.activeElement"):
            break
    expect(allow).to_be_focused()
    assert allow.evaluate("each => getComputedStyle(each).outlineStyle") != "none"
    window.keyboard.press("Enter")
    window.wait_for_url("**/arrived?**")


def test_forced_colours_leave_every_border_and_focus(windows: Windows, live_portal: Portal) -> None:
    window = windows.open(base_url=live_portal.url, locale="en-US", forced_colors="active")
    window.goto("/login")
    assert window.evaluate("matchMedia('(forced-colors: active)').matches")
    for selector in ("input[name=email]", "input[name=password]", "form[data-once] .btn-primary"):
        part = window.locator(selector)
        part.focus()
        style = part.evaluate("each => [getComputedStyle(each).borderStyle, getComputedStyle(each).outlineStyle]")
        assert "none" not in style, selector
