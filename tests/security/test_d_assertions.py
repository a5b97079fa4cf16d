"""Section D, row 103: clients that prove themselves by signed assertions (RFC 7523, OpenID Connect Core section 9)."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from werkzeug.test import TestResponse

from app.models import AuditLog
from tests.conformance import id_tokens
from tests.relying_party import refusal
from tests.security.answers import ISSUER, is_json, is_refused
from tests.security.assertions import TYPE, Key, Signer, jwk_of, jwks_of, signed
from tests.security.parties import Parties, opened
from tests.servers import unrestricted_engine

TOKEN = "/api/oauth/token"
ENDPOINTS = [TOKEN, "/api/oauth/revoke", "/api/oauth/introspect"]
EC, OTHER_EC = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
RSA, ED = RSAKey.generate_key(2048), OKPKey.generate_key("Ed25519")
KEYS: dict[str, Key] = {"RS256": RSA, "PS256": RSA, "ES256": EC, "EdDSA": ED, "Ed25519": ED}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def parties(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """The parties of this file, on each engine."""
    databases = request.getfixturevalue("sqlite_databases" if request.param == "sqlite" else "postgres_databases")
    with opened(databases, tmp_path_factory.mktemp("parties")) as found:
        yield found


def registered(parties: Parties, jwks: str, *, key: Key = EC, algorithm: str = "ES256", **fields: Any) -> Signer:
    """A service that signs."""
    client = parties.client(
        is_confidential=True,
        auth_method="private_key_jwt",
        jwks=jwks,
        grants=["client_credentials"],
        redirects=[],
        scopes=["admin:oauth", "admin:users"],
        **fields,
    )
    assert client.secret is None
    return Signer(client.client_id, key, lambda: parties.clock.now.timestamp(), algorithm)


@pytest.fixture(scope="module")
def service(parties: Parties) -> Signer:
    """One with a key of each kind, of which one has an id."""
    return registered(parties, jwks_of(jwk_of(EC, kid="ec", use="sig"), jwk_of(RSA), jwk_of(ED, alg="EdDSA")))


def asked(parties: Parties, form: dict[str, str], path: str = TOKEN, **headers: str) -> TestResponse:
    return parties.nobody.post(
        path, data={"grant_type": "client_credentials", "token": "x", **form}, headers=headers or None
    )


def reasons(parties: Parties) -> list[Any]:
    """Why clients were refused since this was asked last, as it is on record."""
    failed = sa.delete(AuditLog).where(AuditLog.action == "oauth:client:authentication_failed")
    with unrestricted_engine(parties.database_url).begin() as outside:
        return [each.get("reason") for each in outside.scalars(failed.returning(AuditLog.details))]


def test_d103_an_assertion_proves_the_client_wherever_it_has_to(parties: Parties, service: Signer) -> None:
    answer = is_json(asked(parties, service.form(scope="admin:users")))
    assert (answer["scope"], id_tokens.claims(answer["access_token"])["sub"]) == ("admin:users", service.client_id)
    found = is_json(asked(parties, service.form(token=answer["access_token"]), "/oauth/introspect"))
    assert (found["active"], found["client_id"]) == (True, service.client_id)
    said = {"access_token": answer["access_token"]}
    assert is_json(parties.nobody.post("/api/oauth/token/validate", json={**service.form(), **said})) == {"valid": True}
    assert asked(parties, service.form(token=answer["access_token"]), "/api/oauth/revoke").status_code == 200
    found = is_json(asked(parties, service.form(token=answer["access_token"]), "/api/oauth/introspect"))
    assert found == {"active": False}


@pytest.mark.parametrize("algorithm", KEYS)
def test_d103_every_algorithm_of_the_metadata_works(parties: Parties, service: Signer, algorithm: str) -> None:
    signer = Signer(service.client_id, KEYS[algorithm], service.now, algorithm)
    is_json(asked(parties, signer.form()))
    listed = parties.nobody.get("/.well-known/openid-configuration").json
    assert algorithm in listed["token_endpoint_auth_signing_alg_values_supported"]


GOOD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the token endpoint": ({}, {"aud": f"{ISSUER}/api/oauth/token"}),
    "the token endpoint of older integrations": ({}, {"aud": f"{ISSUER}/oauth/token"}),
    "a list of one": ({}, {"aud": [ISSUER]}),
    "typed, for the issuer": ({"typ": "client-authentication+jwt"}, {}),
    "typed as a media type": ({"typ": "application/Client-Authentication+JWT"}, {"aud": [ISSUER]}),
    "typed as libraries do": ({"typ": "JWT"}, {}),
    "the id of the key": ({"kid": "ec"}, {}),
    "what nobody knows": ({"x-note": "1", "jku": "https://evil.test/jwks"}, {"more": {"a": 1}, "nonce": "n"}),
    "without iat": ({}, {"iat": None}),
    "fractions": ({}, {"exp": lambda now: now + 59.5}),
    "as long as it may be": ({}, {"exp": lambda now: now + 300}),
    "a clock that goes ahead": ({}, {"iat": lambda now: now + 55, "nbf": lambda now: now + 55}),
    "a clock that is behind": ({}, {"iat": lambda now: now - 115, "exp": lambda now: now - 55}),
}


def at(claims: dict[str, Any], now: int) -> dict[str, Any]:
    return {name: value(now) if callable(value) else value for name, value in claims.items()}


@pytest.mark.parametrize(("header", "claims"), GOOD.values(), ids=GOOD)
def test_d103_what_clients_may_say_as_they_like(
    parties: Parties, service: Signer, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    is_json(asked(parties, service.form(service.assertion(header, **at(claims, int(service.now()))))))


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another audience": ({}, {"aud": "https://evil.test"}, "audience"),
    "no audience": ({}, {"aud": None}, "audience"),
    "an audience with a stroke": ({}, {"aud": f"{ISSUER}/"}, "audience"),
    "the audience of another endpoint": ({}, {"aud": f"{ISSUER}/api/oauth/introspect"}, "audience"),
    "one audience more": ({}, {"aud": [ISSUER, "https://evil.test"]}, "audience"),
    "the audience twice": ({}, {"aud": [ISSUER, ISSUER]}, "audience"),
    "no audience in the list": ({}, {"aud": []}, "audience"),
    "a list in a list": ({}, {"aud": [[ISSUER]]}, "audience"),
    "an audience that is no text": ({}, {"aud": {"a": ISSUER}}, "audience"),
    "typed, for the token endpoint": (
        {"typ": "client-authentication+jwt"},
        {"aud": f"{ISSUER}/api/oauth/token"},
        "audience",
    ),
    "typed as an access token": ({"typ": "at+jwt"}, {}, "type"),
    "typed as a logout token": ({"typ": "logout+jwt"}, {}, "type"),
    "a type that is no text": ({"typ": 1}, {}, "type"),
    "another issuer": ({}, {"iss": "web"}, "client"),
    "no issuer": ({}, {"iss": None}, "client"),
    "an issuer that is no text": ({}, {"iss": ["service"]}, "client"),
    "no jti": ({}, {"jti": None}, "jti"),
    "an empty jti": ({}, {"jti": ""}, "jti"),
    "a jti that is a number": ({}, {"jti": 7}, "jti"),
    "a jti without end": ({}, {"jti": "x" * 256}, "jti"),
    "no exp": ({}, {"exp": None}, "exp"),
    "expired": ({}, {"exp": lambda now: now - 61}, "expired"),
    "an end of another era": ({}, {"exp": 10**400}, "exp"),
    "an end before all": ({}, {"exp": -1}, "exp"),
    "an end that is text": ({}, {"exp": lambda now: str(now + 60)}, "exp"),
    "an end that is true": ({}, {"exp": True}, "exp"),
    "an end that is no number": ({}, {"exp": float("nan")}, "exp"),
    "an end without end": ({}, {"exp": float("inf")}, "exp"),
    "an hour": ({}, {"exp": lambda now: now + 3600}, "lives_too_long"),
    "a little too long": ({}, {"exp": lambda now: now + 362}, "lives_too_long"),
    "made later": ({}, {"iat": lambda now: now + 120}, "iat"),
    "made after its end": ({}, {"iat": lambda now: now + 40, "exp": lambda now: now + 30}, "iat"),
    "made at no time": ({}, {"iat": "now"}, "iat"),
    "not yet good": ({}, {"nbf": lambda now: now + 120}, "nbf"),
    "good at no time": ({}, {"nbf": []}, "nbf"),
    "a key that is not there": ({"kid": "other"}, {}, "key"),
    "a kid that is no text": ({"kid": 1}, {}, "key"),
    "a kid of another kind": ({"kid": "ec", "alg": "RS256"}, {}, "key"),
    "critical": ({"crit": ["b64"], "b64": False}, {}, "header"),
    "not encoded": ({"b64": False}, {}, "header"),
    "an algorithm of another curve": ({"alg": "ES384"}, {}, "algorithm"),
    "an algorithm in other letters": ({"alg": "es256"}, {}, "algorithm"),
    "no algorithm": ({"alg": None}, {}, "algorithm"),
    "an algorithm that is no text": ({"alg": ["ES256"]}, {}, "algorithm"),
}


@pytest.mark.parametrize(("header", "claims", "why"), BAD.values(), ids=BAD)
def test_d103_whatever_is_wrong_with_it_is_the_same_refusal(
    parties: Parties, service: Signer, header: dict[str, Any], claims: dict[str, Any], why: str
) -> None:
    head = {name: value for name, value in {"alg": "ES256", **header}.items() if value is not None}
    bad = signed(head, service.claims(**at(claims, int(service.now()))), EC, by="ES256")
    reasons(parties)
    response = asked(parties, service.form(bad))
    is_refused(response, "invalid_client", 401)
    assert refusal(response.json) == {"error": "invalid_client", "error_description": "Client authentication failed"}
    assert response.headers["WWW-Authenticate"] == 'Basic realm="MAX Platform", charset="UTF-8"'
    assert reasons(parties) == [why]


def test_d103_who_holds_another_key_proves_nothing(parties: Parties, service: Signer) -> None:
    shared = OctKey.import_key(jwk_of(EC)["x"])
    of_public = OctKey.import_key(json.dumps(jwk_of(EC)).encode())
    good = service.assertion()
    head, body, signature = good.split(".")
    for bad in (
        service.assertion(key=OTHER_EC),
        service.assertion({"kid": "ec"}, key=OTHER_EC),
        # The header brings the key it was signed with.
        service.assertion({"jwk": jwk_of(OTHER_EC)}, key=OTHER_EC),
        service.assertion({"alg": "HS256"}, key=shared),
        service.assertion({"alg": "HS256", "kid": "ec"}, key=of_public),
        id_tokens.unsigned(service.claims()),
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-2]}",
        f"{head}.{body}.{signature}AAAA",
        f"{head}.{id_tokens.encoded(service.claims(aud=ISSUER))}.{signature}",
        f"{id_tokens.encoded({'alg': 'RS256'})}.{body}.{signature}",
        f"{good}.x",
        f"{head}.{body}",
        "..",
        "a.b.c",
        "x" * 8192,
        id_tokens.encoded({}) + ".W10." + signature,
        f"{id_tokens.encoded({'alg': 'ES256'})}.{'W1' * 3000}.x",
    ):
        is_refused(asked(parties, service.form(bad)), "invalid_client", 401)
    is_refused(asked(parties, service.form(good + "x" * 8192)), "invalid_request")
    # And the untouched one is good all the same.
    is_json(asked(parties, service.form(good)))


@pytest.mark.parametrize("path", ENDPOINTS)
def test_d103_an_assertion_is_good_once_on_whichever_endpoint(parties: Parties, service: Signer, path: str) -> None:
    used = service.form()
    is_json(asked(parties, used))
    is_refused(asked(parties, used, path), "invalid_client", 401)
    # Also where what it was sent with is refused.
    used = service.form()
    is_refused(asked(parties, {**used, "grant_type": "client_credentials", "scope": "openid"}), "invalid_scope")
    is_refused(asked(parties, used, path), "invalid_client", 401)


def test_d103_its_id_is_its_own_and_the_clients(parties: Parties, service: Signer) -> None:
    other = registered(parties, jwks_of(jwk_of(EC)))
    assertion = {"jti": "the-same"}
    is_json(asked(parties, service.form(service.assertion(**assertion))))
    is_json(asked(parties, other.form(other.assertion(**assertion))))
    # Signed anew it is the same one.
    is_refused(asked(parties, service.form(service.assertion(**assertion, more=1))), "invalid_client", 401)


def test_d103_it_stays_used_for_as_long_as_it_could_be_good(parties: Parties, service: Signer) -> None:
    used = service.form(service.assertion(exp=int(service.now()) + 30))
    is_json(asked(parties, used))
    parties.app.test_cli_runner().invoke(args=["tokens", "cleanup"])
    is_refused(asked(parties, used), "invalid_client", 401)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_d91_an_assertion_is_the_only_proof(parties: Parties, service: Signer, path: str) -> None:
    good = service.form()
    is_refused(asked(parties, {**good, "client_secret": "x"}, path), "invalid_request")
    is_refused(asked(parties, good, path, Authorization="Basic eDp5"), "invalid_request")
    is_refused(asked(parties, good, path, Authorization="Bearer x"), "invalid_request")
    is_refused(asked(parties, {"client_assertion_type": TYPE, "client_secret": "x"}, path), "invalid_request")
    is_refused(asked(parties, {**good, "client_id": "web"}, path), "invalid_client", 401)
    response = asked(parties, {**good, "client_id": service.client_id}, path)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "kind",
    [
        "",
        TYPE.upper(),
        f"{TYPE} ",
        "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
        "jwt-bearer",
    ],
)
def test_d103_the_type_of_the_assertion_is_stated_to_the_letter(parties: Parties, service: Signer, kind: str) -> None:
    is_refused(asked(parties, {**service.form(), "client_assertion_type": kind}), "invalid_client", 401)


def test_d103_only_who_signs_signs_and_does_nothing_else(parties: Parties, service: Signer) -> None:
    key = jwks_of(jwk_of(EC))
    with_secret = Signer("web", EC, service.now)
    assert parties.web.secret
    is_refused(asked(parties, with_secret.form()), "invalid_client", 401)
    for method in ("", "client_secret_basic", "client_secret_post"):
        client = parties.client(is_confidential=True, auth_method=method)
        is_refused(asked(parties, Signer(client.client_id, EC, service.now).form()), "invalid_client", 401)
    is_refused(asked(parties, Signer("spa", EC, service.now).form()), "invalid_client", 401)
    is_refused(asked(parties, Signer("nobody", EC, service.now).form()), "invalid_client", 401)
    is_refused(asked(parties, {"client_id": service.client_id}), "invalid_client", 401)
    for secret in ("x", key, ""):
        is_refused(asked(parties, {"client_id": service.client_id, "client_secret": secret}), "invalid_client", 401)


def test_d103_a_client_that_was_stopped_or_lost_its_key_proves_nothing(parties: Parties) -> None:
    client = registered(parties, jwks_of(jwk_of(EC)))
    is_json(asked(parties, client.form()))
    assert parties.run("clients", "disable", client.client_id).exit_code == 0
    is_refused(asked(parties, client.form()), "invalid_client", 401)
    assert parties.run("clients", "enable", client.client_id).exit_code == 0
    path = parties.directory / "jwks.json"
    path.write_text(jwks_of(jwk_of(OTHER_EC)))
    assert parties.run("clients", "update", client.client_id, "--jwks", str(path)).exit_code == 0
    is_refused(asked(parties, client.form()), "invalid_client", 401)
    is_json(asked(parties, client.form(client.assertion(key=OTHER_EC))))


def test_d103_of_several_keys_the_one_that_is_named_counts(parties: Parties) -> None:
    client = registered(parties, jwks_of(jwk_of(EC, kid="a"), jwk_of(OTHER_EC, kid="b")))
    is_json(asked(parties, client.form(client.assertion({"kid": "a"}))))
    is_json(asked(parties, client.form(client.assertion({"kid": "b"}, key=OTHER_EC))))
    # OpenID Connect Core section 10.1: who has several says which one it was.
    is_refused(asked(parties, client.form()), "invalid_client", 401)
    is_refused(asked(parties, client.form(client.assertion({"kid": "b"}))), "invalid_client", 401)


def test_d103_a_key_is_used_as_it_says(parties: Parties) -> None:
    client = registered(parties, jwks_of(jwk_of(RSA, kid="a", alg="PS256"), jwk_of(EC, kid="b", use="enc")), key=RSA)
    signer = Signer(client.client_id, RSA, client.now, "PS256")
    is_json(asked(parties, signer.form()))
    signer = Signer(client.client_id, RSA, client.now, "RS256")
    is_refused(asked(parties, signer.form()), "invalid_client", 401)
    signer = Signer(client.client_id, EC, client.now)
    is_refused(asked(parties, signer.form(signer.assertion({"kid": "b"}))), "invalid_client", 401)


def test_d103_nothing_of_an_assertion_is_on_record(parties: Parties, service: Signer) -> None:
    bad = service.assertion(aud="https://marked.test", jti="marked-jti")
    is_refused(asked(parties, service.form(bad)), "invalid_client", 401)
    with parties.app.app_context(), closing(parties.app.extensions["services"].db.session) as session:
        rows = [str(vars(each)) for each in session.query(AuditLog)]
    assert not [row for row in rows if "marked" in row or bad.split(".")[2] in row]
