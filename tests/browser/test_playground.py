"""The playground in Chromium: what a newcomer does first."""

import re

import pytest
import requests
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, decide, log_in, new_person, opened_by, wait_until_closed
from tests.chromium import Windows
from tests.portal import Portal

REFRESH_TOKEN = "JSON.parse(Object.entries(localStorage).find(([key]) => key.includes('tokens'))[1]).refresh_token"


@pytest.fixture
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


@pytest.fixture
def page(windows: Windows, live_portal: Portal) -> Page:
    """The playground, in English, after its look for a session."""
    return at_playground(windows.open(locale="en-US"), live_portal)


def at_playground(page: Page, portal: Portal) -> Page:
    page.goto(f"{portal.url}/playground")
    expect(page.locator("[data-state=in], [data-state=out]")).to_be_visible()
    return page


def state(page: Page) -> Locator:
    return page.locator("#state")


def logged_in(page: Page, person: Person) -> Page:
    """Through the popup, with consent."""
    window = opened_by(page, "#log-in")
    log_in(window, person)
    decide(window, "allow")
    expect(state(page)).to_have_text(f"Logged in as {person.name}")
    return page


def requests_shown(page: Page) -> str:
    return page.locator("#log-rows").inner_text()


@pytest.mark.parametrize("mode", ["query", "web_message"])
def test_the_popup_asks_for_consent_and_brings_tokens(page: Page, person: Person, mode: str) -> None:
    page.locator(f"input[value={mode}]").check()
    window = opened_by(page, "#log-in")
    assert window.evaluate("[innerWidth, innerHeight, name]") == [500, 600, "oauth_login"]
    expect(state(page)).to_have_text("Waiting for the login window …")
    log_in(window, person)
    expect(window.locator("h1")).to_contain_text("Playground")
    decide(window, "allow")
    expect(state(page)).to_have_text(f"Logged in as {person.name}")
    wait_until_closed(window)
    expect(page.locator(".token strong")).to_have_text(["access_token", "id_token", "refresh_token"])
    expect(page.locator(".token").first).to_contain_text("at+jwt")
    expect(page.locator("[data-life]").first).to_have_text(re.compile(r"Ends in 00:59:\d\d"))


def test_the_list_of_requests_holds_the_whole_flow_and_no_secret(page: Page, person: Person) -> None:
    logged_in(page, person)
    shown = requests_shown(page)
    for part in ("/.well-known/openid-configuration", "/api/oauth/authorize?", "prompt=none", "/api/oauth/token"):
        assert part in shown
    assert re.search(r"/playground/callback\?code=\S{6}…", shown.replace("\n", ""))
    assert not re.search(r"(code|state|nonce|code_challenge)=[^&\s…]{12}", shown)


def test_after_a_reload_the_frame_logs_in_silently(page: Page, person: Person) -> None:
    logged_in(page, person).reload()
    expect(state(page)).to_have_text(f"Logged in as {person.name}")
    expect(page.locator("#notice")).to_contain_text("without asking")
    assert len(page.frames) == 1


def test_silent_login_without_a_session_says_so_quietly(page: Page) -> None:
    page.locator("#log-in-silently").click()
    expect(page.locator("#notice")).to_contain_text("login_required")
    expect(state(page)).to_have_text("Not logged in")


def test_silent_login_without_consent_says_so_quietly(page: Page, live_portal: Portal, person: Person) -> None:
    page.goto(f"{live_portal.url}/login")
    log_in(page, person)
    expect(page.locator(".person-menu")).to_contain_text(person.name)
    at_playground(page, live_portal).locator("#log-in-silently").click()
    expect(page.locator("#notice")).to_contain_text("consent_required")


def test_renewing_rotates_both_tokens(page: Page, person: Person) -> None:
    logged_in(page, person)
    raw = page.locator("[data-raw]")
    before = raw.all_text_contents()
    page.locator("#refresh").click()
    expect(page.locator("#notice")).to_contain_text("The token was renewed")
    after = raw.all_text_contents()
    assert before[0] != after[0]
    assert before[-1] != after[-1]


def test_userinfo_is_shown(page: Page, person: Person) -> None:
    logged_in(page, person).locator("#userinfo").click()
    page.locator(".token", has_text="userinfo").locator("summary").first.click()
    expect(page.locator(".token", has_text="userinfo")).to_contain_text(person.name)


def test_logging_out_revokes_and_reaches_the_other_tab(page: Page, live_portal: Portal, person: Person) -> None:
    page.locator("input[value=local]").check()
    logged_in(page, person)
    held = page.evaluate(REFRESH_TOKEN)
    other = at_playground(page.context.new_page(), live_portal)
    expect(state(other)).to_have_text(f"Logged in as {person.name}")
    other.locator("#log-out").click()
    expect(state(other)).to_have_text("Not logged in")
    expect(state(page)).to_have_text("Not logged in")
    expect(page.locator("#notice")).to_have_text(re.compile("Logged out in another tab"))
    form = {"grant_type": "refresh_token", "refresh_token": held, "client_id": "playground"}
    answer = requests.post(f"{live_portal.url}/api/oauth/token", data=form, timeout=10)
    assert answer.json()["error"] == "invalid_grant"


def test_ending_the_portals_session_ends_silent_login(page: Page, live_portal: Portal, person: Person) -> None:
    logged_in(page, person).locator("#log-out").click()
    page.locator("#end-session").click()
    page.locator("main form button").first.click()
    expect(page.locator("main form")).to_have_count(0)
    at_playground(page, live_portal).locator("#log-in-silently").click()
    expect(page.locator("#notice")).to_contain_text("login_required")


def test_tokens_in_local_storage_survive_a_reload_without_a_request(page: Page, person: Person) -> None:
    logged_in(page, person).locator("input[value=local]").check()
    page.reload()
    expect(state(page)).to_have_text(f"Logged in as {person.name}")
    expect(page.locator("#no-requests")).to_be_visible()
    page.locator("input[value=memory]").check()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('tokens'))") == []


def test_a_blocked_popup_offers_this_tab_and_comes_back_logged_in(page: Page, person: Person) -> None:
    page.evaluate("window.open = () => null")
    page.locator("#log-in").click()
    page.locator("#here").click()
    log_in(page, person)
    decide(page, "allow")
    expect(state(page)).to_have_text(f"Logged in as {person.name}")


def test_a_closed_popup_is_no_error_and_leaves_the_button_ready(page: Page, person: Person) -> None:
    opened_by(page, "#log-in").close()
    expect(page.locator("#notice")).to_contain_text("was closed before")
    logged_in(page, person)


def test_a_second_click_brings_the_same_window_to_the_front(page: Page, person: Person) -> None:
    window = opened_by(page, "#log-in")
    page.locator("#log-in").click()
    assert page.context.pages == [page, window]
    log_in(window, person)
    decide(window, "allow")
    expect(state(page)).to_have_text(f"Logged in as {person.name}")


@pytest.mark.parametrize("mode", ["query", "web_message"])
def test_denied_consent_is_told_and_passes_nothing_on(page: Page, person: Person, mode: str) -> None:
    page.locator(f"input[value={mode}]").check()
    window = opened_by(page, "#log-in")
    log_in(window, person)
    decide(window, "deny")
    expect(page.locator("#notice")).to_contain_text("You chose not to share")
    expect(page.locator("#no-tokens")).to_be_visible()


@pytest.mark.parametrize("mode", ["query", "web_message"])
def test_a_login_finished_after_an_hour_succeeds(
    windows: Windows, live_portal: Portal, person: Person, mode: str
) -> None:
    page = windows.open(locale="en-US")
    page.context.clock.install()
    at_playground(page, live_portal).locator(f"input[value={mode}]").check()
    window = opened_by(page, "#log-in")
    page.context.clock.fast_forward("01:00:00")
    window.reload()
    log_in(window, person)
    decide(window, "allow")
    expect(state(page)).to_have_text(f"Logged in as {person.name}")


def test_a_portal_out_of_reach_is_told_and_can_be_tried_again(windows: Windows, page: Page, person: Person) -> None:
    windows.expect("ERR_CONNECTION_FAILED")

    def fail(route: Route) -> None:
        route.abort("connectionfailed")

    logged_in(page, person)
    page.context.route("**/api/oauth/**", fail)
    page.locator("#refresh").click()
    expect(page.locator("#notice")).to_contain_text("network_error")
    page.context.unroute("**/api/oauth/**", fail)
    page.locator("#refresh").click()
    expect(page.locator("#notice")).to_contain_text("The token was renewed")


def test_at_another_address_it_names_its_own(windows: Windows, live_portal: Portal) -> None:
    page = windows.open()
    page.goto(live_portal.url.replace("localhost", "127.0.0.1") + "/playground")
    expect(page.locator("#own-address")).to_have_attribute("href", f"{live_portal.url}/playground")
    expect(page.locator("#log-in")).to_be_disabled()


def test_without_script_it_says_what_is_missing(windows: Windows, live_portal: Portal) -> None:
    page = windows.open(java_script_enabled=False, locale="en-US")
    page.goto(f"{live_portal.url}/playground")
    expect(page.locator("noscript")).to_contain_text("which is a script", use_inner_text=True)


@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
@pytest.mark.parametrize("width", [1280, 320])
def test_it_is_accessible_and_never_scrolls_sideways(
    windows: Windows, live_portal: Portal, person: Person, locale: str, width: int
) -> None:
    page = windows.open(locale=locale, viewport={"width": width, "height": 800})
    at_playground(page, live_portal)
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])
    window = opened_by(page, "#log-in")
    log_in(window, person)
    decide(window, "allow")
    expect(page.locator("[data-state=in]")).to_be_visible()
    hold_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_code_in_colours_follows_the_button_that_was_pressed(page: Page, person: Person) -> None:
    code = page.locator("#code-tabs .tab-panel:visible")
    expect(code).to_contain_text("configure({")
    assert page.locator("#code-tabs [class^=hl-]").count() > 10
    logged_in(page, person)
    expect(code).to_contain_text("client.popup.startAuth()")
    page.locator("#refresh").click()
    expect(code).to_contain_text("refreshAccessToken()")
    page.get_by_role("radio", name="Log out here").check()
    expect(code).to_contain_text("client.logout()")
