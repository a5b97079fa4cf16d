"""The consent page in a real browser: what can be decided is in sight, and what is left out is not granted."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, decide, log_in, new_person
from tests.chromium import Windows
from tests.portal import Portal
from tests.relying_party import CHALLENGE

USUAL = "openid profile email offline_access read:groups"
MANY = f"{USUAL} read:profile read:features manage:workflows manage:models manage:apis"
CLIENT_ID = "consent-page"
POPUP, PHONE = {"width": 500, "height": 600}, {"width": 360, "height": 740}
HIDDEN_BY_THE_DECISION = """button => {
    const box = document.querySelector('.decision').getBoundingClientRect();
    return [...document.querySelectorAll('.scope, .owner, .take-back')]
        .filter(each => each.getBoundingClientRect().bottom > box.top + 1)
        .map(each => each.textContent.trim());
}"""


@pytest.fixture(scope="module")
def addresses(live_portal: Portal) -> dict[str, str]:
    """Where an application with much to say of itself sends browsers to, by what it asks for."""
    redirect_uri = f"{live_portal.url}/arrived"
    live_portal.flask(
        *("clients", "create", CLIENT_ID, "--name", "Board of Ideas", "--redirect-uri", redirect_uri),
        *("--scope", MANY, "--optional-scope", "email read:groups", "--contact", "help@board.example.com"),
        *("--policy-uri", "https://board.example.com/privacy", "--tos-uri", "https://board.example.com/terms"),
    )
    live_portal.flask("clients", "create", f"{CLIENT_ID}-plain", "--redirect-uri", redirect_uri, "--scope", USUAL)
    query = {
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "display": "popup",
    }
    asked = {"plain": (f"{CLIENT_ID}-plain", USUAL), "usual": (CLIENT_ID, USUAL), "many": (CLIENT_ID, MANY)}
    return {
        name: f"/api/oauth/authorize?{urlencode({**query, 'client_id': client_id, 'scope': scope})}"
        for name, (client_id, scope) in asked.items()
    }


@pytest.fixture
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


def asked(windows: Windows, portal: Portal, address: str, person: Person, **how: Any) -> Page:
    """The window of somebody who is asked."""
    window = windows.open(base_url=portal.url, **how)
    window.goto(address)
    log_in(window, person)
    expect(window.locator("button[value=allow]")).to_be_visible()
    return window


@pytest.mark.parametrize("language", ["ko-KR", "en-US"])
def test_the_usual_question_fits_the_popup_whole(
    windows: Windows, live_portal: Portal, addresses: dict[str, str], person: Person, language: str
) -> None:
    window = asked(windows, live_portal, addresses["plain"], person, locale=language, viewport=POPUP)
    for decision in ("allow", "deny"):
        expect(window.locator(f"button[value={decision}]")).to_be_in_viewport(ratio=1)
    assert window.locator(".decision").evaluate(HIDDEN_BY_THE_DECISION) == []
    expect(window.locator(".shared", has_text=person.email)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("size", [POPUP, PHONE], ids=["popup", "phone"])
def test_however_much_is_asked_for_the_decision_stays_in_sight(
    windows: Windows, live_portal: Portal, addresses: dict[str, str], person: Person, size: dict[str, int]
) -> None:
    window = asked(windows, live_portal, addresses["many"], person, locale="en-US", viewport=size)
    assert window.evaluate("document.documentElement.scrollHeight > innerHeight")
    assert not window.evaluate("document.documentElement.scrollWidth > innerWidth")
    for _ in range(2):
        for decision in ("allow", "deny"):
            expect(window.locator(f"button[value={decision}]")).to_be_in_viewport(ratio=1)
        for summary in window.locator(".scope-more summary").all():
            summary.click()
        window.evaluate("scrollTo(0, document.body.scrollHeight)")
    # Nothing is out of reach below it.
    assert window.locator(".decision").evaluate(HIDDEN_BY_THE_DECISION) == []
    hold_accessibility(window, "consent with details")


def test_what_is_unticked_is_left_out_without_any_script_too(
    windows: Windows, live_portal: Portal, addresses: dict[str, str], person: Person
) -> None:
    windows.expect("status of 404")
    window = asked(
        windows, live_portal, addresses["usual"], person, locale="en-US", viewport=POPUP, java_script_enabled=False
    )
    boxes = window.locator("input[type=checkbox]")
    expect(boxes).to_have_count(2)
    window.get_by_label("See your e-mail address").uncheck()
    decide(window, "allow")
    window.wait_for_url(re.compile("/arrived"))
    # It is not asked again, unless the application says so; then the box is as it was left.
    window.goto(addresses["usual"])
    window.wait_for_url(re.compile("/arrived"))
    window.goto(f"{addresses['usual']}&prompt=consent")
    expect(window.get_by_label("See your e-mail address")).not_to_be_checked()
    expect(window.get_by_label("See your groups and workspaces")).to_be_checked()
    window.goto("/account/apps")
    window.locator("details.may > summary").first.click()
    expect(window.get_by_text("See your name, picture and role")).to_be_visible()
    expect(window.get_by_text("See your e-mail address")).to_have_count(0)


def test_links_of_the_application_open_beside_the_request_that_waits(
    windows: Windows, live_portal: Portal, addresses: dict[str, str], person: Person
) -> None:
    window = asked(windows, live_portal, addresses["usual"], person, locale="en-US", viewport=POPUP)
    seen: list[str] = []
    window.context.on("request", lambda request: seen.append(request.url))
    window.context.route("https://board.example.com/**", lambda route: route.fulfill(body="theirs"))
    window.reload()
    assert not [url for url in seen if "board.example.com" in url]
    with window.context.expect_page() as opening:
        window.get_by_role("link", name="Privacy policy").click()
    opening.value.wait_for_load_state()
    assert opening.value.evaluate("[opener, document.referrer]") == [None, ""]
    expect(window.locator("button[value=allow]")).to_be_visible()


def test_it_is_decided_with_keys_alone(
    windows: Windows, live_portal: Portal, addresses: dict[str, str], person: Person
) -> None:
    windows.expect("status of 404")
    window = asked(windows, live_portal, addresses["usual"], person, locale="en-US", viewport=POPUP)
    window.get_by_role("link", name="Not you?").focus()
    reached = []
    for _ in range(12):
        window.keyboard.press("Tab")
        reached.append(window.evaluate("document.activeElement.value || document.activeElement.textContent.trim()"))
        if reached[-1] == "email":
            window.keyboard.press("Space")
        if reached[-1] == "allow":
            break
    assert [each for each in reached if each in {"email", "read:groups", "deny", "allow"}] == [
        "email",
        "read:groups",
        "deny",
        "allow",
    ]
    expect(window.get_by_label("See your e-mail address")).not_to_be_checked()
    window.keyboard.press("Enter")
    window.wait_for_url(re.compile("/arrived"))
