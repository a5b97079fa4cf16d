"""A person, an address, an application and a host as long as they may be: no step grows, and all of it can be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, log_in, new_person
from tests.browser.test_pages import CUT_OFF, DESKTOP, PHONE, SCROLLS_SIDEWAYS
from tests.browser.test_popup import SCROLLS_DOWN, SIZE
from tests.chromium import Windows
from tests.portal import Portal
from tests.relying_party import CHALLENGE

NAMES = {"latin": "W" * 175, "hangul": "뷁" * 175}
APPLICATION = "M" * 98 + " Z"
HOST = f"accounts.google.com.{'b' * 60}.{'c' * 60}.{'d' * 60}.example.com"
CALLBACK = f"https://{HOST}/oauth/callback"
ACCOUNT = ("/account", "/account/profile", "/account/security", "/account/sessions", "/account/apps")
ACCOUNT += ("/account/plan", "/account/activity", "/account/data", "/account/data/delete", "/")
OVERFLOWING = """() => [...document.querySelectorAll("main *, header *")]
    .filter(each => each.checkVisibility())
    .filter(each => !each.closest("input, textarea, select, .cut, pre, svg, [class*=visually]"))
    .filter(each => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX !== "visible")
    .map(each => each.outerHTML.slice(0, 120))"""
# What is cut on this page: whether anything of it is out of sight, what it is called, and what stands there.
CUT = """() => [...document.querySelectorAll(".cut")].filter(each => each.checkVisibility())
    .map(each => [each.title, each.textContent])"""


@dataclass
class Long:
    """Where the steps for a person begin."""

    person: Person
    client_id: str
    start: str

    def address(self, **change: str) -> str:
        """A request of the application, which opens the popup."""
        return f"{self.start}&{urlencode({'display': 'popup', **change})}"


@pytest.fixture(scope="module", params=NAMES)
def long(request: pytest.FixtureRequest, live_portal: Portal) -> Iterator[Long]:
    kind = str(request.param)
    person = Person(f"{kind:x<64}@{'y' * 60}.{'z' * 60}.{'w' * 34}.example", NAMES[kind])
    create = ("users", "create", person.email, "--password", person.password, "--name", person.name)
    live_portal.flask(*create)
    client = ("clients", "create", f"long-{kind}", "--name", APPLICATION, "--redirect-uri", CALLBACK)
    live_portal.flask(*client, "--home", f"https://{HOST}/", "--scope", "openid profile email", "--listed")
    query = {
        "response_type": "code",
        "client_id": f"long-{kind}",
        "redirect_uri": CALLBACK,
        "scope": "openid profile email",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    yield Long(person, f"long-{kind}", f"{live_portal.url}/api/oauth/authorize?{urlencode(query)}")
    live_portal.flask("clients", "delete", f"long-{kind}", "--yes")


@pytest.fixture(params=[SIZE, PHONE], ids=["popup", "phone"])
def window(request: pytest.FixtureRequest, windows: Windows, live_portal: Portal) -> Page:
    for status in (400, 404, 410):
        windows.expect(f"status of {status}")
    return windows.open(base_url=live_portal.url, locale="ko-KR", viewport=request.param)


def hold_whole(window: Page, primary: str = ".step .btn-primary") -> None:
    """Nothing sideways, the button for going on in sight, and of what is cut the whole for who hovers or listens."""
    hold_width(window)
    expect(window.locator(primary).last).to_be_in_viewport(ratio=1)
    if window.viewport_size == SIZE:
        assert not window.evaluate(SCROLLS_DOWN), window.url


def hold_width(window: Page) -> None:
    window.wait_for_load_state("load")
    where = urlsplit(window.url).path
    assert not window.evaluate(SCROLLS_SIDEWAYS), where
    assert window.evaluate(CUT_OFF) == [], where
    assert window.evaluate(OVERFLOWING) == [], where
    for title, text in window.evaluate(CUT):
        assert title == text, where


def titles(window: Page) -> set[str]:
    """The whole of what is cut on the page."""
    return {title for title, _ in window.evaluate(CUT)}


def test_no_step_grows_with_the_names_on_it(window: Page, long: Long, live_portal: Portal) -> None:
    window.goto(long.address())
    hold_whole(window)
    assert {APPLICATION, HOST} <= titles(window)
    assert window.locator(".asking .cut-front").bounding_box()["height"] < 40  # type: ignore[index]
    for path in ("/register", "/forgot-password"):
        window.goto(long.address())
        window.locator(f".step a[href^='{path}']").click()
        hold_whole(window)
    window.goto(long.address())
    log_in(window, long.person)
    expect(window.locator("button[value=allow]")).to_be_visible()
    hold_whole(window, "button[value=allow]")
    hold_whole(window, "button[value=deny]")
    hold_accessibility(window, "consent")
    for path in ("/verify-email", "/change-email?token=x", "/reset-password?token=x"):
        window.goto(path)
        hold_whole(window)
    window.goto(long.address())
    assert {APPLICATION, HOST, long.person.name, long.person.email} <= titles(window)
    assert long.person.email in window.locator("main").inner_text()
    window.goto(long.address(prompt="select_account"))
    hold_whole(window, "button[value=other]")
    expect(window.locator("button[name=logout]")).to_be_in_viewport(ratio=1)
    window.goto(long.address(prompt="login"))
    hold_whole(window)
    window.goto(long.address(prompt="select_account"))
    window.locator("button[value=other]").click()
    log_in(window, new_person(live_portal))
    expect(window.locator("button[value=allow]")).to_be_visible()
    for path in ("/logout", "/api/oauth/logout"):
        window.goto(path)
        hold_whole(window)
        assert {long.person.name, long.person.email} <= titles(window)
    window.goto(f"/logged-out?client_id={long.client_id}")
    hold_whole(window)
    window.goto(long.address(redirect_uri=f"https://{HOST}/elsewhere"))
    hold_width(window)


def test_no_page_of_the_account_grows_either(window: Page, long: Long) -> None:
    window.goto("/login")
    log_in(window, long.person)
    expect(window.locator("body")).to_contain_text(long.person.name)
    window.goto(long.address(prompt="consent"))
    with window.expect_event("requestfailed", lambda request: request.url.startswith(f"{CALLBACK}?code=")):
        window.locator("button[value=allow]").click()
    # Nobody is at home there, where some browsers would try again.
    window.close()
    window = window.context.new_page()
    for path in ACCOUNT:
        window.goto(path)
        hold_width(window)
        if path in {"/account", "/"}:
            assert long.person.name in window.locator("main .cut").first.inner_text()
        if path == "/account/apps":
            assert window.locator("h2 .cut").inner_text() == APPLICATION
    window.set_viewport_size(DESKTOP)
    window.locator(".person-menu summary").click()
    hold_width(window)
    window.set_viewport_size(PHONE)
    hold_width(window)
    assert {long.person.name, long.person.email} <= titles(window)
