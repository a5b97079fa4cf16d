"""Section D, how clients prove who they are, and tokens of their own.

RFC 6749 sections 2.3, 3.2.1, 4.4 and 5.2, RFC 9700 section 2.5.
"""

import json
import statistics
import time
from base64 import b64encode
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from tests.conformance import id_tokens
from tests.relying_party import REDIRECT_URI, VERIFIER, RelyingParty, refusal
from tests.security.answers import ISSUER, is_json, is_refused
from tests.security.parties import Parties

TOKEN = "/api/oauth/token"
ENDPOINTS = [TOKEN, "/api/oauth/revoke", "/api/oauth/introspect"]
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PROOFS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
MALFORMED = {
    "no base64": "Basic !!",
    "no colon": "Basic " + b64encode(b"web").decode(),
    "nothing": "Basic",
    "empty": "Basic ",
    "empty id and secret": "Basic " + b64encode(b":").decode(),
    "no UTF-8": "Basic " + b64encode(b"web:\xff\xfe").decode(),
    "NUL": "Basic " + b64encode(b"web\x00:x").decode(),
    "line feed": "Basic " + b64encode(b"web:x\nX: y").decode(),
    "long": "Basic " + b64encode(b"web:" + b"x" * 9000).decode(),
    "bearer": "Bearer x",
    "digest": 'Digest username="web"',
    "raw": "web:x",
}


def asked(parties: Parties, path: str = TOKEN, authorization: str = "", **form: str) -> TestResponse:
    """A request that is refused for its credentials, or for the made-up token in it."""
    headers = {"Authorization": authorization} if authorization else {}
    values = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x", **form}
    return parties.nobody.post(path, data=values, headers=headers)


def basic(client_id: str, secret: str) -> str:
    """An ``Authorization`` header of these parts as they are."""
    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "secret", ["wrong", "", " ", "\u00fc", "x" * 5000], ids=["wrong", "empty", "blank", "no ascii", "long"]
)
def test_d88_a_wrong_secret_by_basic_is_challenged(parties: Parties, path: str, secret: str) -> None:
    response = asked(parties, path, basic(parties.web.client_id, secret))
    is_refused(response, "invalid_client", 401)
    assert response.headers["WWW-Authenticate"] == 'Basic realm="MAX Platform", charset="UTF-8"'


@pytest.mark.parametrize("body", [{}, {"client_id": "spa"}, {"client_id": "spa", "client_secret": ""}])
def test_d88_an_empty_secret_by_basic_is_none(parties: Parties, body: dict[str, str]) -> None:
    header, code = {"Authorization": basic("spa", "")}, parties.spa.code()
    exchange = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": REDIRECT_URI,
    }
    tokens = is_json(parties.nobody.post(TOKEN, data={**exchange, **body}, headers=header))
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **body}
    tokens = is_json(parties.nobody.post(TOKEN, data=refresh, headers=header))
    revoked = {"token": tokens["refresh_token"], **body}
    assert is_json(parties.nobody.post("/api/oauth/revoke", data=revoked, headers=header)) == {}
    is_refused(parties.spa.refresh(tokens["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_d88_an_empty_secret_is_not_a_confidential_clients_and_no_other_is_a_public_ones(
    parties: Parties, path: str
) -> None:
    secret = parties.web.secret or ""
    for client_id, password in (("web", ""), ("spa", "x"), ("spa", " "), ("spa", secret), ("", ""), ("nobody", "")):
        is_refused(asked(parties, path, basic(client_id, password)), "invalid_client", 401)
    # Beside an empty one the other way of proof is still a second one, and another id another client.
    is_refused(asked(parties, path, basic("web", ""), client_secret=secret), "invalid_request")
    is_refused(asked(parties, path, basic("spa", ""), client_id="web"), "invalid_request")


def test_d88_public_clients_neither_introspect_nor_validate_by_an_empty_secret(parties: Parties) -> None:
    header = {"Authorization": basic("spa", "")}
    is_refused(asked(parties, "/api/oauth/introspect", header["Authorization"]), "invalid_client", 401)
    answer = parties.nobody.post("/api/oauth/token/validate", json={"access_token": "x"}, headers=header)
    assert is_json(answer, 401)["error"] == "invalid_client"


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED)
def test_d88_a_header_that_cannot_be_read_is_a_wrong_secret(parties: Parties, header: str) -> None:
    is_refused(asked(parties, authorization=header), "invalid_client", 401)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("change", ["wrong", "case", "shorter", "longer", "hash"])
def test_d89_a_wrong_secret_by_post_is_refused(parties: Parties, path: str, change: str) -> None:
    secret = parties.web.secret or ""
    wrong = {"case": secret.swapcase(), "shorter": secret[:-1], "longer": secret + "x", "hash": "0" * 64}.get(
        change, "wrong"
    )
    is_refused(asked(parties, path, client_id="web", client_secret=wrong), "invalid_client", 401)
    of_another = parties.other.secret or ""
    is_refused(asked(parties, path, client_id="web", client_secret=of_another), "invalid_client", 401)


def test_d90_an_unknown_client_is_answered_as_a_wrong_secret_is(parties: Parties) -> None:
    ended = parties.client("ended", is_confidential=True)
    assert parties.run("clients", "disable", "ended").exit_code == 0
    answers = [
        *(asked(parties, authorization=basic(client_id, "wrong")) for client_id in ("web", "nobody", "\u00fc", "")),
        asked(parties, authorization=basic("ended", ended.secret or "")),
        *(asked(parties, client_id=client_id, client_secret="wrong") for client_id in ("web", "nobody", "spa")),
        *(asked(parties, client_id=client_id) for client_id in ("web", "nobody", "ended")),
    ]
    bodies = {response.text for response in answers}
    headers = {
        tuple((name, value) for name, value in response.headers if name != "X-Request-ID") for response in answers
    }
    assert ({response.status_code for response in answers}, len(bodies), len(headers)) == ({401}, 1, 1)
    # To the last letter, also of where the explanation stands.
    assert refusal(json.loads(bodies.pop())) == {
        "error": "invalid_client",
        "error_description": "Client authentication failed",
    }


def test_d90_time_does_not_tell_an_unknown_client_from_a_known_one(parties: Parties) -> None:
    spent: dict[str, list[float]] = {"web": [], "nobody": []}
    for _ in range(100):
        for client_id, times in spent.items():
            began = time.perf_counter()
            asked(parties, authorization=basic(client_id, "wrong"))
            times.append(time.perf_counter() - began)
    known, unknown = (statistics.median(times) for times in spent.values())
    # A password hash on one side alone would make it ten times.
    assert 0.5 < known / unknown < 2


def test_d91_only_one_way_of_proof_is_used(parties: Parties) -> None:
    good = basic("web", parties.web.secret or "")
    both = asked(parties, authorization=good, client_id="web", client_secret=parties.web.secret or "")
    is_refused(both, "invalid_request")
    is_refused(asked(parties, authorization=good, client_secret="x"), "invalid_request")
    is_refused(asked(parties, authorization=basic("web", "wrong"), client_secret="x"), "invalid_request")


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("client_id", ["other", "spa", "nobody", "WEB"])
def test_d91_the_id_in_the_body_is_the_one_that_authenticates(parties: Parties, path: str, client_id: str) -> None:
    is_refused(asked(parties, path, basic("web", parties.web.secret or ""), client_id=client_id), "invalid_request")


def test_d91_the_same_id_in_the_body_is_no_second_proof(parties: Parties) -> None:
    response = asked(parties, authorization=basic("web", parties.web.secret or ""), client_id="web")
    is_refused(response, "invalid_grant")


def encoded_whole(text: str) -> str:
    """Every character percent-encoded, which form encoding allows."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def test_d92_both_parts_are_form_encoded_before_they_are_joined(parties: Parties) -> None:
    client = parties.client("a.b-c_d~e", is_confidential=True)
    secret = client.secret or ""
    for client_id, password in (
        (client.client_id, secret),
        (encoded_whole(client.client_id), encoded_whole(secret)),
        (encoded_whole(client.client_id).lower(), secret),
        (quote(client.client_id, safe=""), quote(secret, safe="")),
    ):
        is_refused(asked(parties, authorization=basic(client_id, password)), "invalid_grant")
    for wrong in (
        f"x:{secret}",
        f"{secret}:",
        f"{secret}+",
        f"{secret}%20",
        f"{secret}%",
        encoded_whole(encoded_whole(secret)),
    ):
        is_refused(asked(parties, authorization=basic(client.client_id, wrong)), "invalid_client", 401)


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
def test_d92_the_name_of_the_scheme_is_written_in_any_case(parties: Parties, scheme: str) -> None:
    header = basic("web", parties.web.secret or "").replace("Basic", scheme)
    is_refused(asked(parties, authorization=header), "invalid_grant")


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_d94_a_registered_method_is_the_only_one(parties: Parties, path: str, method: str) -> None:
    client = parties.client(is_confidential=True, auth_method=method)
    secret = client.secret or ""
    by_basic = asked(parties, path, basic(client.client_id, secret))
    by_post = asked(parties, path, client_id=client.client_id, client_secret=secret)
    right, wrong = (by_basic, by_post) if method == "client_secret_basic" else (by_post, by_basic)
    is_refused(wrong, "invalid_client", 401)
    assert right.status_code == (400 if path == TOKEN else 200)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["", "client_secret_basic", "client_secret_post"])
def test_d95_a_confidential_client_never_gets_by_without_its_secret(parties: Parties, path: str, method: str) -> None:
    client = parties.client(is_confidential=True, auth_method=method)
    is_refused(asked(parties, path, client_id=client.client_id), "invalid_client", 401)
    is_refused(asked(parties, path, client_id=client.client_id, client_secret=""), "invalid_client", 401)
    is_refused(asked(parties, path, basic(client.client_id, "")), "invalid_client", 401)


@pytest.mark.parametrize("secret", ["made up", "0" * 64, "null", "None"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_d96_a_public_client_has_no_secret_to_be_right(parties: Parties, path: str, secret: str) -> None:
    client_id = parties.spa.client_id
    is_refused(asked(parties, path, client_id=client_id, client_secret=secret), "invalid_client", 401)
    is_refused(asked(parties, path, basic(client_id, secret)), "invalid_client", 401)


def test_d97_a_public_client_gets_no_token_of_its_own(parties: Parties) -> None:
    is_refused(parties.spa.token(grant_type="client_credentials"), "invalid_client", 401)
    command = ("clients", "create", "x", "--scope", "openid", "--grant", "client_credentials")
    result = parties.run(*command)
    assert (result.exit_code, result.output) == (1, "Error: Client credentials need a confidential client.\n")


def test_d98_a_client_without_the_grant_gets_no_token_of_its_own(parties: Parties) -> None:
    is_refused(parties.web.token(grant_type="client_credentials"), "unauthorized_client")


@pytest.fixture(scope="module")
def service(parties: Parties) -> RelyingParty:
    """A service."""
    scopes = ["admin:oauth", "read:profile", "openid", "profile", "email", "offline_access"]
    return parties.client("service", is_confidential=True, grants=["client_credentials"], redirects=[], scopes=scopes)


@pytest.mark.parametrize("scope", ["admin:oauth", None, ""], ids=["asked for", "missing", "empty"])
def test_d99_a_service_token_is_for_the_service_alone(
    parties: Parties, service: RelyingParty, scope: str | None
) -> None:
    answer = is_json(service.token(grant_type="client_credentials", scope=scope))
    granted = scope or "admin:oauth read:profile"
    expected = {"access_token": answer["access_token"], "token_type": "Bearer", "expires_in": 86400, "scope": granted}
    assert answer == expected
    now = int(parties.clock.now.timestamp())
    claims = id_tokens.claims(answer["access_token"])
    assert id_tokens.header(answer["access_token"])["typ"] == "at+jwt"
    assert {**claims, "jti": "", "generation": ""} == {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": "service",
        "client_id": "service",
        "iat": now,
        "exp": now + 86400,
        "jti": "",
        "scope": granted,
        "generation": "",
        "type": "service",
    }


def test_d99_no_client_id_can_be_taken_for_a_person(parties: Parties) -> None:
    result = parties.run("clients", "create", parties.ada, "--scope", "openid", "--redirect-uri", "https://a.test/")
    assert (result.exit_code, "A client id has" in result.output) == (1, True)


@pytest.mark.parametrize(
    "scope",
    [
        "openid",
        "profile",
        "email",
        "offline_access",
        "admin:oauth openid",
        "admin:users",
        "admin:full",
        "nosuchscope",
        "*",
    ],
)
def test_d100_scopes_of_persons_and_of_others_are_refused(service: RelyingParty, scope: str) -> None:
    is_refused(service.token(grant_type="client_credentials", scope=scope), "invalid_scope")


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "assertion", [id_tokens.unsigned({"iss": "web", "sub": "web", "aud": ISSUER, "exp": 4102444800}), "x", ""]
)
def test_d103_an_assertion_proves_nothing_here(parties: Parties, path: str, assertion: str) -> None:
    form = {"client_assertion": assertion, "client_assertion_type": ASSERTION}
    is_refused(asked(parties, path, **form), "invalid_client", 401)
    is_refused(asked(parties, path, **form, client_id=parties.web.client_id), "invalid_client", 401)


def test_d103_metadata_names_the_methods_that_work(parties: Parties) -> None:
    metadata = parties.nobody.get("/.well-known/openid-configuration").json
    assert {name: value for name, value in metadata.items() if "auth_method" in name or "auth_signing" in name} == {
        "token_endpoint_auth_methods_supported": ["none", *PROOFS],
        "revocation_endpoint_auth_methods_supported": ["none", *PROOFS],
        "introspection_endpoint_auth_methods_supported": PROOFS,
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
    }
    assert "tls_client_certificate_bound_access_tokens" not in metadata


def test_d105_a_replaced_secret_is_refused_at_once_and_tokens_go_on(parties: Parties) -> None:
    client = parties.client(is_confidential=True)
    tokens, code = client.tokens(), client.code()
    result = parties.run("clients", "rotate-secret", client.client_id, "--json")
    new = json.loads(result.stdout)
    assert set(new) == {"client_id", "client_secret"}
    is_refused(client.redeem(code), "invalid_client", 401)
    is_refused(client.refresh(tokens["refresh_token"]), "invalid_client", 401)
    client.secret = new["client_secret"]
    assert client.redeem(code).status_code == 200
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert client.userinfo(tokens["access_token"]).status_code == 200
