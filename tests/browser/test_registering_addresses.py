"""From a refused request to a code at the new address, as an administrator goes in Chromium, by whichever worker."""

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, log_in, new_person
from tests.browser.test_pages import CUT_OFF, DESKTOP, PHONE, SCROLLS_SIDEWAYS
from tests.chromium import Windows
from tests.flows.live_client import LiveClient, Workers
from tests.portal import Portal
from tests.relying_party import CHALLENGE

POPUP = {"width": 500, "height": 600}
LANGUAGES = {
    "en-US": ("Register this URI", "Try the request again", "Undo"),
    "ko-KR": ("이 URI 등록", "요청 다시 시도", "되돌리기"),
}

pytestmark = pytest.mark.parametrize("live_portal", ["sqlite", "postgresql+redis"], indirect=True)


@pytest.fixture(scope="module")
def administrator(live_portal: Portal) -> Person:
    person = new_person(live_portal)
    live_portal.flask("users", "set-role", person.email, "admin")
    return person


def refused(portal: Portal, client_id: str) -> tuple[str, str]:
    """A new application, and its request with an address that is not registered: with a path of the portal itself."""
    uri = f"{portal.url}/arrived/{client_id}"
    registered = ("--redirect-uri", f"{portal.url}/arrival/{client_id}", "--consent", "implicit", "--scope", "openid")
    portal.flask("clients", "create", client_id, "--name", "Shop", *registered)
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": uri,
        "scope": "openid",
        "state": "of-this-browser",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return uri, f"{portal.url}/api/oauth/authorize?{urlencode(asked)}"


def hold(window: Page, what: str) -> None:
    """Accessible in both themes, and whole in every size."""
    hold_accessibility(window, what)
    for size in (PHONE, POPUP, DESKTOP):
        window.set_viewport_size(size)
        assert not window.evaluate(SCROLLS_SIDEWAYS), (what, size)
        assert window.evaluate(CUT_OFF) == [], (what, size)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refused_request_succeeds_after_two_buttons(
    windows: Windows, live_portal: Portal, administrator: Person, language: str
) -> None:
    for status in (400, 404):
        windows.expect(f"status of {status}")
    client_id = f"shop-{language.lower()}"
    uri, asked = refused(live_portal, client_id)
    register, again, undo = LANGUAGES[language]
    window = windows.open(locale=language, viewport=DESKTOP)
    window.goto(f"{live_portal.url}/login")
    log_in(window, administrator)
    expect(window.locator("body")).to_contain_text(administrator.name)
    window.goto(asked)
    window.get_by_role("link", name=register).click()
    button = window.get_by_role("button", name=register)
    expect(button).to_be_visible()
    expect(window.locator("mark").first).to_be_visible()
    hold(window, "question")
    button.click()
    expect(window.get_by_role("button", name=undo)).to_be_visible()
    hold(window, "registered")
    # Each worker knows it: the next request may come to any of them.
    workers, client = Workers(live_portal), LiveClient(live_portal, client_id)
    try:
        client.log_in(administrator.email, administrator.password)
        answers = workers.each(lambda: client.authorize(redirect_uri=uri, scope="openid").headers.get("Location", ""))
    finally:
        workers.close()
    assert [answer.startswith(f"{uri}?code=") for answer in answers] == [True] * 2, answers
    window.get_by_role("link", name=again).click()
    expect(window).to_have_url(re.compile(rf"{re.escape(uri)}\?code=.+&state=of-this-browser"))
    window.go_back()
    window.get_by_role("button", name=undo).click()
    expect(window.get_by_role("button", name=register)).to_be_visible()
    expect(window.get_by_role("status")).to_be_visible()
    window.goto(asked)
    expect(window.get_by_role("link", name=register)).to_be_visible()


def test_a_page_that_opened_the_popup_has_no_hold_on_what_comes_after_the_refusal(
    windows: Windows, live_portal: Portal, administrator: Person
) -> None:
    windows.expect("status of 400")
    _, asked = refused(live_portal, "opened")
    window = windows.open(locale="en-US", viewport=DESKTOP)
    window.goto(f"{live_portal.url}/login")
    log_in(window, administrator)
    expect(window.locator("body")).to_contain_text(administrator.name)
    with window.expect_popup() as opening:
        window.evaluate(
            "address => { window.held = open(address, 'login', 'width=500,height=600') }", f"{asked}&display=popup"
        )
    popup = opening.value
    popup.locator("details.developer summary").click()
    popup.get_by_role("link", name="Register this URI").click()
    expect(popup.get_by_role("button", name="Register this URI")).to_be_visible()
    assert popup.evaluate("window.opener") is None
    assert window.evaluate("window.held.closed")
    popup.get_by_role("button", name="Register this URI").click()
    # Whatever answered now could not reach the page that waits.
    expect(popup.locator("body")).to_contain_text("Go back to the application and start there once more.")
