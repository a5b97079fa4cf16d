"""Section G, introspection: who may ask, about what, and what is told (RFC 7662)."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.conformance import id_tokens
from tests.relying_party import RelyingParty, csrf_token
from tests.security.answers import ISSUER, is_json, is_refused
from tests.security.parties import Parties

INTROSPECT = "/api/oauth/introspect"
INACTIVE = {"active": False}


def asked(caller: RelyingParty, token: str, **form: str) -> TestResponse:
    """The answer to ``caller``."""
    auth = (caller.client_id, caller.secret or "")
    return caller.browser.post(INTROSPECT, data={"token": token, **form}, auth=auth)


def told(caller: RelyingParty, token: str, **form: str) -> dict[str, Any]:
    """What ``caller`` is told."""
    return dict(is_json(asked(caller, token, **form)))


@pytest.mark.parametrize("kind", ["access_token", "refresh_token", "unknown"])
@pytest.mark.parametrize(
    "credentials",
    [{}, {"client_id": "nobody"}, {"client_id": "web"}, {"client_id": "web", "client_secret": "wrong"}],
    ids=["nothing", "unknown client", "id alone", "wrong secret"],
)
def test_g133_who_does_not_prove_to_be_a_client_is_told_nothing(
    parties: Parties, kind: str, credentials: dict[str, str]
) -> None:
    token = {**parties.web.tokens(), "unknown": "x"}[kind]
    is_refused(parties.nobody.post(INTROSPECT, data={"token": token, **credentials}), "invalid_client", 401)
    is_refused(parties.nobody.post(INTROSPECT, data={"token": token}, auth=("web", "wrong")), "invalid_client", 401)


def test_g133_a_token_and_a_session_are_no_client(parties: Parties) -> None:
    token = parties.web.tokens()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    is_refused(parties.browser.post(INTROSPECT, data={"token": token}, headers=headers), "invalid_client", 401)


@pytest.mark.parametrize("secret", [None, "", "x"], ids=["none", "empty", "made up"])
def test_g134_a_public_client_is_told_nothing_not_even_of_its_own(parties: Parties, secret: str | None) -> None:
    token = parties.spa.tokens()["access_token"]
    form = {"token": token, "client_id": "spa", **({} if secret is None else {"client_secret": secret})}
    is_refused(parties.nobody.post(INTROSPECT, data=form), "invalid_client", 401)
    is_refused(
        parties.nobody.post(INTROSPECT, data={"token": token}, auth=("spa", secret or "")), "invalid_client", 401
    )


@pytest.mark.parametrize(
    "token",
    ["unknown", "a.b.c", "e30.e30.e30", "e30.e30.", "....", "x" * 64, "x" * 8192, "\u00fc", "' or '1'='1", " ", "null"],
    ids=lambda token: f"{ascii(token)[:15]} of {len(token)}",
)
@pytest.mark.parametrize("caller", ["web", "resource"])
def test_g135_of_an_unknown_token_only_that_is_told(parties: Parties, caller: str, token: str) -> None:
    assert told(getattr(parties, caller), token) == INACTIVE


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_g135_of_an_expired_token_only_that_is_told(fresh: Parties, kind: str) -> None:
    token = fresh.web.tokens()[kind]
    assert told(fresh.resource, token)["active"] is True
    left = told(fresh.resource, token)["exp"] - fresh.clock.now.timestamp()
    assert left == {"access_token": 3600, "refresh_token": 30 * 86400}[kind]
    fresh.clock.advance(seconds=left)
    assert told(fresh.resource, token) == INACTIVE


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_g135_of_a_revoked_token_only_that_is_told(parties: Parties, kind: str) -> None:
    token = parties.web.tokens()[kind]
    auth = ("web", parties.web.secret or "")
    assert parties.nobody.post("/api/oauth/revoke", data={"token": token}, auth=auth).status_code == 200
    assert told(parties.web, token) == told(parties.resource, token) == INACTIVE


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("subject", ["person", "client"])
def test_g135_of_a_token_whose_person_or_client_was_disabled_only_that_is_told(
    parties: Parties, kind: str, subject: str
) -> None:
    browser, email = parties.newcomer()
    made = parties.client(is_confidential=True)
    token = RelyingParty(browser, made.client_id, made.secret).tokens()[kind]
    assert told(parties.resource, token)["active"] is True
    command = ("users", "disable", email) if subject == "person" else ("clients", "disable", made.client_id)
    assert parties.run(*command).exit_code == 0
    assert told(parties.resource, token) == INACTIVE


@pytest.mark.parametrize(
    "form", [{}, {"token": ""}, {"token_type_hint": "access_token"}], ids=["missing", "empty", "hint"]
)
def test_g136_without_a_token_the_request_is_invalid(parties: Parties, form: dict[str, str]) -> None:
    is_refused(parties.nobody.post(INTROSPECT, data=form, auth=("web", parties.web.secret or "")), "invalid_request")


@pytest.mark.parametrize("name", ["token", "token_type_hint", "client_id", "client_secret", "unknown"])
def test_g136_no_parameter_comes_twice(parties: Parties, name: str) -> None:
    good = {"token": parties.web.tokens()["access_token"], "token_type_hint": "access_token", "client_id": "web"}
    good |= {"client_secret": parties.web.secret or "", "unknown": "1"}
    for second in (good[name], "another", ""):
        twice: dict[str, str | list[str]] = {**good, name: [good[name], second]}
        is_refused(parties.nobody.post(INTROSPECT, data=twice), "invalid_request")
    assert is_json(parties.nobody.post(INTROSPECT, data=good))["active"] is True


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "nonsense", "", None])
def test_g138_a_refresh_token_is_shown_to_its_owner_and_to_resource_servers(parties: Parties, hint: str | None) -> None:
    tokens = parties.web.tokens(scope="openid profile")
    form = {} if hint is None else {"token_type_hint": hint}
    now = int(parties.clock.now.timestamp())
    for caller in (parties.web, parties.resource):
        assert told(caller, tokens["refresh_token"], **form) == {
            "active": True,
            "token_type": "refresh_token",
            "sub": parties.ada,
            "username": "ada",
            "client_id": "web",
            "scope": "openid profile",
            "iss": ISSUER,
            "iat": now,
            "exp": now + 30 * 86400,
        }
    assert told(parties.other, tokens["refresh_token"], **form) == INACTIVE


def test_g138_a_replaced_refresh_token_is_not_active(parties: Parties) -> None:
    first = parties.web.tokens()
    second = is_json(parties.web.refresh(first["refresh_token"]))
    assert told(parties.web, first["refresh_token"]) == INACTIVE
    assert told(parties.web, second["refresh_token"])["active"] is True


def test_g138_looking_at_a_refresh_token_does_not_use_it(parties: Parties) -> None:
    token = parties.web.tokens()["refresh_token"]
    for _ in range(3):
        told(parties.resource, token)
    assert parties.web.refresh(token).status_code == 200


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", None])
def test_g139_an_access_token_is_described_whole(parties: Parties, hint: str | None) -> None:
    token = parties.web.tokens(scope="openid email")["access_token"]
    claims = id_tokens.claims(token)
    form = {} if hint is None else {"token_type_hint": hint}
    now = int(parties.clock.now.timestamp())
    for caller in (parties.web, parties.resource):
        assert told(caller, token, **form) == {
            "active": True,
            "token_type": "Bearer",
            "sub": parties.ada,
            "username": "ada",
            "client_id": "web",
            "scope": "openid email",
            "iss": ISSUER,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 3600,
            "auth_time": now,
            "jti": claims["jti"],
            "sid": claims["sid"],
            "email": "ada@example.com",
            "email_verified": True,
        }
    assert told(parties.other, token, **form) == INACTIVE


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize(
    ("scope", "is_told"),
    [("openid", False), ("openid profile read:groups", False), ("openid email", True), ("email", True)],
)
def test_g139_the_email_is_told_where_the_scope_covers_it(
    parties: Parties, kind: str, scope: str, is_told: bool
) -> None:
    answer = told(parties.resource, parties.web.tokens(scope=scope)[kind])
    assert answer["active"] is True
    assert (answer.get("email"), answer.get("email_verified")) == (
        ("ada@example.com", True) if is_told else (None, None)
    )


def test_g139_a_service_token_has_no_person(parties: Parties) -> None:
    service = parties.client("service", is_confidential=True, grants=["client_credentials"], scopes=["admin:oauth"])
    token = service.token(grant_type="client_credentials").json["access_token"]
    answer = told(parties.resource, token)
    assert (answer["active"], answer["sub"], answer["client_id"]) == (True, "service", "service")
    assert not {"username", "email", "sid", "auth_time"} & set(answer)
    assert told(parties.other, token) == INACTIVE


def test_g139_metadata_names_the_endpoint(parties: Parties) -> None:
    for place in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
        assert parties.nobody.get(place).json["introspection_endpoint"] == f"{ISSUER}{INTROSPECT}"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_g141_nothing_but_post_is_answered(parties: Parties, method: str) -> None:
    auth = ("web", parties.web.secret or "")
    query = {"token": parties.web.tokens()["access_token"]}
    response = parties.nobody.open(INTROSPECT, method=method, query_string=query, auth=auth)
    assert (response.status_code, response.headers["Allow"]) == (405, "OPTIONS, POST")
    assert is_json(response, 405)["error"] == "invalid_request"


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", "application/xml"]
)
def test_g141_a_token_stands_in_a_form_and_nowhere_else(parties: Parties, kind: str) -> None:
    auth = ("web", parties.web.secret or "")
    token = parties.web.tokens()["access_token"]
    is_refused(parties.nobody.post(INTROSPECT, query_string={"token": token}, auth=auth), "invalid_request")
    body = f'{{"token": "{token}"}}'
    is_refused(parties.nobody.post(INTROSPECT, data=body, content_type=kind, auth=auth), "invalid_request")


@pytest.mark.parametrize(
    "kind", ["id_token", "code", "cookie", "client secret", "interaction", "form token", "authorization header"]
)
def test_g142_nothing_else_is_a_token(parties: Parties, kind: str) -> None:
    cookie = parties.browser.get_cookie("portal_session")
    assert cookie
    tokens = parties.web.tokens()
    others = {
        "id_token": tokens["id_token"],
        "code": parties.web.code(),
        "cookie": cookie.value,
        "client secret": parties.web.secret or "",
        "interaction": parties.web.authorize(prompt="login").location.partition("interaction=")[2],
        "form token": csrf_token(parties.browser, "/logout"),
        "authorization header": f"Bearer {tokens['access_token']}",
    }
    for caller in (parties.web, parties.resource):
        assert told(caller, others[kind]) == INACTIVE


def test_g143_a_token_of_a_megabyte_is_too_large(parties: Parties) -> None:
    response = asked(parties.web, "x" * 1_000_000)
    assert is_json(response, 413)["error"] == "invalid_request"


@pytest.mark.parametrize(
    "token", ["\x00", "a\x00b", "x" * 8193, "x" * 100_000], ids=["NUL", "NUL inside", "long", "longer"]
)
def test_g143_a_token_that_nobody_can_mean_is_an_invalid_request(parties: Parties, token: str) -> None:
    is_refused(asked(parties.web, token), "invalid_request")


@pytest.mark.parametrize("body", [b"token=%ff%fe", b"token=\xff", b"token=%ed%a0%80", b"token=%00"])
def test_g143_bytes_that_are_no_text_are_an_invalid_request(parties: Parties, body: bytes) -> None:
    auth, kind = ("web", parties.web.secret or ""), "application/x-www-form-urlencoded"
    is_refused(parties.nobody.post(INTROSPECT, data=body, content_type=kind, auth=auth), "invalid_request")


@pytest.mark.parametrize("origin", [None, "https://client.example.com"])
def test_g144_no_answer_is_kept_or_shared_with_a_browser(parties: Parties, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    token = parties.web.tokens()["access_token"]
    for data, secret, status in (
        ({"token": token}, parties.web.secret, 200),
        ({"token": "x"}, parties.web.secret, 200),
        ({}, parties.web.secret, 400),
        ({"token": token}, "wrong", 401),
    ):
        response = parties.nobody.post(INTROSPECT, data=data, auth=("web", secret or ""), headers=headers)
        is_json(response, status)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers.getlist("Set-Cookie") == []
        assert "Access-Control-Allow-Origin" not in response.headers
