"""Section E, what a good signature does not say: claims of types the portal never writes are refused everywhere.

With HS256 every backend that holds the secret can sign whatever it likes; other keys are the portal's own, and are held
to the same. On PostgreSQL, which takes fewer texts than SQLite.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conformance import id_tokens
from tests.databases import PostgresDatabases
from tests.security import forgery
from tests.security.answers import is_challenged, is_json, is_page, is_sent_back
from tests.security.parties import Parties, opened

SHARED = "a secret that is shared with older backends"
ODD: dict[str, Any] = {
    "null": None,
    "true": True,
    "list": ["x"],
    "list of lists": [[]],
    "empty list": [],
    "dictionary": {"a": 1},
    "empty dictionary": {},
    "negative": -1,
    "float": 4102444800.5,
    "infinity": float("inf"),
    "not a number": float("nan"),
    "year 10000": 253402300800,
    "huge": 10**40,
    "half surrogate": "\ud800",
    "NUL": "a\x00b",
    "line break": "a\nb",
    "Hangul": "한글",
    "empty": "",
    "long": "x" * 3000,
    "number in text": "4102444800",
}
OF_HINTS = {"iss", "aud", "sub", "sid", "exp", "iat", "auth_time"}
READ = ("iss", "aud", "sub", "client_id", "jti", "sid", "type", "generation", "scope", "iat", "exp", "auth_time")
TEXTS = {"sub", "client_id", "jti", "sid", "scope", "generation"}
MAY_BE = {("scope", "long"), *((claim, kind) for claim in TEXTS for kind in ("empty", "number in text"))}
"""Proper texts, though they name nothing."""
PROPER = {("aud", "empty"), ("aud", "number in text")}
"""Of a hint: an application that is not there; the session is named all the same."""
CASES = [(claim, kind) for claim in READ for kind in ODD if (claim, kind) not in MAY_BE]


@pytest.fixture(scope="module")
def sharing(postgres_databases: PostgresDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """A portal that signs access tokens with a shared secret."""
    environ = {"JWT_ALGORITHM": "HS256", "JWT_SHARED_SECRET": SHARED}
    directory = tmp_path_factory.mktemp("types")
    with opened(postgres_databases, directory, **environ) as found:  # type: ignore[arg-type]
        yield found


@pytest.fixture(scope="module")
def good(sharing: Parties) -> Any:
    """Tokens as they should be; every test changes something else in them."""
    return sharing.web.tokens()


def changed(token: str, change: dict[str, Any]) -> str:
    """A token of the portal with other claims, signed with the shared secret."""
    return forgery.by_hmac(SHARED.encode(), id_tokens.header(token), {**id_tokens.claims(token), **change})


def at_introspection(parties: Parties, token: str) -> None:
    web = parties.web
    answer = parties.nobody.post("/api/oauth/introspect", data={"token": token}, auth=(web.client_id, web.secret))
    assert is_json(answer) == {"active": False}


def at_validation(parties: Parties, token: str) -> None:
    web = parties.web
    body = {"access_token": token}
    answer = parties.nobody.post("/api/oauth/token/validate", json=body, auth=(web.client_id, web.secret))
    assert is_json(answer) == {"valid": False, "reason": "Token is invalid or expired"}


def at_revocation(parties: Parties, token: str) -> None:
    web = parties.web
    answer = parties.nobody.post("/api/oauth/revoke", data={"token": token}, auth=(web.client_id, web.secret))
    assert (answer.status_code, answer.json) == (200, {})


def at_userinfo(parties: Parties, token: str) -> None:
    is_challenged(parties.nobody.get("/api/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}))
    is_challenged(parties.nobody.post("/api/oauth/userinfo", data={"access_token": token}))


def at_the_api(parties: Parties, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/api/v1/auth/me", "/api/v1/auth/sessions"):
        answer = parties.nobody.get(path, headers=headers)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")


DOORS = [at_userinfo, at_introspection, at_validation, at_revocation, at_the_api]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize(("claim", "kind"), CASES)
def test_e117_a_claim_of_an_odd_type_is_refused_though_our_key_signed_it(
    sharing: Parties, good: Any, door: Callable[..., None], claim: str, kind: str
) -> None:
    door(sharing, changed(good["access_token"], {claim: ODD[kind]}))


@pytest.mark.parametrize("claim", READ)
def test_e117_a_token_of_a_service_is_held_to_the_same(sharing: Parties, claim: str) -> None:
    service = sharing.client(is_confidential=True, grants=["client_credentials"], scopes=["read:groups"])
    token = is_json(service.token(grant_type="client_credentials"))["access_token"]
    for kind, value in ODD.items():
        if (claim, kind) not in MAY_BE and claim != "auth_time":
            at_userinfo(sharing, changed(token, {claim: value}))
            at_introspection(sharing, changed(token, {claim: value}))


def test_e117_what_nobody_reads_may_be_anything(sharing: Parties, good: Any) -> None:
    token = good["access_token"]
    for value in ODD.values():
        assert is_json(sharing.web.userinfo(changed(token, {"x": value})))["sub"] == sharing.ada


@pytest.mark.parametrize("kind", ["a person's id", "another client's id"])
def test_e117_a_service_is_never_somebody_else(sharing: Parties, kind: str) -> None:
    service = sharing.client(is_confidential=True, grants=["client_credentials"], scopes=["read:groups"])
    token = is_json(service.token(grant_type="client_credentials"))["access_token"]
    subject = sharing.ada if kind == "a person's id" else "other"
    at_userinfo(sharing, changed(token, {"sub": subject}))


@pytest.mark.parametrize("typ", [None, "", 5, ["at+jwt"], {"a": 1}, True, "\ud800"], ids=ascii)
@pytest.mark.parametrize("name", ["typ", "kid", "alg", "crit", "cty", "jwk", "x5c", "b64"])
def test_e117_a_header_of_an_odd_type_is_no_failure(sharing: Parties, good: Any, name: str, typ: object) -> None:
    token = good["access_token"]
    _, payload, signature = token.split(".")
    odd = id_tokens.encoded({**id_tokens.header(token), name: typ})
    status = sharing.nobody.get(
        "/api/oauth/userinfo", headers={"Authorization": f"Bearer {odd}.{payload}.{signature}"}
    ).status_code
    assert status == 401


@pytest.mark.parametrize(
    ("claim", "kind"), [case for case in CASES if case[0] in OF_HINTS and case not in PROPER and case[1] != "null"]
)
def test_e117_a_hint_with_a_claim_of_an_odd_type_is_none(sharing: Parties, good: Any, claim: str, kind: str) -> None:
    claims = {**id_tokens.claims(good["id_token"]), claim: ODD[kind]}
    with sharing.app.app_context():
        hint = sharing.app.extensions["services"].tokens._sign("RS256", "JWT", claims)
    is_sent_back(sharing.web.authorize(id_token_hint=hint, prompt="none"), "invalid_request")
    is_page(sharing.browser.get("/api/oauth/logout", query_string={"id_token_hint": hint}))
    assert sharing.web.authorize(prompt="none").location.partition("code=")[1]


@pytest.mark.parametrize("claim", ["sub", "aud", "iss"])
def test_e117_a_hint_that_does_not_say_whom_it_is_about_and_for_is_none(
    sharing: Parties, good: Any, claim: str
) -> None:
    claims = {name: value for name, value in id_tokens.claims(good["id_token"]).items() if name != claim}
    with sharing.app.app_context():
        hint = sharing.app.extensions["services"].tokens._sign("RS256", "JWT", claims)
    is_sent_back(sharing.web.authorize(id_token_hint=hint, prompt="none"), "invalid_request")
    is_page(sharing.browser.get("/api/oauth/logout", query_string={"id_token_hint": hint}))


def test_e117_the_shared_secret_makes_no_hints(sharing: Parties, good: Any) -> None:
    """Whoever holds it makes access tokens; it logs nobody out and says of nobody who is there."""
    token = good["id_token"]
    hint = forgery.by_hmac(SHARED.encode(), {"typ": "JWT"}, id_tokens.claims(token))
    is_sent_back(sharing.web.authorize(id_token_hint=hint, prompt="none"), "invalid_request")
    is_page(sharing.browser.get("/api/oauth/logout", query_string={"id_token_hint": hint}))
