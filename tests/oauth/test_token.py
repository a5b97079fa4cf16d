"""The token endpoint: codes, refresh tokens, services, client authentication (RFC 6749 sections 2.3, 4.1.3, 4.4, 6)."""

from base64 import b64encode

import pytest
from flask import Flask

from app.services.foundation.environment import NOBODY
from tests.clock import Clock
from tests.relying_party import CHALLENGE, VERIFIER, RelyingParty, add_client, refusal

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def claims_of(app: Flask, token: str) -> dict[str, object]:
    with app.app_context():
        return dict(app.extensions["services"].tokens._verified(token)[1])


def test_a_code_gives_the_documented_answer(spa: RelyingParty, app: Flask, person: str) -> None:
    response = spa.redeem(spa.code())
    assert response.headers["Cache-Control"] == "no-store"
    assert response.mimetype == "application/json"
    assert {**response.json, "access_token": 0, "refresh_token": 0, "id_token": 0} == {
        "access_token": 0,
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": 0,
        "id_token": 0,
        "refresh_expires_in": 2592000,
        "scope": "openid profile email offline_access read:groups",
    }
    claims = claims_of(app, response.json["access_token"])
    expected = {
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "jti",
        "client_id",
        "scope",
        "sid",
        "auth_time",
        "type",
        "user_id",
        "email",
        "is_admin",
        "group_id",
        "group_name",
        "role_id",
        "role_name",
    }
    assert expected <= set(claims)
    assert (claims["type"], claims["sub"], claims["group_name"], claims["role_name"]) == (
        "access",
        person,
        "MAX",
        "member",
    )
    identity = claims_of(app, response.json["id_token"])
    assert (identity["aud"], identity["nonce"], identity["sub"]) == ("public", "the-nonce", person)
    assert {"auth_time", "at_hash", "sid", "exp", "iat"} <= set(identity)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code": "garbage"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"code": ""}, "invalid_request"),
        ({"redirect_uri": "https://client.example.com/other"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": VERIFIER[:-1] + "x"}, "invalid_grant"),
        ({"code_verifier": CHALLENGE}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": "ü" * 43}, "invalid_grant"),
        ({"client_id": None}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_secret": "made up"}, "invalid_client"),
    ],
)
def test_a_code_request_that_does_not_match_gets_nothing_and_costs_nothing(
    spa: RelyingParty, change: dict[str, str | None], error: str
) -> None:
    code = spa.code()
    response = (
        spa.redeem(**{"code": code, **change})
        if "client_id" not in change
        else spa.browser.post(
            "/api/oauth/token",
            data={"grant_type": "authorization_code", "code": code, **{k: v for k, v in change.items() if v}},
        )
    )
    assert response.json["error"] == error
    assert response.status_code == (401 if error == "invalid_client" else 400)
    assert response.headers["Cache-Control"] == "no-store"
    assert spa.redeem(code).status_code == 200


def test_a_code_used_twice_kills_what_it_gave(spa: RelyingParty) -> None:
    code = spa.code()
    tokens = spa.redeem(code).json
    assert spa.userinfo(tokens["access_token"]).status_code == 200
    assert spa.redeem(code).json["error"] == "invalid_grant"
    assert spa.userinfo(tokens["access_token"]).status_code == 401
    assert spa.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_a_code_lives_a_minute(spa: RelyingParty, clock: Clock) -> None:
    code = spa.code()
    clock.advance(seconds=61)
    assert spa.redeem(code).json["error"] == "invalid_grant"


def test_another_client_cannot_use_a_code_nor_spoil_it(spa: RelyingParty, web: RelyingParty) -> None:
    code = spa.code()
    assert web.redeem(code).json["error"] == "invalid_grant"
    assert spa.redeem(code).status_code == 200


def test_logging_out_between_code_and_exchange_voids_the_code(spa: RelyingParty, app: Flask, person: str) -> None:
    code = spa.code()
    with app.app_context():
        services = app.extensions["services"]
        services.sessions.end_all(person, "test", NOBODY)
        services.db.session.commit()
    assert spa.redeem(code).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": 'x"\\'}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
    ],
)
def test_grant_types_that_cannot_be_used(spa: RelyingParty, form: dict[str, str], error: str) -> None:
    assert spa.token(**form).json["error"] == error


def test_the_token_endpoint_takes_posted_forms_only(spa: RelyingParty) -> None:
    query = {"grant_type": "authorization_code", "code": spa.code(), "client_id": "public"}
    refused = spa.browser.get("/api/oauth/token", query_string=query)
    assert (refused.status_code, refused.json["error"]) == (405, "invalid_request")
    for request in ({"query_string": query}, {"json": query}, {"data": "x", "content_type": "text/plain"}):
        assert spa.browser.post("/api/oauth/token", **request).json["error"] == "invalid_request"
    twice = spa.browser.post("/api/oauth/token", data="code=a&code=b&grant_type=authorization_code", headers=FORM)
    assert twice.json["error"] == "invalid_request"


def test_the_older_prefix_answers_as_well(spa: RelyingParty) -> None:
    code = spa.code()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "public",
        "code_verifier": VERIFIER,
        "redirect_uri": "https://client.example.com/callback",
    }
    assert spa.browser.post("/oauth/token", data=form).status_code == 200


def test_a_lost_refresh_response_gives_the_same_successor_twice_and_no_more(spa: RelyingParty) -> None:
    token = spa.tokens()["refresh_token"]
    answers = [spa.refresh(token) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400]
    assert len({answer.json["refresh_token"] for answer in answers[:3]}) == 1
    assert spa.refresh(answers[0].json["refresh_token"]).status_code == 200  # the family lives


def test_reuse_after_the_window_ends_the_family(spa: RelyingParty, clock: Clock) -> None:
    token = spa.tokens()["refresh_token"]
    successor = spa.refresh(token).json
    clock.advance(seconds=11)
    assert refusal(spa.refresh(token).json) == {
        "error": "invalid_grant",
        "error_description": "Invalid or expired refresh token",
    }
    assert spa.refresh(successor["refresh_token"]).json["error"] == "invalid_grant"
    assert spa.userinfo(successor["access_token"]).status_code == 401


def test_reuse_after_the_successor_was_used_ends_the_family(spa: RelyingParty) -> None:
    token = spa.tokens()["refresh_token"]
    second = spa.refresh(token).json["refresh_token"]
    third = spa.refresh(second).json["refresh_token"]
    assert spa.refresh(token).json["error"] == "invalid_grant"
    assert spa.refresh(third).json["error"] == "invalid_grant"


def test_a_repeat_from_another_network_and_browser_is_reuse(spa: RelyingParty) -> None:
    token = spa.tokens()["refresh_token"]
    successor = spa.refresh(token).json["refresh_token"]
    thief = {"REMOTE_ADDR": "203.0.113.9", "HTTP_USER_AGENT": "Thief/1"}
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "public"}
    assert spa.browser.post("/api/oauth/token", data=form, environ_overrides=thief).status_code == 400
    assert spa.refresh(successor).json["error"] == "invalid_grant"


def test_scope_narrows_for_one_answer_and_never_widens(spa: RelyingParty) -> None:
    token = spa.tokens(scope="openid profile")["refresh_token"]
    narrowed = spa.refresh(token, scope="openid").json
    assert narrowed["scope"] == "openid"
    assert spa.refresh(narrowed["refresh_token"], scope="openid email").json["error"] == "invalid_scope"
    assert spa.refresh(narrowed["refresh_token"]).json["scope"] == "openid profile"


def test_tokens_do_not_stand_in_for_one_another(spa: RelyingParty, web: RelyingParty) -> None:
    tokens = spa.tokens()
    assert spa.userinfo(tokens["refresh_token"]).status_code == 401
    assert spa.userinfo(tokens["id_token"]).status_code == 401
    assert spa.refresh(tokens["access_token"]).json["error"] == "invalid_grant"
    assert spa.redeem(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert web.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert spa.refresh(tokens["refresh_token"]).status_code == 200


def test_idle_and_absolute_lifetimes_of_refresh_tokens(spa: RelyingParty, clock: Clock) -> None:
    idle = spa.tokens()["refresh_token"]
    token = spa.tokens()["refresh_token"]
    for _ in range(3):
        clock.advance(days=29)
        token = spa.refresh(token).json["refresh_token"]
    assert spa.refresh(idle).json["error"] == "invalid_grant"
    clock.advance(days=4)
    assert spa.refresh(token).json["error"] == "invalid_grant"


@pytest.mark.parametrize("command", [["users", "disable", "ada@example.com"], ["clients", "disable", "public"]])
def test_disabling_stops_refresh_and_userinfo_at_once(spa: RelyingParty, app: Flask, command: list[str]) -> None:
    tokens = spa.tokens()
    assert app.test_cli_runner().invoke(args=command).exit_code == 0
    assert spa.refresh(tokens["refresh_token"]).json["error"] in {"invalid_grant", "invalid_client"}
    assert spa.userinfo(tokens["access_token"]).status_code == 401


def test_openid_clients_of_others_get_a_refresh_token_only_with_offline_access(spa: RelyingParty, app: Flask) -> None:
    add_client(app, "third", consent_policy="once")
    with app.app_context():
        services = app.extensions["services"]
        services.consents.grant(
            services.accounts.find("ada@example.com").id,
            services.clients.get("third"),
            ["openid", "profile", "offline_access"],
            NOBODY,
        )
        services.db.session.commit()
    third = RelyingParty(spa.browser, "third")
    assert "refresh_token" not in third.tokens(scope="openid profile")
    assert "refresh_token" in third.tokens(scope="openid offline_access")
    assert "refresh_token" in third.tokens(scope="profile")


def test_a_service_gets_a_token_for_itself(app: Flask, spa: RelyingParty) -> None:
    secret = add_client(
        app,
        "service",
        is_confidential=True,
        grants=["client_credentials"],
        scopes=["admin:oauth", "read:profile", "openid"],
        redirects=[],
    )
    service = RelyingParty(spa.browser, "service", secret)
    answer = service.token(grant_type="client_credentials", scope="admin:oauth").json
    assert set(answer) == {"access_token", "token_type", "expires_in", "scope"}
    assert (answer["expires_in"], answer["scope"]) == (86400, "admin:oauth")
    claims = claims_of(app, answer["access_token"])
    assert (claims["sub"], claims["client_id"]) == ("service", "service")
    for scope in ("openid", "admin:users", "nonsense"):
        refused = service.token(grant_type="client_credentials", scope=scope)
        assert refused.json["error"] == "invalid_scope"
    assert service.userinfo(answer["access_token"]).status_code == 403


@pytest.mark.parametrize(
    ("headers", "form", "status", "error"),
    [
        ({"Authorization": "Basic " + b64encode(b"web:wrong").decode()}, {}, 401, "invalid_client"),
        ({"Authorization": "Basic " + b64encode("web:ü".encode()).decode()}, {}, 401, "invalid_client"),
        ({"Authorization": "Basic !!"}, {}, 401, "invalid_client"),
        ({"Authorization": "Basic " + b64encode(b"nocolon").decode()}, {}, 401, "invalid_client"),
        ({"Authorization": "Digest x"}, {}, 401, "invalid_client"),
        ({}, {"client_id": "web"}, 401, "invalid_client"),
        ({}, {"client_id": "web", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"Authorization": "Basic " + b64encode(b"web:x").decode()}, {"client_secret": "x"}, 400, "invalid_request"),
        ({"Authorization": "Basic " + b64encode(b"web:x").decode()}, {"client_id": "public"}, 400, "invalid_request"),
    ],
)
def test_a_client_that_does_not_prove_itself_is_refused(
    web: RelyingParty, headers: dict[str, str], form: dict[str, str], status: int, error: str
) -> None:
    response = web.browser.post(
        "/api/oauth/token", headers=headers, data={"grant_type": "authorization_code", "code": "x", **form}
    )
    assert (response.status_code, response.json["error"]) == (status, error)
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


def test_a_stated_authentication_method_is_the_only_one(app: Flask, spa: RelyingParty) -> None:
    secret = add_client(app, "strict", is_confidential=True, auth_method="client_secret_post")
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    basic = spa.browser.post("/api/oauth/token", data=form, auth=("strict", secret))
    assert basic.status_code == 401
    post = spa.browser.post("/api/oauth/token", data={**form, "client_id": "strict", "client_secret": secret})
    assert post.json["error"] == "invalid_grant"


def test_a_body_has_bounds(spa: RelyingParty) -> None:
    many = spa.browser.post("/api/oauth/token", data={f"name{number}": "x" for number in range(101)})
    assert (many.status_code, many.json["error"]) == (400, "invalid_request")
    large = spa.browser.post("/api/oauth/token", data={"code": "x" * 300_000})
    assert large.status_code == 413
    body = b"grant_type=refresh_token&client_id=public&refresh_token=%ff%fe"
    undecodable = spa.browser.post("/api/oauth/token", data=body, content_type="application/x-www-form-urlencoded")
    assert (undecodable.status_code, undecodable.json["error"]) == (400, "invalid_request")
