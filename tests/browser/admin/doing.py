"""What administrators press in Chromium, and an application that finds out what it did."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.people import Person
from tests.flows.live_client import LiveClient, parameters
from tests.portal import Portal
from tests.relying_party import REDIRECT_URI

SCOPE = "openid offline_access read:profile read:groups manage:teams"


def client_of(portal: Portal, client_id: str, person: Person) -> LiveClient:
    """An application that needs no consent, whose person has logged in."""
    named = ("--redirect-uri", REDIRECT_URI, "--scope", SCOPE, "--consent", "implicit")
    portal.flask("clients", "create", client_id, *named)
    client = LiveClient(portal, client_id)
    client.log_in(person.email, person.password)
    return client


def tokens_of(client: LiveClient) -> dict[str, Any]:
    """The answer to a whole login with everything the application may have."""
    response = client.redeem(parameters(client.authorize(scope=SCOPE))["code"])
    assert response.status_code == 200, response.text
    return dict(response.json())


def said_of(client: LiveClient, tokens: dict[str, Any]) -> dict[str, Any]:
    """What userinfo says of the person."""
    answer = client.userinfo(tokens["access_token"])
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def title(window: Page, text: str) -> None:
    """The page of that title is there."""
    expect(window.get_by_role("heading", level=1)).to_have_text(text)


def press(window: Page, name: str, whom: str = "") -> None:
    """Press a button or follow a link, of several the first, or that of ``whom``."""
    page = window.locator(".account-page")
    meant = re.compile(rf"{name}\W+{re.escape(whom)}") if whom else name
    page.get_by_role("button", name=meant).or_(page.get_by_role("link", name=meant)).first.click()


def told(window: Page, text: str) -> None:
    """The page says so."""
    expect(window.locator(".account-page")).to_contain_text(text)
