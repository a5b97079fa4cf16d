"""Userinfo, revocation, introspection and validation (RFC 6750, RFC 7009, RFC 7662)."""

import pytest
from flask import Flask

from app.services.foundation.environment import NOBODY
from tests.clock import Clock
from tests.relying_party import RelyingParty, add_client


def introspect(caller: RelyingParty, token: str, **form: str) -> dict[str, object]:
    response = caller.browser.post(
        "/api/oauth/introspect", data={"token": token, **form}, auth=(caller.client_id, caller.secret or "")
    )
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    return dict(response.json)


def validate(caller: RelyingParty, **body: object) -> dict[str, object]:
    response = caller.browser.post("/api/oauth/token/validate", json=body, auth=(caller.client_id, caller.secret or ""))
    return dict(response.json)


@pytest.fixture
def resource(app: Flask, spa: RelyingParty) -> RelyingParty:
    """A resource server that may ask about every token."""
    secret = add_client(app, "resource", is_confidential=True, can_introspect_any=True)
    return RelyingParty(spa.browser, "resource", secret)


@pytest.mark.parametrize(
    ("scope", "present", "absent"),
    [
        ("openid", {"sub"}, {"name", "email", "groups", "roles"}),
        ("openid email", {"sub", "email", "email_verified"}, {"name", "groups"}),
        (
            "openid profile",
            {
                "sub",
                "name",
                "preferred_username",
                "roles",
                "permissions",
                "is_admin",
                "locale",
                "zoneinfo",
                "subscription_plan",
                "group_id",
                "role_name",
            },
            {"email", "groups"},
        ),
        ("openid read:groups", {"sub", "groups", "workspaces"}, {"email", "name"}),
    ],
)
def test_userinfo_says_what_the_scopes_cover(
    spa: RelyingParty, person: str, scope: str, present: set[str], absent: set[str]
) -> None:
    answer = spa.userinfo(spa.tokens(scope=scope)["access_token"]).json
    assert present <= set(answer)
    assert not absent & set(answer)
    assert answer["sub"] == person


def test_userinfo_takes_the_token_in_a_header_or_a_form_and_nowhere_else(spa: RelyingParty) -> None:
    token, path = spa.tokens()["access_token"], "/api/oauth/userinfo"
    assert spa.browser.get(path, headers={"Authorization": f"bearer {token}"}).status_code == 200
    assert spa.browser.post(path, data={"access_token": token}).status_code == 200
    assert spa.browser.get(path, query_string={"access_token": token}).status_code == 400
    both = spa.browser.post(path, data={"access_token": token}, headers={"Authorization": f"Bearer {token}"})
    assert (both.status_code, both.json["error"]) == (400, "invalid_request")
    nothing = spa.browser.get(path)
    assert nothing.status_code == 401
    assert nothing.headers["WWW-Authenticate"].startswith("Bearer")
    assert "error=" not in nothing.headers["WWW-Authenticate"]


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "e30.e30.", "x" * 20000, "eyJhbGciOiJub25lIn0.e30."])
def test_a_token_that_is_none_gets_a_proper_challenge(spa: RelyingParty, token: str) -> None:
    refused = spa.userinfo(token)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


def test_an_access_token_expires(spa: RelyingParty, clock: Clock) -> None:
    token = spa.tokens()["access_token"]
    clock.advance(seconds=3601)
    assert spa.userinfo(token).status_code == 401


def test_an_ended_session_takes_its_access_tokens_along(spa: RelyingParty, app: Flask, person: str) -> None:
    token = spa.tokens()["access_token"]
    with app.app_context():
        services = app.extensions["services"]
        services.sessions.end_all(person, "test", NOBODY)
        services.db.session.commit()
    assert spa.userinfo(token).status_code == 401
    assert spa.authorize(prompt="none").location.count("login_required") == 1


def test_withdrawn_consent_ends_tokens_at_once(spa: RelyingParty, app: Flask, person: str) -> None:
    tokens = spa.tokens()
    with app.app_context():
        services = app.extensions["services"]
        services.consents.withdraw(person, "public", NOBODY)
        services.db.session.commit()
    assert spa.userinfo(tokens["access_token"]).status_code == 401
    assert spa.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_revoking_a_refresh_token_ends_its_family(spa: RelyingParty) -> None:
    tokens = spa.tokens()
    form = {"token": tokens["refresh_token"], "client_id": "public", "token_type_hint": "anything"}
    response = spa.browser.post("/api/oauth/revoke", data=form)
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert spa.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert spa.userinfo(tokens["access_token"]).status_code == 401


def test_revoking_an_access_token_denies_it_alone(spa: RelyingParty) -> None:
    tokens = spa.tokens()
    spa.browser.post("/oauth/revoke", data={"token": tokens["access_token"], "client_id": "public"})
    assert spa.userinfo(tokens["access_token"]).status_code == 401
    assert spa.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"token": "unknown", "client_id": "public"}, 200),
        ({"client_id": "public"}, 400),
        ({"token": "unknown"}, 401),
        ({"token": "unknown", "client_id": "web"}, 401),
    ],
)
def test_revocation_answers(web: RelyingParty, form: dict[str, str], status: int) -> None:
    assert web.browser.post("/api/oauth/revoke", data=form).status_code == status
    assert web.browser.get("/api/oauth/revoke", query_string=form).status_code == 405


def test_a_client_revokes_and_sees_only_its_own_tokens(spa: RelyingParty, web: RelyingParty) -> None:
    tokens = spa.tokens()
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert web.browser.post("/api/oauth/revoke", data={"token": token}, auth=("web", web.secret)).status_code == 200
        assert introspect(web, token) == {"active": False}
        assert validate(web, access_token=token)["valid"] is False
    assert spa.userinfo(tokens["access_token"]).status_code == 200
    assert spa.refresh(tokens["refresh_token"]).status_code == 200


def test_introspection_describes_both_kinds_of_token(spa: RelyingParty, resource: RelyingParty, person: str) -> None:
    tokens = spa.tokens()
    access = introspect(resource, tokens["access_token"], token_type_hint="nonsense")
    assert {"active", "sub", "username", "client_id", "scope", "exp", "iat", "token_type", "iss", "aud"} <= set(access)
    assert (access["active"], access["sub"], access["username"]) == (True, person, "ada")
    refresh = introspect(resource, tokens["refresh_token"])
    assert (refresh["active"], refresh["token_type"], refresh["sub"]) == (True, "refresh_token", person)


@pytest.mark.parametrize("token", ["unknown", "x" * 100000, "a\x00b", "e30.e30.e30"])
def test_introspection_of_nothing_says_only_that(resource: RelyingParty, token: str) -> None:
    response = resource.browser.post("/api/oauth/introspect", data={"token": token}, auth=("resource", resource.secret))
    assert response.status_code in {200, 400, 413}
    if response.status_code == 200:
        assert response.json == {"active": False}


def test_public_clients_do_not_introspect(spa: RelyingParty) -> None:
    response = spa.browser.post("/api/oauth/introspect", data={"token": "x", "client_id": "public"})
    assert (response.status_code, response.json["error"]) == (401, "invalid_client")


def test_validate_answers_in_one_word(spa: RelyingParty, resource: RelyingParty) -> None:
    tokens = spa.tokens()
    for kind in ("access_token", "refresh_token"):
        assert validate(resource, **{kind: tokens[kind]}) == {"valid": True}
    spa.browser.post("/api/oauth/revoke", data={"token": tokens["refresh_token"], "client_id": "public"})
    for kind in ("access_token", "refresh_token"):
        assert validate(resource, **{kind: tokens[kind]}) == {"valid": False, "reason": "Token is blacklisted"}
    assert validate(resource, access_token="nonsense")["valid"] is False


@pytest.mark.parametrize(
    ("request_arguments", "status"),
    [
        ({"json": {"access_token": "x"}}, 401),
        ({"json": [1], "auth": True}, 400),
        ({"json": {}, "auth": True}, 400),
        ({"json": {"access_token": 5}, "auth": True}, 400),
        ({"data": "{", "content_type": "application/json", "auth": True}, 400),
        ({"data": {"access_token": "x"}, "auth": True}, 415),
    ],
)
def test_validate_refuses_what_it_cannot_read(
    resource: RelyingParty, request_arguments: dict[str, object], status: int
) -> None:
    arguments = {**request_arguments}
    auth = ("resource", resource.secret) if arguments.pop("auth", None) else None
    assert resource.browser.post("/api/oauth/token/validate", auth=auth, **arguments).status_code == status
