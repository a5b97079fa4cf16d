"""A portal on each database with Ada in it, and programs that ask about her quota."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.services.foundation.environment import NOBODY
from tests.relying_party import RelyingParty, add_client, add_person, log_in

QUOTA = "/api/v1/quota"


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    return make_app(open_database(request.param))


@pytest.fixture
def ada(app: Flask) -> str:
    """Her account's id."""
    return add_person(app)


class Program:
    """Whoever holds a token and asks about quotas with it."""

    def __init__(self, app: Flask, token: str) -> None:
        self.app = app
        self.token = token

    def send(self, method: str, path: str = "", body: Any = None, key: str | None = None, **more: Any) -> TestResponse:
        """Any request about quotas."""
        headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **more.pop("headers", {})}
        if key is not None:
            headers["Idempotency-Key"] = key
        arguments = {**({} if body is None else {"json": body}), **more}
        return self.app.test_client().open(f"{QUOTA}{path}", method=method, headers=headers, **arguments)

    def read(self, **query: str) -> Any:
        """What is answered to a question."""
        answer = self.send("GET", query_string=query)
        assert answer.status_code == 200, answer.text
        return answer.json

    def consume(self, amount: Any = 1, key: str | None = None, **more: Any) -> TestResponse:
        """Take."""
        return self.send("POST", "/consume", {"amount": amount, **more}, key)

    def release(self, key: str | None = None, **body: Any) -> TestResponse:
        """Give back."""
        return self.send("POST", "/release", body, key)


@pytest.fixture
def program(app: Flask, ada: str) -> Callable[..., Program]:
    """Makes a program of a client with Ada's token: ``program("notes", consent_policy="once")``."""

    def make(client_id: str = "jobs", scope: str = "openid read:features", **fields: Any) -> Program:
        policy = fields.setdefault("consent_policy", "implicit")
        add_client(app, client_id, scopes=["openid", "profile", "read:features"], **fields)
        browser = app.test_client()
        assert log_in(browser).status_code == 303
        if policy != "implicit":
            allow(app, ada, client_id, scope)
        return Program(app, RelyingParty(browser, client_id).tokens(scope=scope)["access_token"])

    return make


def allow(app: Flask, user_id: str, client_id: str, scope: str) -> None:
    """Have the person consent."""
    with app.app_context():
        services = app.extensions["services"]
        services.consents.grant(user_id, services.clients.get(client_id), scope.split(), NOBODY)
        services.db.commit()
