"""Every page the portal has, each as a person comes to it, with the status it is shown with."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.databases import SqliteDatabases
from tests.relying_party import REDIRECT_URI, RelyingParty, log_in
from tests.security.parties import Parties, decided, opened

Page = Callable[[Parties], TestResponse]
SECURE_URL = "https://id.example.com"
LINKS = ("/verify-email", "/change-email", "/restore-email", "/reset-password")
HIDDEN_STATE = "state-that-only-the-client-knows"


def secured(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """A fixture: the parties of a portal that people reach over TLS."""
    with opened(sqlite_databases, tmp_path_factory.mktemp("secure"), PUBLIC_URL=SECURE_URL) as found:
        yield found


def at(path: str, *, is_known: bool = False) -> Page:
    """The page of an address, for a stranger or for Ada."""
    return lambda parties: (parties.browser if is_known else parties.app.test_client()).get(path)


def pending(browser: FlaskClient, client: RelyingParty, **changes: str | None) -> TestResponse:
    """The page to which an authorization request leads."""
    response = RelyingParty(browser, client.client_id).authorize(**{"state": HIDDEN_STATE, **changes})
    assert urlsplit(response.location).netloc == "", response.location
    return browser.get(response.location)


def answered(parties: Parties) -> TestResponse:
    """The page of a request whose code was used already."""
    client, browser = parties.client(is_confidential=True, consent_policy="always"), parties.newcomer()[0]
    visitor = RelyingParty(browser, client.client_id, client.secret)
    page = visitor.authorize().location
    code = decided(browser, page).location.partition("code=")[2].partition("&")[0]
    assert visitor.redeem(code).status_code == 200
    return browser.get(page.replace("/consent", "/api/oauth/authorize/resume"))


def answer_as(mode: str, **changes: str | None) -> Page:
    """The page that carries an answer to the application."""
    return lambda parties: parties.web.authorize(response_mode=mode, **changes)


def sent(path: str, status: int, **arguments: object) -> Page:
    """The page that refuses what a stranger sent."""

    def send(parties: Parties) -> TestResponse:
        response = parties.app.test_client().post(path, **arguments)  # type: ignore[arg-type]
        assert response.status_code == status, response.text
        return response

    return send


# Pages whose addresses all lead to the portal itself.
OWN: dict[str, tuple[int, Page]] = {
    **{path: (200, at(path)) for path in ("/login", "/register", "/terms", "/privacy", "/logged-out")},
    **{path: (200, at(path)) for path in ("/forgot-password", "/forgot-password?sent=1")},
    **{path: (200, at(f"{path}?done=1")) for path in ("/verify-email", "/change-email", "/restore-email")},
    **{f"{path} of no good": (410, at(f"{path}?token=x")) for path in LINKS},
    "log out": (200, at("/logout", is_known=True)),
    "choose an account": (200, at("/select-account", is_known=True)),
    "playground": (200, at("/playground")),
    "log out for an application": (200, at("/api/oauth/logout", is_known=True)),
    "log in for an application": (200, lambda parties: pending(parties.app.test_client(), parties.web)),
    "log in in a popup": (200, lambda parties: pending(parties.app.test_client(), parties.web, display="popup")),
    "log in again": (200, lambda parties: pending(parties.browser, parties.web, prompt="login")),
    "choose for an application": (200, lambda parties: pending(parties.browser, parties.web, prompt="select_account")),
    "consent": (200, lambda parties: pending(parties.newcomer()[0], parties.third)),
    "a refused password": (401, lambda parties: log_in(parties.app.test_client(), password="wrong")),
    "a stale form": (400, sent("/login", 400, data={"email": "ada@example.com", "password": "x"})),
    "a foreign form": (403, sent("/login", 403, headers={"Origin": "https://evil.test"})),
    "no such page": (404, at("/nothing-here")),
    "another method": (405, sent("/terms", 405)),
    "too large": (413, sent("/api/oauth/authorize", 413, data={"state": "x" * 300_000})),
    "another type": (415, sent("/api/oauth/authorize", 415, json={})),
    "an unknown client": (400, at("/api/oauth/authorize?client_id=nobody&state=s")),
    "an unknown request": (410, at("/login?interaction=nobody")),
    "an unknown logout": (400, at("/api/oauth/logout?id_token_hint=x")),
    "NUL": (400, at("/login?x=%00")),
}
# Pages that lead to an application, one of which may frame them.
OF_APPLICATIONS: dict[str, tuple[int, Page]] = {
    "home": (200, at("/")),
    "home of Ada": (200, at("/", is_known=True)),
    "developers": (200, at("/developers")),
    "form_post": (200, answer_as("form_post")),
    "form_post of an error": (200, answer_as("form_post", max_age="x")),
    "answered": (200, answered),
    "logged out of an application": (
        200,
        lambda parties: parties.nobody.get(f"/logged-out?client_id={parties.web.client_id}"),
    ),
}
FRAMED: dict[str, tuple[str, Page]] = {
    "web_message": (REDIRECT_URI.removesuffix("/callback"), answer_as("web_message")),
    "web_message of an error": (REDIRECT_URI.removesuffix("/callback"), answer_as("web_message", max_age="x")),
    "playground callback": ("'self'", at("/playground/callback?code=c&state=s")),
}
