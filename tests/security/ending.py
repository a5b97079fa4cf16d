"""Ending sessions: asking for it, and judging what came of it."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.relying_party import RelyingParty, log_in
from tests.security.answers import Markup, is_accepted, is_page, is_sent_back

LOGOUT, CONFIRM = "/api/oauth/logout", "/api/oauth/logout/confirm"
LEAVE = "https://client.example.com/bye"
WITH_QUERY = "https://client.example.com/out?from=max&x="
CLEARED = '"cache", "storage"'


def asked(browser: FlaskClient, method: str = "GET", **values: str) -> TestResponse:
    """The answer to a logout request."""
    place = "query_string" if method == "GET" else "data"
    return browser.open(LOGOUT, method=method, **{place: values})  # type: ignore[arg-type]


def hint_of(client: RelyingParty) -> str:
    """An ID token of the person."""
    return str(client.tokens()["id_token"])


def elsewhere(client: RelyingParty) -> RelyingParty:
    """The same client in another browser, in which Ada logged in as well."""
    browser = client.browser.application.test_client()
    assert log_in(browser).status_code == 303
    return RelyingParty(browser, client.client_id, client.secret)


def is_alive(client: RelyingParty) -> None:
    """The person is still logged in."""
    is_accepted(client.authorize(prompt="none"))


def is_over(client: RelyingParty) -> None:
    """The person is logged in no longer."""
    is_sent_back(client.authorize(prompt="none"), "login_required")


def is_gone(response: TestResponse, to: str) -> None:
    """Logged out and sent on, with the cookie taken away and nothing kept."""
    assert (response.status_code, response.location) == (303, to), response.text
    assert response.headers["Clear-Site-Data"] == CLEARED
    assert response.headers["Cache-Control"] == "no-store"
    (cookie,) = [each for each in response.headers.getlist("Set-Cookie") if each.startswith("portal_session=")]
    assert cookie.startswith("portal_session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0;")
    assert "Path=/" in cookie


def is_asked(response: TestResponse) -> dict[str, str]:
    """The page that asks whether to log out; nothing has happened so far. Gives what its form sends."""
    is_page(response, 200)
    nothing_ended(response)
    found = re.search(rf'<form[^>]* action="{CONFIRM}".*?</form>', response.text, re.DOTALL)
    assert found
    fields = Markup(found[0]).fields
    assert set(fields) == {"csrf_token", "request"}
    return fields


def is_stopped(response: TestResponse, about: str) -> None:
    """An error page that names what is wrong; nothing has happened."""
    assert about in is_page(response).text
    nothing_ended(response)


def nothing_ended(response: TestResponse) -> None:
    """The browser keeps its session."""
    assert "portal_session" not in str(response.headers.getlist("Set-Cookie"))
    assert "Clear-Site-Data" not in response.headers
