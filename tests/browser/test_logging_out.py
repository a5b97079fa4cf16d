"""What a real browser has kept after a logout: what is good for the next login, and nothing of the one before."""

from tests.browser.people import log_in, new_person
from tests.chromium import Windows
from tests.portal import Portal


def test_the_known_browser_and_other_sites_cookies_stay(windows: Windows, live_portal: Portal) -> None:
    person = new_person(live_portal)
    window = windows.open(locale="en-US")
    window.context.add_cookies([{"name": "of_another_app", "value": "1", "url": live_portal.url}])
    window.goto(f"{live_portal.url}/login")
    log_in(window, person)
    window.wait_for_url(f"{live_portal.url}/")
    held = {cookie.get("name"): cookie.get("value") for cookie in window.context.cookies()}
    assert {"portal_session", "portal_device"} <= held.keys()
    window.evaluate("localStorage.setItem('kept', 'by a script')")
    window.goto(f"{live_portal.url}/logout")
    window.locator("main form button").click()
    window.wait_for_url("**/logged-out")
    after = {cookie.get("name"): cookie.get("value") for cookie in window.context.cookies()}
    assert "portal_session" not in after
    assert after["portal_device"] == held["portal_device"]
    assert after["of_another_app"] == "1"
    assert window.evaluate("localStorage.getItem('kept')") is None
