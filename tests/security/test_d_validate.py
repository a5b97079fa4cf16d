"""Section D at the door that takes JSON: ``token/validate`` proves clients as the token endpoint does."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from tests.api.service.backends import Backend
from tests.relying_party import RelyingParty
from tests.security.answers import is_json, is_refused
from tests.security.assertions import Signer, jwk_of, jwks_of
from tests.security.parties import Parties, opened

VALIDATE = ("/api/oauth/token/validate", "/oauth/token/validate")
KEY = ECKey.generate_key("P-256")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def parties(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """The parties of this file, on each engine."""
    databases = request.getfixturevalue("sqlite_databases" if request.param == "sqlite" else "postgres_databases")
    with opened(databases, tmp_path_factory.mktemp("parties")) as found:
        yield found


def asked(parties: Parties, body: dict[str, Any] | bytes, authorization: str = "", path: str = VALIDATE[0]) -> Any:
    headers = {"Authorization": authorization} if authorization else {}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parties.nobody.post(path, data=data, content_type="application/json", headers=headers)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()


def is_refused_here(response: TestResponse, error: str = "invalid_client", status: int = 401) -> None:
    assert (response.status_code, response.json["error"]) == (status, error), response.text
    assert set(response.json) == {"error", "error_description"}
    assert response.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


@pytest.mark.parametrize("path", VALIDATE)
def test_d88_a_wrong_secret_in_the_header_is_challenged(parties: Parties, path: str) -> None:
    web = parties.web
    for secret in ("wrong", "", " ", "\u00fc", "x" * 5000, f"{web.secret}x", parties.other.secret or ""):
        is_refused_here(asked(parties, {"access_token": "x"}, basic("web", secret), path))
    assert is_json(asked(parties, {"access_token": "x"}, basic("web", web.secret or ""), path))["valid"] is False


def test_d89_a_wrong_secret_in_the_body_is_refused(parties: Parties) -> None:
    secret = parties.web.secret or ""
    for wrong in (
        "wrong",
        secret[:-1],
        secret.swapcase(),
        "0" * 64,
        "\ud800",
        "a\x00b",
        None,
        1,
        [secret],
        {"a": secret},
    ):
        is_refused_here(asked(parties, {"access_token": "x", "client_id": "web", "client_secret": wrong}))
    for client_id in (None, 1, ["web"], "\ud800", "web\x00", "WEB"):
        is_refused_here(asked(parties, {"access_token": "x", "client_id": client_id, "client_secret": secret}))
    good = {"access_token": "\ud800", "client_id": "web", "client_secret": secret}
    assert is_json(asked(parties, good)) == {"valid": False, "reason": "Token is invalid or expired"}


def test_d90_an_unknown_client_is_answered_as_a_wrong_secret_is(parties: Parties) -> None:
    stopped = parties.client("stopped", is_confidential=True)
    assert parties.run("clients", "disable", "stopped").exit_code == 0
    answers = [asked(parties, {"access_token": "x"}, basic(each, "wrong")) for each in ("web", "nobody", "spa", "")]
    answers.append(asked(parties, {"access_token": "x"}, basic("stopped", stopped.secret or "")))
    answers += [asked(parties, {"access_token": "x", "client_id": each}) for each in ("web", "nobody", "spa")]
    assert {(each.status_code, each.text) for each in answers} == {(401, answers[0].text)}


def test_d91_one_proof_alone_and_of_one_client(parties: Parties) -> None:
    secret, good = parties.web.secret or "", basic("web", parties.web.secret or "")
    token = {"access_token": "x"}
    is_refused_here(
        asked(parties, {**token, "client_id": "web", "client_secret": secret}, good), "invalid_request", 400
    )
    is_refused_here(asked(parties, {**token, "client_id": "other"}, good), "invalid_request", 400)
    assert asked(parties, {**token, "client_id": "web"}, good).status_code == 200
    # Of two members of one name readers take this one or that: it is no body.
    for twice in ('"client_id":"web","client_id":"other"', '"client_secret":"x","client_secret":"SECRET"'):
        body = f'{{"access_token":"x","client_id":"web",{twice}}}'.replace("SECRET", secret).encode()
        is_refused_here(asked(parties, body), "invalid_request", 400)
    body = b'{"access_token":"a","access_token":"b"}'
    is_refused_here(asked(parties, body, good), "invalid_request", 400)


def test_d92_both_parts_of_the_header_are_decoded(parties: Parties) -> None:
    client = parties.client("v.w-x_y~z", is_confidential=True)
    encoded = "".join(f"%{byte:02X}" for byte in (client.secret or "").encode())
    assert asked(parties, {"access_token": "x"}, basic("v%2Ew-x_y~z", encoded)).status_code == 200
    is_refused_here(asked(parties, {"access_token": "x"}, basic(client.client_id, encoded.replace("%", "%25"))))


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_d94_a_registered_method_is_the_only_one(parties: Parties, method: str) -> None:
    client = parties.client(is_confidential=True, auth_method=method)
    token, secret = {"access_token": "x"}, client.secret or ""
    by_header = asked(parties, token, basic(client.client_id, secret))
    by_body = asked(parties, {**token, "client_id": client.client_id, "client_secret": secret})
    right, wrong = (by_header, by_body) if method == "client_secret_basic" else (by_body, by_header)
    assert right.status_code == 200
    is_refused_here(wrong)


def test_d95_nobody_validates_without_proof(parties: Parties) -> None:
    for client in (parties.web, parties.spa):
        for empty in ({}, {"client_secret": ""}, {"client_secret": None}):
            is_refused_here(asked(parties, {"access_token": "x", "client_id": client.client_id, **empty}))
        is_refused_here(asked(parties, {"access_token": "x"}, basic(client.client_id, "")))


def test_d96_a_public_client_has_no_secret_to_be_right(parties: Parties) -> None:
    for secret in ("made up", "null", "None", "0" * 64):
        is_refused_here(asked(parties, {"access_token": "x", "client_id": "spa", "client_secret": secret}))
        is_refused_here(asked(parties, {"access_token": "x"}, basic("spa", secret)))
    assert parties.spa.secret is None


def test_d97_no_door_registers_a_public_client_for_tokens_of_its_own(parties: Parties) -> None:
    backend = Backend(parties.app, client_id="registrar")
    public = {"client_id": "tool", "grant_types": ["client_credentials"], "allowed_scopes": ["admin:users"]}
    assert backend.done("POST", "/clients", public, 400)["error_description"].startswith("Client credentials need")
    backend.done("POST", "/clients", {**public, "is_confidential": True}, 201)
    assert backend.done("PATCH", "/clients/tool", {"is_confidential": False}, 400)["error"] == "invalid_input"


def test_d98_a_grant_that_is_taken_away_is_refused_at_once(parties: Parties) -> None:
    backend = Backend(parties.app, client_id="granting")
    client = parties.client(
        is_confidential=True, grants=["client_credentials", "authorization_code"], scopes=["read:groups"]
    )
    assert client.token(grant_type="client_credentials").status_code == 200
    backend.done("PATCH", f"/clients/{client.client_id}", {"grant_types": ["authorization_code"]})
    is_refused(client.token(grant_type="client_credentials"), "unauthorized_client")


def test_d99_a_service_token_says_nothing_of_people_at_any_door(parties: Parties) -> None:
    service = parties.client(is_confidential=True, grants=["client_credentials"], redirects=[], scopes=["admin:users"])
    token = service.token(grant_type="client_credentials").json["access_token"]
    auth = (service.client_id, service.secret or "")
    found = is_json(parties.nobody.post("/api/oauth/introspect", data={"token": token}, auth=auth))
    assert (found["sub"], found["client_id"], found["active"]) == (service.client_id, service.client_id, True)
    assert not {"username", "email", "sid", "auth_time"} & found.keys()
    assert service.userinfo(token).status_code == 403
    assert is_json(asked(parties, {"access_token": token}, basic(*auth))) == {"valid": True}


def test_d100_a_scope_that_is_taken_away_is_given_no_more_and_opens_nothing(parties: Parties) -> None:
    backend, lesser = Backend(parties.app, client_id="scoping"), Backend(parties.app, "admin:users", "narrowed")
    assert lesser.get("/users")
    backend.done("PATCH", "/clients/narrowed", {"allowed_scopes": ["admin:system"]})
    lesser.get("/users", 401)
    secret = backend.done("POST", "/clients/narrowed/regenerate-secret")["client_secret"]
    form = {"grant_type": "client_credentials", "scope": "admin:users"}
    is_refused(parties.nobody.post("/api/oauth/token", data=form, auth=("narrowed", secret)), "invalid_scope")


def test_d103_an_assertion_proves_once_here_as_well(parties: Parties) -> None:
    client = parties.client(
        is_confidential=True, auth_method="private_key_jwt", jwks=jwks_of(jwk_of(KEY)), grants=["client_credentials"],
        redirects=[], scopes=["admin:users"],
    )  # fmt: skip
    signer = Signer(client.client_id, KEY, lambda: parties.clock.now.timestamp())
    form = signer.form()
    assert asked(parties, {**form, "access_token": "x"}).status_code == 200
    is_refused_here(asked(parties, {**form, "access_token": "x"}))
    used = parties.nobody.post("/api/oauth/token", data={**form, "grant_type": "client_credentials"})
    is_refused(used, "invalid_client", 401)
    for changes in ({"aud": "https://elsewhere.example"}, {"exp": 1}, {"iss": "web"}, {"sub": None}):
        is_refused_here(asked(parties, {**signer.form(signer.assertion(**changes)), "access_token": "x"}))
    is_refused_here(
        asked(parties, {**signer.form(signer.assertion(key=ECKey.generate_key("P-256"))), "access_token": "x"})
    )


@pytest.mark.parametrize("overlap", [0, 3600])
def test_d105_a_secret_that_was_replaced_counts_nowhere_or_for_as_long_as_was_asked(
    parties: Parties, overlap: int
) -> None:
    backend = Backend(parties.app, client_id=f"rotating-{overlap}")
    client = parties.client(is_confidential=True)
    tokens, old = client.tokens(), client.secret or ""
    path = f"/clients/{client.client_id}/regenerate-secret"
    new = backend.done("POST", path, {"overlap_seconds": overlap})["client_secret"]
    for secret, is_good in ((old, bool(overlap)), (new, True)):
        assert proves(parties, client, secret, tokens["access_token"]) == {is_good}
    (newest, *former) = backend.get(f"/clients/{client.client_id}")["secrets"]
    for each in former:
        backend.done("DELETE", f"/clients/{client.client_id}/secrets/{each['id']}")
    assert newest["expires_at"] is None
    assert proves(parties, client, old, tokens["access_token"]) == {False}
    client.secret = new
    assert client.userinfo(tokens["access_token"]).status_code == 200
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def proves(parties: Parties, client: RelyingParty, secret: str, token: str) -> set[bool]:
    """Whether the secret is good at each door."""
    auth, form = (client.client_id, secret), {"token": token, "grant_type": "refresh_token", "refresh_token": "x"}
    found = [parties.nobody.post(f"/api/oauth/{path}", data=form, auth=auth) for path in ("token", "introspect")]
    # What is not there may be revoked by its client.
    found.append(parties.nobody.post("/api/oauth/revoke", data={"token": "x"}, auth=auth))
    found.append(asked(parties, {"access_token": token}, basic(*auth)))
    return {response.status_code != 401 for response in found}
