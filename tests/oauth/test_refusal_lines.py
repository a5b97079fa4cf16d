"""Why a request was refused stands in the log: one line, under the reference that the answer shows."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.oauth.parameters import FORM
from app.server.logs import JsonLines, TextLines
from tests.relying_party import CHALLENGE, RelyingParty, add_client, answer, csrf_token
from tests.security.parties import decided

BY_FLASK = f"{FORM}; charset=utf-8"
PREFIXES = ["/api/oauth", "/oauth"]
Send = Callable[[RelyingParty, str], TestResponse]


@pytest.fixture(params=[JsonLines, TextLines])
def output(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """All that is logged, as production or development writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(request.param())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines of refusals, as production writes them."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    all_lines = lambda: [json.loads(line) for line in stream.getvalue().splitlines()]  # noqa: E731
    yield lambda: [line for line in all_lines() if line["event"] == "protocol_refusal"]
    logging.getLogger().removeHandler(handler)


def asked(**changes: str | None) -> Send:
    """An authorization request."""

    def send(client: RelyingParty, prefix: str) -> TestResponse:
        return client.browser.get(f"{prefix}/authorize", query_string=client.parameters(**changes))

    return send


def posted(path: str, *, is_secret_right: bool = True, kind: str = FORM, **form: str) -> Send:
    """A request of the client."""

    def send(client: RelyingParty, prefix: str) -> TestResponse:
        auth = (client.client_id, client.secret if is_secret_right else "wrong")
        return client.browser.post(f"{prefix}/{path}", data=form, auth=auth, content_type=kind)

    return send


def got(path: str, method: str = "GET", **headers: str) -> Send:
    """Any other request."""
    return lambda client, prefix: client.browser.open(f"{prefix}/{path}", method=method, headers=headers)


def validated(client: RelyingParty, prefix: str) -> TestResponse:
    """A question that is none, of the client."""
    return client.browser.post(f"{prefix}/token/validate", json={}, auth=(client.client_id, client.secret))


def scopeless(client: RelyingParty, prefix: str) -> TestResponse:
    """Userinfo asked with a token that reaches not so far."""
    token = client.tokens(scope="manage:teams read:features")["access_token"]
    return client.browser.get(f"{prefix}/userinfo", headers={"Authorization": f"Bearer {token}"})


def denied(client: RelyingParty, prefix: str) -> TestResponse:
    """A person does not allow it."""
    page = client.browser.get(f"{prefix}/authorize", query_string=client.parameters(prompt="consent")).location
    return decided(client.browser, page, "deny")


UNKNOWN_CLIENT = "The client is not registered"
NOT_REGISTERED = "The redirect_uri is not registered for the client"
FAILED = "Client authentication failed"
CASES: dict[str, tuple[Send, str, str | None, str, str]] = {
    "no client": (asked(client_id=None), "authorize", None, "invalid_request", "The client_id is missing or repeated"),
    "unknown client": (asked(client_id="nobody"), "authorize", "nobody", "invalid_client", UNKNOWN_CLIENT),
    "redirect": (asked(redirect_uri="https://x.test/"), "authorize", "web", "invalid_redirect_uri", NOT_REGISTERED),
    "no type": (asked(response_type=None), "authorize", "web", "invalid_request", "The response_type is missing"),
    "silent": (
        asked(prompt="none", max_age="0"),
        "authorize",
        "web",
        "login_required",
        "The person has to log in",
    ),
    "form_post": (asked(response_mode="form_post", scope="x"), "authorize", "web", "invalid_scope", ""),
    "web_message": (asked(response_mode="web_message", scope="x"), "authorize", "web", "invalid_scope", ""),
    "denied": (denied, "authorize", "web", "access_denied", "The person did not allow the access"),
    "gone": (got("authorize/resume?interaction=x"), "authorize", None, "interaction_gone", ""),
    "no form": (got("authorize", "POST"), "authorize", None, "invalid_request", ""),
    "no grant type": (posted("token", scope="x"), "token", None, "invalid_request", "The grant_type is missing"),
    "grant type": (
        posted("token", grant_type="x", client_id="web"),
        "token",
        "web",
        "unsupported_grant_type",
        "The grant_type is not supported",
    ),
    "code": (
        posted("token", grant_type="authorization_code", code="x"),
        "token",
        "web",
        "invalid_grant",
        "Invalid or expired authorization code",
    ),
    "code by Flask": (
        posted("token", kind=BY_FLASK, grant_type="authorization_code", code="x"),
        "token",
        "web",
        "invalid_grant",
        "Invalid or expired authorization code",
    ),
    "refresh": (
        posted("token", grant_type="refresh_token", refresh_token="x"),
        "token",
        "web",
        "invalid_grant",
        "Invalid or expired refresh token",
    ),
    "secret": (
        posted("token", is_secret_right=False, grant_type="refresh_token", refresh_token="x"),
        "token",
        "web",
        "invalid_client",
        FAILED,
    ),
    "JSON": (posted("token", kind="application/json"), "token", None, "invalid_request", ""),
    "method": (got("token"), "token", None, "invalid_request", "This page cannot be used in this way."),
    "revoke": (posted("revoke"), "revoke", "web", "invalid_request", "The token is missing"),
    "revoke, secret": (posted("revoke", is_secret_right=False, token="x"), "revoke", "web", "invalid_client", FAILED),
    "introspect": (posted("introspect"), "introspect", "web", "invalid_request", "The token is missing"),
    "introspect, secret": (
        posted("introspect", is_secret_right=False, kind=BY_FLASK, token="x"),
        "introspect",
        "web",
        "invalid_client",
        FAILED,
    ),
    "validate": (validated, "validate", None, "invalid_request", "Send either access_token or refresh_token"),
    "no token": (got("userinfo"), "userinfo", None, "unauthorized", "A bearer token is required"),
    "bad token": (
        got("userinfo", Authorization="Bearer x.y.z"),
        "userinfo",
        None,
        "invalid_token",
        "The access token is invalid or expired",
    ),
    "token in query": (got("userinfo?access_token=x"), "userinfo", None, "invalid_request", ""),
    "scopeless": (scopeless, "userinfo", "web", "insufficient_scope", "The token has no scope that covers this"),
    "hint": (
        got("logout?id_token_hint=x"),
        "logout",
        None,
        "invalid_request",
        "The id_token_hint is not an ID token of this server",
    ),
    "logout address": (
        got("logout?client_id=web&post_logout_redirect_uri=https://x.test/"),
        "logout",
        "web",
        "invalid_request",
        "The post_logout_redirect_uri is not registered for the client",
    ),
    "repeated": (got("logout?state=a&state=b"), "logout", None, "invalid_request", ""),
    "logout form": (got("logout/confirm", "POST"), "logout", None, "invalid_request", ""),
}


@pytest.fixture
def client(app: Flask, spa: RelyingParty) -> RelyingParty:
    """A confidential client in the browser of Ada, who is logged in and may give what it asks for."""
    scopes = ["openid", "profile", "email", "offline_access", "read:groups", "read:features", "manage:teams"]
    return RelyingParty(spa.browser, "web", add_client(app, "web", is_confidential=True, scopes=scopes))


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("name", CASES)
def test_each_refusal_is_one_line_under_the_reference_of_its_answer(
    client: RelyingParty, lines: Callable[[], list[dict[str, Any]]], name: str, prefix: str
) -> None:
    send, endpoint, client_id, error, description = CASES[name]
    response = send(client, prefix)
    (line,) = lines()
    assert (line["endpoint"], line["client_id"], line["error"]) == (endpoint, client_id, error)
    assert line["description"] == description if description else line["description"]
    assert line["request_id"] == response.headers["X-Request-ID"]
    if response.mimetype == "text/html" and response.status_code >= 400 and name != "logout form":
        assert line["request_id"] in response.text
    told = response.get_json(silent=True) or {}
    if response.mimetype == "application/json":
        assert (told["error"], told["error_description"]) == (error, line["description"])
    if response.location:
        assert answer(response)["error_description"] == line["description"]


FORGED = "x\r\nINFO portal.audit account:login:succeeded user=1\x1b[2J\u2028"
SECRET = "s3cr3t-that-must-not-be-logged"


@pytest.mark.parametrize("value", [FORGED, SECRET, f"eyJ{SECRET}.{SECRET}.{SECRET}", "x error=none client_id=other"])
def test_nothing_that_was_sent_stands_in_the_log(client: RelyingParty, output: io.StringIO, value: str) -> None:
    browser, before = client.browser, output.tell()
    for name in ("redirect_uri", "state", "scope", "prompt", "response_type", "code_challenge", "max_age", "claims"):
        browser.get("/api/oauth/authorize", query_string=client.parameters(**{name: value, "response_mode": "x"}))
    for name in ("id_token_hint", "post_logout_redirect_uri", "state", "ui_locales"):
        browser.get("/api/oauth/logout", query_string={name: value, "client_id": "web"})
    for path in ("token", "revoke", "introspect"):
        for kind in (FORM, BY_FLASK):
            form = {"grant_type": value, "token": "", "client_id": value, "client_secret": value, "code": value}
            browser.post(f"/api/oauth/{path}", data=form, content_type=kind)
            browser.post(f"/api/oauth/{path}", data={"grant_type": value}, auth=(value, value), content_type=kind)
            spent = {"grant_type": "refresh_token", "refresh_token": value, "token": ""}
            browser.post(f"/api/oauth/{path}", data=spent, auth=("web", client.secret), content_type=kind)
    in_header = value.encode("ascii", "ignore").decode().splitlines()[0]
    browser.get("/api/oauth/userinfo", headers={"Authorization": f"Bearer {in_header}"})
    browser.post("/api/oauth/token/validate", json={"access_token": value, "client_id": value, "client_secret": value})
    text = output.getvalue()[before:]
    assert text.count("protocol_refusal") >= 24
    assert not re.search(r"account:login:succeeded|s3cr3t|error=none|client_id=other|\x1b|\u2028", text)
    for line in text.splitlines():
        assert line.startswith("{") or re.match(r"\d\d:\d\d:\d\d [A-Z]+ +[\w.]+ ", line), line


def test_a_client_id_that_can_be_none_is_not_repeated(client: RelyingParty, output: io.StringIO) -> None:
    for value in (FORGED, "a b", "x" * 101, "<script>", ""):
        client.browser.get("/api/oauth/authorize", query_string=client.parameters(client_id=value))
    text = output.getvalue()
    assert text.count("protocol_refusal") == 5
    assert not re.search(r"login:succeeded|a b|xxxx|<script", text)


def test_what_is_answered_leaves_no_such_line(client: RelyingParty, lines: Callable[[], list[dict[str, Any]]]) -> None:
    tokens = client.tokens(code_challenge=CHALLENGE)
    renewed = client.refresh(tokens["refresh_token"]).json
    auth = (client.client_id, client.secret)
    assert client.userinfo(renewed["access_token"]).status_code == 200
    for path in ("introspect", "revoke", "introspect"):
        form = {"token": renewed["refresh_token"]}
        assert client.browser.post(f"/api/oauth/{path}", data=form, auth=auth).status_code == 200
    assert client.browser.get("/api/oauth/logout").status_code == 200
    assert csrf_token(client.browser, "/account")
    assert lines() == []
