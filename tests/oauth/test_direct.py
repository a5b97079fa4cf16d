"""What is answered in front of Flask is what Flask answers: status, body and headers."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.oauth.parameters import FORM
from tests.relying_party import RelyingParty, add_client, add_person, log_in

# The same media type to everybody but the layer, which leaves what is not the plainest request to Flask.
BY_FLASK = f"{FORM}; charset=utf-8"


@pytest.fixture
def web(make_app: Callable[..., Flask], open_database: Callable[..., str]) -> RelyingParty:
    """A confidential client in the browser of a person who is logged in."""
    portal = make_app(open_database("sqlite", "seeded"))
    add_person(portal)
    browser = portal.test_client()
    log_in(browser)
    return RelyingParty(browser, "web", add_client(portal, "web", is_confidential=True))


def seen(response: TestResponse) -> dict[str, Any]:
    """Everything but what differs from one request to the next."""
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    assert response.headers["X-Request-ID"]
    # Each explanation has an id of its own (``error_uri``).
    body = re.sub(rb'(/errors/[a-z-]+/)[A-Za-z0-9_-]{22}"', rb'\1"', response.data)
    return {"status": response.status_code, "headers": headers, "body": body}


FORMS: list[tuple[str, dict[str, str]]] = [
    ("token", {}),
    ("token", {"grant_type": "nonsense"}),
    ("token", {"grant_type": "authorization_code"}),
    ("token", {"grant_type": "authorization_code", "code": "unknown"}),
    ("token", {"grant_type": "refresh_token", "refresh_token": "unknown"}),
    ("token", {"grant_type": "client_credentials"}),
    ("token", {"grant_type": "refresh_token", "refresh_token": "x" * 9000}),
    ("revoke", {"token": "unknown"}),
    ("revoke", {}),
    ("introspect", {"token": "unknown"}),
    ("introspect", {}),
]


@pytest.mark.parametrize(("path", "form"), FORMS)
@pytest.mark.parametrize("secret", ["right", "wrong"])
def test_a_form_gets_the_same_answer(web: RelyingParty, path: str, form: dict[str, str], secret: str) -> None:
    auth = ("web", web.secret or "" if secret == "right" else "wrong")
    answers = [
        web.browser.post(f"/api/oauth/{path}", data=form, auth=auth, content_type=kind) for kind in (FORM, BY_FLASK)
    ]
    assert seen(answers[0]) == seen(answers[1])


def test_userinfo_gets_the_same_answer(web: RelyingParty) -> None:
    headers = {"Authorization": f"Bearer {web.tokens()['access_token']}"}
    direct = web.browser.get("/api/oauth/userinfo", headers=headers)
    assert direct.json["sub"]
    assert seen(direct) == seen(web.browser.get("/api/oauth/userinfo?x", headers=headers))


@pytest.mark.parametrize("kind", [FORM, BY_FLASK])
def test_it_is_on_record_where_a_request_came_from(
    make_app: Callable[..., Flask], open_database: Callable[..., str], kind: str
) -> None:
    app = make_app(open_database("sqlite", "seeded"), TRUSTED_PROXIES="1")
    secret = add_client(app, "robot", is_confidential=True, grants=["client_credentials"], redirects=[])
    answer = app.test_client().post(
        "/api/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=("robot", secret or ""),
        content_type=kind,
        headers={"X-Forwarded-For": "203.0.113.7", "User-Agent": "robot/1", "X-Request-ID": "from-the-proxy-1"},
    )
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (200, "from-the-proxy-1")
    with app.app_context():
        rows = app.extensions["services"].db.execute(
            "SELECT ip, user_agent FROM oauth_audit_logs WHERE action = 'oauth:service_token:issued'", [], writes=False
        )
        assert rows.fetchall() == [("203.0.113.7", "robot/1")]


@pytest.mark.parametrize("kind", [FORM, BY_FLASK])
def test_a_database_that_is_gone_is_an_outage(
    make_app: Callable[..., Flask], open_database: Callable[..., str], kind: str
) -> None:
    app = make_app(open_database("sqlite", "seeded"))
    with app.app_context():
        app.extensions["services"].db.execute("DROP TABLE clients", [], writes=True)
        app.extensions["services"].db.commit()
    answer = app.test_client().post(
        "/api/oauth/token", data={"client_id": "web", "grant_type": "refresh_token"}, content_type=kind
    )
    assert (answer.status_code, answer.json["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["X-Request-ID"] == answer.json["request_id"]


def test_half_a_body_is_the_senders_fault(web: RelyingParty) -> None:
    browser: FlaskClient = web.browser
    environ = {"CONTENT_LENGTH": "100", "CONTENT_TYPE": FORM}
    answer = browser.post("/api/oauth/token", data=b"grant_type=refresh", environ_overrides=environ)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
