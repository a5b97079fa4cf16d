"""Applications in Chromium, from their list to their end, and what is true of each change at the protocol, at once."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.admin.offices import Office, hold
from tests.browser.people import new_person
from tests.flows.live_client import SCOPE, LiveClient, parameters
from tests.relying_party import REDIRECT_URI

NEW = "https://shop.example.com/new"
pytestmark = pytest.mark.parametrize("live_portal", ["sqlite"], indirect=True)


def application(office: Office, client_id: str, *named: str) -> LiveClient:
    """An application that needs no consent, whose person has logged in."""
    person = new_person(office.portal)
    common = ("--name", client_id.title(), "--redirect-uri", REDIRECT_URI, "--scope", f"{SCOPE} email")
    made = office.portal.flask("clients", "create", client_id, *common, "--consent", "implicit", *named)
    client = LiveClient(office.portal, client_id, made.split()[-1] if "--confidential" in named else None)
    client.log_in(person.email, person.password)
    return client


def press(window: Page, name: str) -> None:
    """Press a button or follow a link of the page."""
    page = window.locator(".account-page")
    page.get_by_role("button", name=name, exact=True).or_(page.get_by_role("link", name=name, exact=True)).first.click()


def told(window: Page, text: str) -> None:
    """The page says so."""
    expect(window.locator(".account-page")).to_contain_text(text)


def change(window: Page, what: str = "") -> None:
    """See what was typed would do, hold the page if it has a name, and do it."""
    press(window, "See what it would do")
    told(window, "What this does")
    if what:
        hold(window, what)
    press(window, "Change it")


def error_of(client: LiveClient, refresh_token: str) -> Any:
    return client.refresh(refresh_token).json().get("error")


def scopes_of(client: LiveClient) -> list[str]:
    """What a login that asks for the address is granted."""
    granted: str = client.redeem(parameters(client.authorize(scope="openid email"))["code"]).json()["scope"]
    return granted.split()


def test_what_is_registered_is_changed_and_counts_at_once(office: Office) -> None:
    office.windows.expect("400 (BAD REQUEST)")
    client = application(office, "shop")
    tokens = client.tokens()
    window = office.open("/admin/clients")
    window.get_by_label("Name, client ID or redirect URI").fill("shop")
    window.keyboard.press("Enter")
    told(window, "1 application")
    hold(window, "applications")
    press(window, "Shop")
    hold(window, "application")

    press(window, "Edit")
    window.get_by_label("Name", exact=True).fill("Corner Shop")
    hold(window, "about")
    press(window, "Save")
    told(window, "It counts at once.")
    asking = office.windows.open(base_url=office.portal.url, locale="en-US")
    asking.goto("/api/oauth/authorize?" + str(client.authorize(prompt="login").request.url).partition("?")[2])
    expect(asking.locator("body")).to_contain_text("Corner Shop")
    press(window, "Undo the change")
    hold(window, "undo")
    press(window, "Undo the change")
    expect(window.get_by_role("heading", level=1)).to_have_text("Shop")

    assert client.authorize(redirect_uri=NEW).status_code == 400
    press(window, "Change the addresses")
    hold(window, "addresses")
    window.get_by_label("After the login").fill("http://shop.example.com/")
    press(window, "See what it would do")
    told(window, "Use https.")
    window.get_by_label("After the login").fill(f"{REDIRECT_URI}\n{NEW}")
    change(window, "foreseen addresses")
    told(window, NEW)
    assert "code=" in client.authorize(redirect_uri=NEW).headers["Location"]
    press(window, "Change the addresses")
    window.get_by_label("After the login").fill(REDIRECT_URI)
    change(window)
    told(window, "It counts at once.")
    assert client.authorize(redirect_uri=NEW).status_code == 400
    assert parameters(client.authorize())["code"]

    assert "email" in scopes_of(client)
    press(window, "Change what it may do")
    hold(window, "access")
    window.locator("#scope-email").uncheck()
    change(window, "foreseen scopes")
    told(window, "It counts at once.")
    assert "email" not in scopes_of(client)

    press(window, "Change its tokens")
    hold(window, "tokens")
    window.get_by_label("Life of an access token", exact=True).fill("5")
    change(window)
    told(window, "5 minutes")
    assert client.tokens()["expires_in"] == 300

    press(window, "Change how it proves to be itself")
    hold(window, "proof")
    window.locator("input[value=client_secret]").check()
    change(window)
    told(window, "It is shown this once.")
    hold(window, "new secret")
    secret = window.locator("[data-secret]").inner_text()
    assert error_of(client, tokens["refresh_token"]) == "invalid_client"
    client.secret = secret
    assert client.tokens()["access_token"]
    press(window, "It is in place")
    expect(window.locator(".account-page")).not_to_contain_text(secret)


def test_secrets_and_the_end_of_an_application(office: Office) -> None:
    for refused in ("400 (BAD REQUEST)", "404 (NOT FOUND)"):
        office.windows.expect(refused)
    client = application(office, "depot", "--confidential")
    old = client.secret
    window = office.open("/admin/clients/depot/secrets")
    hold(window, "secrets")
    press(window, "Make a new secret")
    hold(window, "new secret")
    press(window, "Make a new secret")
    new = window.locator("[data-secret]").inner_text()
    for client.secret in (old, new):
        tokens = client.tokens()
    window.go_back()
    expect(window.locator("[data-secret]")).to_have_count(0)
    window.goto("/admin/clients/depot/secrets")
    hold(window, "two secrets")
    window.get_by_role("link", name="End it now").last.click()
    hold(window, "end of a secret")
    press(window, "End the secret")
    told(window, "The secret has ended.")
    client.secret = old
    assert error_of(client, tokens["refresh_token"]) == "invalid_client"
    client.secret = new
    tokens = client.refresh(tokens["refresh_token"]).json()

    press(window, "Overview")
    press(window, "Disable the application")
    told(window, "logins in the application end at once.")
    hold(window, "disable")
    press(window, "Disable the application")
    told(window, "The application is disabled. Its tokens have ended.")
    assert error_of(client, tokens["refresh_token"]) == "invalid_client"
    press(window, "Enable the application")
    hold(window, "enable")
    press(window, "Enable the application")
    told(window, "The application is enabled.")
    tokens = client.tokens()

    press(window, "Delete the application")
    window.get_by_label("Client ID").fill("depo")
    press(window, "Delete the application")
    told(window, "This is not the client ID of the application.")
    hold(window, "delete")
    window.get_by_label("Client ID").fill("depot")
    press(window, "Delete the application")
    told(window, "The application is deleted.")
    assert error_of(client, tokens["refresh_token"]) == "invalid_client"
    assert client.authorize().status_code == 400
    assert window.goto("/admin/clients/depot").status == 404  # type: ignore[union-attr]
