"""Every page in Chromium: accessible in both languages and themes, whole on a phone, complete in the popup."""

from functools import cache
from urllib.parse import urlencode

import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Page, Response, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, log_in, new_person
from tests.chromium import Windows
from tests.portal import Portal
from tests.relying_party import CHALLENGE
from tests.servers import PROJECT_ROOT

CLIENT_ID = "pages"
SCOPE = "openid profile email offline_access read:groups"
DESKTOP = {"width": 1280, "height": 800}
POPUP = {"width": 500, "height": 600}
PHONE = {"width": 360, "height": 740}

ANONYMOUS = ("/", "/login", "/register", "/logged-out", "/developers", "/terms", "/privacy", "asking")
LOGGED_IN = ("/", "/logout", "/api/oauth/logout", "consent", "select_account")
REFUSED = {"/nothing-here": 404, "/consent?interaction=unknown": 410, "unknown client": 400, "other address": 400}

CUT_OFF = """() => [...document.querySelectorAll("h1, button, input:not([type=hidden]), a, code")]
    .filter(element => element.checkVisibility() && !element.closest("pre, .skip-link"))
    .map(element => [element.getBoundingClientRect(), element.outerHTML.slice(0, 120)])
    .filter(([box]) => box.left < 0 || box.right > innerWidth + 1)
    .map(([, name]) => name)"""
# A range counts lines of text; an element that lies in a flex box is always one box.
LINES_OF_COPY_BUTTONS = """() => [...document.querySelectorAll(".copy span")]
    .filter(words => words.checkVisibility())
    .map(words => {
        const range = new Range();
        range.selectNodeContents(words);
        return range.getClientRects().length;
    })"""
SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"
SCROLLS_DOWN = "document.documentElement.scrollHeight > innerHeight"


@pytest.fixture(scope="module")
def addresses(live_portal: Portal) -> dict[str, str]:
    """The addresses of the pages that are reached through a request of an application, by what they show."""
    redirect_uri = f"{live_portal.url}/arrived"
    live_portal.flask(
        "clients", "create", CLIENT_ID, "--name", "Pages", "--redirect-uri", redirect_uri, "--scope", SCOPE
    )
    asking = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    changes = {
        "asking": {},
        "consent": {"prompt": "consent"},
        "select_account": {"prompt": "select_account"},
        "unknown client": {"client_id": "nobody"},
        "other address": {"redirect_uri": f"{live_portal.url}/elsewhere"},
    }
    return {name: f"/api/oauth/authorize?{urlencode({**asking, **change})}" for name, change in changes.items()}


@pytest.fixture(scope="module")
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


@pytest.fixture(params=["ko-KR", "en-US"])
def window(request: pytest.FixtureRequest, windows: Windows, live_portal: Portal) -> Page:
    """A desktop window in one of the languages."""
    return windows.open(base_url=live_portal.url, locale=request.param, viewport=DESKTOP)


def enter(window: Page, person: Person) -> None:
    """Log in to the portal itself."""
    window.goto("/login")
    log_in(window, person)
    expect(window.locator("body")).to_contain_text(person.name)


def show(window: Page, address: str, status: int = 200) -> None:
    """Go there and see the page that was meant, in the window's language."""
    response = window.goto(address)
    assert isinstance(response, Response)
    assert response.status == status, address
    expect(window.locator("h1")).to_have_count(1)
    language = window.evaluate("navigator.language.slice(0, 2)")
    expect(window.locator("html")).to_have_attribute("lang", language)
    if language == "ko":
        shown = {line.strip() for line in window.locator("body").inner_text().splitlines()}
        assert shown & english_sentences() == set(), address


@cache
def english_sentences() -> set[str]:
    """What the portal says in English and has Korean words for; one application bears the name of a page."""
    with (PROJECT_ROOT / "translations/ko/LC_MESSAGES/messages.po").open("rb") as file:
        said = {message.id for message in read_po(file) if isinstance(message.id, str) and message.id != message.string}
    return said - {"", "Playground", "English"}


def scrolls_down(window: Page) -> bool:
    """Whether the page is higher than the window, once its style sheets are there."""
    window.wait_for_load_state("load")
    return bool(window.evaluate(SCROLLS_DOWN))


def hold_rules_of_all_pages(window: Page, address: str) -> None:
    hold_accessibility(window, address)
    window.set_viewport_size(PHONE)
    assert not window.evaluate(SCROLLS_SIDEWAYS), address
    assert window.evaluate(CUT_OFF) == [], address
    window.set_viewport_size(DESKTOP)


def test_pages_for_anybody_are_accessible_and_fit_a_phone(window: Page, addresses: dict[str, str]) -> None:
    for name in ANONYMOUS:
        show(window, addresses.get(name, name))
        hold_rules_of_all_pages(window, name)


def test_pages_for_a_logged_in_person_are_accessible_and_fit_a_phone(
    window: Page, addresses: dict[str, str], person: Person
) -> None:
    enter(window, person)
    for name in LOGGED_IN:
        show(window, addresses.get(name, name))
        hold_rules_of_all_pages(window, name)


def test_refusals_are_accessible_and_fit_a_phone(windows: Windows, window: Page, addresses: dict[str, str]) -> None:
    for name, status in REFUSED.items():
        windows.expect(f"status of {status}")
        show(window, addresses.get(name, name), status)
        hold_rules_of_all_pages(window, name)


def test_a_refused_login_is_accessible_and_leads_back_to_the_field(windows: Windows, window: Page) -> None:
    windows.expect("status of 401")
    window.goto("/login")
    log_in(window, Person("nobody@example.com"))
    expect(window.get_by_role("alert")).to_be_visible()
    expect(window.locator("input[name=password]")).to_be_focused()
    expect(window.locator("input[name=email]")).to_have_value("nobody@example.com")
    hold_rules_of_all_pages(window, "refused login")


def test_words_of_buttons_stay_whole_beside_long_addresses(windows: Windows, live_portal: Portal) -> None:
    window = windows.open(base_url=live_portal.url, locale="en-US", viewport=PHONE)
    show(window, "/developers")
    lines = window.evaluate(LINES_OF_COPY_BUTTONS)
    assert len(lines) > 8
    assert set(lines) == {1}


@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_the_popup_shows_each_step_without_scrolling(
    windows: Windows, live_portal: Portal, addresses: dict[str, str], person: Person, locale: str
) -> None:
    windows.expect("status of 401")
    windows.expect("status of 400")
    window = windows.open(base_url=live_portal.url, locale=locale, viewport=POPUP)
    for name, status in (("unknown client", 400), ("other address", 400), ("/login", 200), ("/register", 200)):
        show(window, f"{addresses[name]}&display=popup" if name in addresses else name, status)
        assert not scrolls_down(window), name
    show(window, f"{addresses['asking']}&display=popup")
    assert not scrolls_down(window)
    window.locator("a[href^='/register']").click()
    expect(window.locator("input[name=name]")).to_be_visible()
    assert not scrolls_down(window)
    window.go_back()
    log_in(window, Person("nobody@example.com"))
    expect(window.get_by_role("alert")).to_be_visible()
    assert not scrolls_down(window)
    log_in(window, person)
    expect(window.locator("button[value=allow]")).to_be_in_viewport(ratio=1)
    assert window.locator(".scopes li").count() == len(SCOPE.split())
    assert not scrolls_down(window)
    show(window, f"{addresses['select_account']}&display=popup")
    assert not scrolls_down(window)
    show(window, f"{addresses['asking']}&prompt=login&display=popup")
    expect(window.locator("input[name=email]")).to_have_value(person.email)
    assert not scrolls_down(window)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_chosen_theme_goes_before_the_devices(windows: Windows, live_portal: Portal, theme: str) -> None:
    other = "light" if theme == "dark" else "dark"
    window = windows.open(base_url=live_portal.url, locale="en-US", color_scheme=other)
    window.goto("/terms")
    by_device = window.evaluate("getComputedStyle(document.body).backgroundColor")
    window.locator(f"button[name=theme][value={theme}]").click()
    expect(window.locator("html")).to_have_attribute("data-bs-theme", theme)
    expect(window).to_have_url(f"{live_portal.url}/terms")
    assert window.evaluate("getComputedStyle(document.body).backgroundColor") != by_device
