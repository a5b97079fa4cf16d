"""Every page in Chromium: accessible in both languages and themes, whole on a phone."""

from collections.abc import Sequence
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
PHONE = {"width": 360, "height": 740}

ANONYMOUS = ("/", "/login", "/register", "/logged-out", "/developers", "/terms", "/privacy", "asking")
LOGGED_IN = ("/", "/logout", "/api/oauth/logout", "consent", "select_account")
REFUSED = {
    "/nothing-here": 404,
    "/consent?interaction=unknown": 410,
    "unknown client": 400,
    "other address": 400,
    "/api/oauth/logout?client_id=pages&post_logout_redirect_uri=http://localhost/elsewhere": 400,
}

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


@pytest.fixture(scope="module")
def addresses(live_portal: Portal) -> dict[str, str]:
    """The addresses of the pages that are reached through a request of an application, by what they show."""
    redirect_uri = f"{live_portal.url}/arrived"
    live_portal.flask(
        "clients", "create", CLIENT_ID, "--name", "Seen by all", "--redirect-uri", redirect_uri, "--scope", SCOPE
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


def hold_rules_of_all_pages(window: Page, address: str, sizes: Sequence[dict[str, int]] = (PHONE,)) -> None:
    hold_accessibility(window, address)
    for size in sizes:
        window.set_viewport_size(size)  # type: ignore[arg-type]
        assert not window.evaluate(SCROLLS_SIDEWAYS), f"{address} at {size}"
        assert window.evaluate(CUT_OFF) == [], f"{address} at {size}"
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


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_chosen_theme_goes_before_the_devices(windows: Windows, live_portal: Portal, theme: str) -> None:
    other = "light" if theme == "dark" else "dark"
    window = windows.open(base_url=live_portal.url, locale="en-US", color_scheme=other)
    window.goto("/terms")
    by_device = window.evaluate("getComputedStyle(document.body).backgroundColor")
    window.locator(".site-menu summary").click()
    window.locator(f"button[name=theme][value={theme}]").click()
    expect(window.locator("html")).to_have_attribute("data-bs-theme", theme)
    expect(window).to_have_url(f"{live_portal.url}/terms")
    assert window.evaluate("getComputedStyle(document.body).backgroundColor") != by_device
