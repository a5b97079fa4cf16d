"""Who the catalogue's requests are made by: Ada and her browser, a stranger, and applications of each kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.settings import Settings
from tests.clock import Clock
from tests.databases import SqliteDatabases
from tests.portal import close
from tests.relying_party import RelyingParty, add_client, add_person, csrf_token, log_in

PROVIDERS = {
    "KAKAO_REST_API_KEY": "x",
    "KAKAO_CLIENT_SECRET": "x",
    "KAKAO_ADMIN_KEY": "x",
    "KAKAO_AUTH_URL": "http://127.0.0.1:9",
    "NAVER_CLIENT_ID": "x",
    "NAVER_CLIENT_SECRET": "x",
}
"""Settings of providers that nobody asks before somebody comes back from them."""


class Parties:
    """A portal, Ada who is logged in, a confidential client C (``web``), another one C2 (``other``), a public one P."""

    def __init__(self, app: Flask, clock: Clock, directory: Path, database_url: str) -> None:
        self.app, self.clock, self.directory, self.database_url = app, clock, directory, database_url
        self.ada = add_person(app)
        self.browser = app.test_client()
        assert log_in(self.browser).status_code == 303
        self.nobody = app.test_client()
        self.count = 0

    @cached_property
    def web(self) -> RelyingParty:
        """C: confidential, first-party, with ``REDIRECT_URI``."""
        return self.client("web", is_confidential=True)

    @cached_property
    def other(self) -> RelyingParty:
        """C2: as C."""
        return self.client("other", is_confidential=True)

    @cached_property
    def spa(self) -> RelyingParty:
        """P: public, first-party."""
        return self.client("spa")

    @cached_property
    def third(self) -> RelyingParty:
        """A confidential client of somebody else, which asks for consent once."""
        return self.client("third", is_confidential=True, consent_policy="once")

    @cached_property
    def resource(self) -> RelyingParty:
        """A resource server that may introspect every token."""
        return self.client("resource", is_confidential=True, can_introspect_any=True)

    def client(self, client_id: str = "", **fields: Any) -> RelyingParty:
        """A new client in Ada's browser."""
        self.count += 1
        client_id = client_id or f"client-{self.count}"
        return RelyingParty(self.browser, client_id, add_client(self.app, client_id, **fields))

    def away(self, client: RelyingParty) -> RelyingParty:
        """The same client in the browser of a stranger, who is not logged in."""
        return RelyingParty(self.app.test_client(), client.client_id, client.secret)

    def newcomer(self) -> tuple[FlaskClient, str]:
        """The browser of a new person, who is logged in, and the e-mail address."""
        self.count += 1
        email = f"person-{self.count}@example.com"
        add_person(self.app, email)
        browser = self.app.test_client()
        assert log_in(browser, email=email).status_code == 303
        return browser, email

    def visit(self) -> tuple[RelyingParty, str]:
        """C in the browser of a new person, and the e-mail address."""
        browser, email = self.newcomer()
        return RelyingParty(browser, "web", self.web.secret), email

    def run(self, *command: str) -> Result:
        """What an operator's command gives."""
        return self.app.test_cli_runner().invoke(args=command)


def decided(browser: FlaskClient, page: str, decision: str = "allow") -> TestResponse:
    """What the application gets after the person answered on the consent page."""
    assert page.startswith("/consent?interaction="), page
    form = {"csrf_token": csrf_token(browser, page), "decision": decision}
    answer = browser.post(page, data=form)
    assert answer.status_code == 303, answer.text
    return browser.get(answer.location)


def left(browser: FlaskClient) -> None:
    """Log out by the page for it."""
    assert browser.post("/logout", data={"csrf_token": csrf_token(browser, "/logout")}).location == "/logged-out"


@contextmanager
def opened(databases: SqliteDatabases, directory: Path, **environ: str) -> Iterator[Parties]:
    """The parties of a portal of their own."""
    with databases.fresh(directory, "seeded") as url:
        clock = Clock()
        app = create_app(Settings.for_testing(directory, url, **{"RATE_LIMIT_ENABLED": "false", **environ}), clock)
        try:
            yield Parties(app, clock, directory, url)
        finally:
            close(app)
