"""An administrator, a person who may be acted as, and applications, for tests of acting."""

import base64
import json
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.services.foundation.environment import NOBODY
from app.services.tenancy.group_changes import GroupActing
from tests.account.browsing import Facts, english
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, csrf_token, log_in

PERSON, REASON = "bob@example.com", "Cannot find a project, ticket 17"
ADMINISTRATORS_ADDRESS = "203.0.113.77"


def allow(app: Flask, *, is_allowed: bool = True) -> None:
    """Have the platform's own group say whether its people may be acted as."""
    with app.app_context():
        services = app.extensions["services"]
        services.standing.make(GroupActing(services.groups.get("MAX").id, is_allowed), NOBODY)
        services.db.session.commit()


class Support:
    """An administrator in a browser who acts as somebody."""

    def __init__(self, app: Flask, **client: Any) -> None:
        self.app, self.facts = app, Facts(app)
        self.administrator_id = add_person(app, is_admin=True)
        self.person_id = add_person(app, PERSON)
        allow(app)
        add_client(app, "shop", **client)
        self.browser = self.in_browser(app)
        assert log_in(self.browser).status_code == 303

    def in_browser(self, app: Flask) -> FlaskClient:
        """A browser at the administrator's address."""
        browser = english(app)
        browser.environ_base["REMOTE_ADDR"] = ADMINISTRATORS_ADDRESS
        return browser

    @property
    def client(self) -> RelyingParty:
        return RelyingParty(self.browser, "shop")

    def begin(self, user_id: str = "", **form: str) -> TestResponse:
        """Ask to act as the person."""
        values = {"csrf_token": csrf_token(self.browser, "/account/profile"), "reason": REASON, **form}
        return self.browser.post(f"/admin/people/{user_id or self.person_id}/act", data=values)

    def act(self, **form: str) -> str:
        """Act as the person; answers the id of the session."""
        done = self.begin(**form)
        assert done.status_code == 303, done.text
        return str(self.facts.one("SELECT id FROM user_sessions WHERE acted_by IS NOT NULL AND ended_at IS NULL"))

    def send(self, path: str, **form: str) -> TestResponse:
        """Send a form, with the token of a page of whoever is there."""
        return self.browser.post(path, data={"csrf_token": csrf_token(self.browser, "/account/profile"), **form})

    def who(self) -> str:
        """Whom the portal takes the browser for, and whether it says that somebody acts."""
        page = self.browser.get("/account")
        assert page.status_code == 200, page.text
        named = "bob" if PERSON in page.text else "ada" if EMAIL in page.text else "nobody"
        return f"as {named}" if "You act as" in page.text else named

    def ending(self) -> str | None:
        """Why the last acting session ended."""
        return self.facts.all("SELECT end_reason FROM user_sessions WHERE acted_by IS NOT NULL ORDER BY created_at")[
            -1
        ][0]

    def records(self, action: str) -> list[Any]:
        """What is on record about the person of one kind."""
        return self.facts.all(
            "SELECT actor, ip, user_agent, details, error_code FROM oauth_audit_logs "
            "WHERE user_id = :person AND action = :action ORDER BY created_at, id",
            person=self.person_id,
            action=action,
        )

    def with_services(self, do: Callable[[Any], object]) -> None:
        """What somebody does elsewhere."""
        with self.app.app_context():
            services = self.app.extensions["services"]
            do(services)
            services.db.session.commit()


def claims(token: str) -> dict[str, Any]:
    """What a token says."""
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def details(record: Any) -> dict[str, Any]:
    """The details of a record, as each engine gives them."""
    return dict(json.loads(record.details) if isinstance(record.details, str) else record.details)
