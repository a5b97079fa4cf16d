"""How an application fares, its tokens foreseen, and logins tried, in Chromium."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.admin.offices import Office, hold

pytestmark = pytest.mark.parametrize("live_portal", ["sqlite"], indirect=True)


def test_a_login_is_tried_with_the_answer_shown(office: Office) -> None:
    portal = office.portal
    own = ("--redirect-uri", f"{portal.url}/arrived", "--scope", "openid email")
    portal.flask("clients", "create", "tried", "--name", "Tried", "--consent", "once", *own)
    window = office.open("/admin/clients/tried/health")
    expect(window.get_by_text("Nothing is known of this application yet")).to_be_visible()
    hold(window, "health of a new application")

    window.get_by_role("link", name="Token preview").click()
    window.get_by_label("Name, e-mail or ID").fill(office.administrator.email)
    window.get_by_role("button", name="Show the tokens").click()
    expect(window.get_by_role("region", name="ID token")).to_contain_text(office.administrator.email)
    hold(window, "token preview")

    window.get_by_role("link", name="Try it").click()
    hold(window, "trial without an address")
    with window.context.expect_page() as opened:
        window.get_by_role("button", name="Open the login").click()
    arrived = opened.value
    expect(arrived.get_by_role("button", name=re.compile("Allow"))).to_be_visible()
    arrived.close()

    window.get_by_role("link", name="Register the page for trials").click()
    window.locator("main form[method=post] button").last.click()
    window.goto("/admin/clients/tried/try")
    with window.context.expect_page() as opened:
        window.get_by_role("button", name="Log in in a window").click()
    opened.value.get_by_role("button", name=re.compile("Allow")).click()
    expect(window.get_by_role("status")).to_contain_text("It works")
    said = json.loads(window.locator("[data-trial-claims=id_token] code").inner_text())
    assert (said["aud"], said["email"]) == ("tried", office.administrator.email)
    assert "eyJ" not in window.content()
    hold(window, "trial that worked")


def test_a_service_is_tried_with_its_secret(office: Office) -> None:
    made = office.portal.flask(
        "clients",
        "create",
        "robot",
        "--confidential",
        "--grant",
        "client_credentials",
        "--scope",
        "admin:users",
        "--json",
    )
    secret = json.loads(made)["client_secret"]
    office.windows.expect("401 (UNAUTHORIZED)")
    window = office.open("/admin/clients/robot/try")
    window.get_by_label("Client secret").fill("wrong")
    window.get_by_role("button", name="Ask for a token").click()
    expect(window.get_by_role("status")).to_contain_text("The secret does not count")
    window.get_by_label("Client secret").fill(secret)
    window.get_by_role("button", name="Ask for a token").click()
    expect(window.get_by_role("status")).to_contain_text("It works: the service got a token.")
    expect(window.locator("[data-trial-claims=access_token]")).to_contain_text('"scope": "admin:users"')
    hold(window, "trial of a service")
    assert secret not in office.portal.flask("audit", "list", "--json")
