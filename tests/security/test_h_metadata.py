"""Section H, what the portal says of itself: the metadata, that it is true, and the key set as a document.

RFC 8414, RFC 7517, OpenID Connect Discovery, RFC 9110 on how documents are asked for.
"""

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qsl

import pytest
from werkzeug.test import TestResponse

from tests.conformance import id_tokens
from tests.databases import SqliteDatabases
from tests.relying_party import REDIRECT_URI, RelyingParty, answer, log_in
from tests.security.answers import ISSUER, Markup, is_accepted, is_json, is_page, is_refused, is_sent_back
from tests.security.parties import Parties

CONFIGURATION = "/.well-known/openid-configuration"
JWKS = "/.well-known/jwks.json"
METADATA = [
    CONFIGURATION,
    "/.well-known/oauth-authorization-server",
    "/api/oauth/.well-known/oauth-authorization-server",
]
DOCUMENTS = [*METADATA, JWKS]


def is_document(response: TestResponse) -> Any:
    """A JSON document that everybody may keep for five minutes."""
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers.getlist("Set-Cookie") == []
    return response.json


def metadata(parties: Parties) -> dict[str, Any]:
    """What the portal says."""
    return dict(is_document(parties.nobody.get(CONFIGURATION)))


def test_h145_all_places_say_the_same_and_name_the_configured_issuer(parties: Parties) -> None:
    documents = [parties.nobody.get(place) for place in METADATA]
    assert [is_document(document)["issuer"] for document in documents] == [ISSUER] * 3
    assert len({document.data for document in documents}) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.test"},
        {"Host": "localhost:8000", "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https"},
        {"Forwarded": "host=evil.test;proto=https"},
    ],
    ids=["host", "x-forwarded", "forwarded"],
)
@pytest.mark.parametrize("path", METADATA)
def test_h145_no_header_of_a_request_moves_the_issuer(parties: Parties, path: str, headers: dict[str, str]) -> None:
    own = parties.nobody.get(path).data
    for query in ("", "?x=1"):
        assert is_document(parties.nobody.get(path + query, headers=headers))["issuer"] == ISSUER
        assert parties.nobody.get(path + query).data == own


def test_h145_every_listed_address_is_below_the_issuer_and_answers(parties: Parties) -> None:
    said = metadata(parties)
    listed = {name: value for name, value in said.items() if name.endswith(("_endpoint", "_uri", "_documentation"))}
    assert all(value.startswith(f"{ISSUER}/") for value in listed.values())
    paths = {name: value.removeprefix(ISSUER) for name, value in listed.items()}
    is_page(parties.nobody.get(paths.pop("authorization_endpoint")))
    is_json(parties.nobody.get(paths.pop("userinfo_endpoint")), 401)
    for name in ("token", "revocation", "introspection"):
        path = paths.pop(f"{name}_endpoint")
        response = parties.nobody.post(path, data={"grant_type": "client_credentials", "token": "x"})
        is_refused(response, "invalid_client", 401)
    assert parties.nobody.get(paths.pop("end_session_endpoint")).location == "/logged-out"
    is_document(parties.nobody.get(paths.pop("jwks_uri")))
    assert sorted(paths) == ["op_policy_uri", "op_tos_uri", "service_documentation"]
    for path in paths.values():
        page = parties.nobody.get(path)
        assert (page.status_code, page.mimetype) == (200, "text/html")


def test_h147_plain_is_neither_listed_nor_taken(parties: Parties) -> None:
    assert metadata(parties)["code_challenge_methods_supported"] == ["S256"]
    is_accepted(parties.spa.authorize(code_challenge_method="S256"))
    for method in ("plain", None, "s256", "S512"):
        is_sent_back(parties.spa.authorize(code_challenge_method=method), "invalid_request")


@pytest.mark.parametrize(
    "grant",
    [
        *("password", "implicit", "authorization-code", "AUTHORIZATION_CODE", "refresh", "none"),
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:openid:params:grant-type:ciba",
    ],
)
def test_h148_a_grant_that_is_not_listed_is_not_there(parties: Parties, grant: str) -> None:
    assert grant not in metadata(parties)["grant_types_supported"]
    is_refused(parties.web.token(grant_type=grant), "unsupported_grant_type")


def test_h148_every_listed_grant_works(parties: Parties) -> None:
    service = parties.client(is_confidential=True, grants=["client_credentials"], scopes=["admin:oauth"])
    tokens = parties.web.tokens()
    works = {
        "authorization_code": tokens,
        "refresh_token": is_json(parties.web.refresh(tokens["refresh_token"])),
        "client_credentials": is_json(service.token(grant_type="client_credentials")),
    }
    assert set(metadata(parties)["grant_types_supported"]) == set(works)
    assert all(answer["access_token"] for answer in works.values())


@pytest.mark.parametrize("response_type", ["token", "id_token", "code token", "code id_token", "none"])
def test_h148_a_response_type_that_is_not_listed_is_not_there(parties: Parties, response_type: str) -> None:
    assert metadata(parties)["response_types_supported"] == ["code"]
    is_sent_back(parties.web.authorize(response_type=response_type), "unsupported_response_type")


@pytest.mark.parametrize("mode", ["fragment.jwt", "query.jwt", "form_post.jwt", "jwt", "QUERY"])
def test_h148_a_response_mode_that_is_not_listed_is_not_there(parties: Parties, mode: str) -> None:
    assert mode not in metadata(parties)["response_modes_supported"]
    is_sent_back(parties.web.authorize(response_mode=mode), "invalid_request")


def test_h148_endpoints_of_extensions_are_neither_listed_nor_there(parties: Parties) -> None:
    said = metadata(parties)
    for name, path in {
        "registration_endpoint": "register",
        "pushed_authorization_request_endpoint": "par",
        "device_authorization_endpoint": "device_authorization",
        "backchannel_authentication_endpoint": "bc-authorize",
        "check_session_iframe": "check_session",
    }.items():
        assert name not in said
        assert is_json(parties.nobody.post(f"/api/oauth/{path}", data={"client_id": "web"}), 404)["error"]
    promises = {"frontchannel_logout_supported", "dpop_signing_alg_values_supported"}
    assert not promises & set(said)


def sent(response: TestResponse, mode: str) -> dict[str, str]:
    """The parameters of an authorization response of any mode, which leads to the redirect URI alone."""
    if mode == "query":
        assert response.location.partition("?")[0] == REDIRECT_URI
        return answer(response)
    if mode == "fragment":
        address, _, fragment = response.location.partition("#")
        assert address == REDIRECT_URI
        return dict(parse_qsl(fragment, strict_parsing=True))
    assert (response.status_code, response.mimetype) == (200, "text/html")
    if mode == "form_post":
        markup = Markup(response.text)
        assert markup.action == REDIRECT_URI
        return markup.fields
    message, origin = re.findall(r"postMessage\((\{.*\}), (\".*?\")\);", response.text)[0]
    assert json.loads(origin) == "https://client.example.com"
    return dict(json.loads(message)["response"])


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post", "web_message"])
def test_h149_the_issuer_is_in_every_answer_as_promised(parties: Parties, mode: str) -> None:
    said = metadata(parties)
    assert said["authorization_response_iss_parameter_supported"] is True
    assert mode in said["response_modes_supported"]
    good = sent(parties.web.authorize(response_mode=mode), mode)
    assert (set(good), good["iss"]) == ({"code", "state", "iss"}, said["issuer"])
    for changes, error in (
        ({"scope": "nosuchscope"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"claims": "x"}, "invalid_request"),
    ):
        bad = sent(parties.web.authorize(response_mode=mode, **changes), mode)
        assert (set(bad), bad["error"]) == ({"error", "error_description", "error_uri", "state", "iss"}, error)
        assert bad["iss"] == said["issuer"]
    bad = sent(parties.away(parties.web).authorize(response_mode=mode, prompt="none"), mode)
    assert (bad["error"], bad["iss"]) == ("login_required", said["issuer"])


def test_h150_what_openid_connect_demands_is_listed(parties: Parties) -> None:
    said = metadata(parties)
    assert "openid" in said["scopes_supported"]
    assert said["subject_types_supported"] == ["public"]
    assert said["id_token_signing_alg_values_supported"] == ["RS256", "ES256"]
    assert not {name for name in said if "encryption" in name}


def test_h150_every_subject_is_the_same_for_all_clients(parties: Parties) -> None:
    subjects = {id_tokens.claims(party.tokens()["id_token"])["sub"] for party in (parties.web, parties.other)}
    assert subjects == {parties.ada}


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_h150_every_listed_algorithm_signs(parties: Parties, algorithm: str) -> None:
    client = parties.client(id_token_signed_response_alg=algorithm)
    header = id_tokens.header(client.tokens()["id_token"])
    (key,) = [key for key in is_document(parties.nobody.get(JWKS))["keys"] if key["kid"] == header["kid"]]
    assert header["alg"] == key["alg"] == algorithm


def test_h150_every_listed_scope_can_be_had(parties: Parties, sqlite_databases: SqliteDatabases) -> None:
    """By the administrator, who may everything, or by a service."""
    listed = metadata(parties)["scopes_supported"]
    of_services = [scope for scope in listed if scope.startswith("admin:")]
    of_people = [scope for scope in listed if scope not in of_services]
    browser, seeded = parties.app.test_client(), sqlite_databases.seeded
    assert log_in(browser, email=seeded.admin_email, password=seeded.admin_password).status_code == 303
    client = parties.client(scopes=of_people)
    person = RelyingParty(browser, client.client_id).tokens(scope=" ".join(of_people))
    assert sorted(person["scope"].split()) == sorted(of_people)
    service = parties.client(is_confidential=True, grants=["client_credentials"], scopes=of_services)
    answered = is_json(service.token(grant_type="client_credentials", scope=" ".join(of_services)))
    assert sorted(answered["scope"].split()) == sorted(of_services)


def test_h150_no_other_scope_can_be_registered(parties: Parties) -> None:
    result = parties.run("clients", "create", "greedy", "--scope", "openid nosuchscope", "--redirect-uri", REDIRECT_URI)
    assert (result.exit_code, "There is no scope 'nosuchscope'." in result.output) == (1, True)


def unsigned_number(member: str) -> int:
    """A base64url member of a key, which has neither padding nor leading zero octets (RFC 7518 section 6.3.1)."""
    assert re.fullmatch(r"[A-Za-z0-9_-]+", member)
    raw = base64.urlsafe_b64decode(member + "=" * (-len(member) % 4))
    assert raw[0]
    return int.from_bytes(raw)


def test_h151_keys_have_their_public_members_and_no_others(parties: Parties) -> None:
    document = is_document(parties.nobody.get(JWKS))
    assert set(document) == {"keys"}
    kinds = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}}
    for key in document["keys"]:
        assert set(key) == {"kty", "use", "alg", "kid", *kinds[key["kty"]]}
        assert (key["use"], key["kty"], key["alg"]) in {("sig", "RSA", "RS256"), ("sig", "EC", "ES256")}


def test_h151_keys_are_strong_and_each_is_another(parties: Parties) -> None:
    keys = is_document(parties.nobody.get(JWKS))["keys"]
    rsa, ec = ([key for key in keys if key["kty"] == kind] for kind in ("RSA", "EC"))
    assert (len(rsa), len(ec)) == (2, 2)
    assert all(unsigned_number(key["n"]).bit_length() >= 2048 for key in rsa)
    assert all(unsigned_number(key["e"]) == 65537 for key in rsa)
    assert all((key["crv"], len(key["x"]), len(key["y"])) == ("P-256", 43, 43) for key in ec)
    assert len({key["kid"] for key in keys}) == len({key.get("n") or key["x"] for key in keys}) == 4


@pytest.mark.parametrize("suffix", ["/path", "/", "/api/oauth", "/..", "/%2e%2e", ".json"])
@pytest.mark.parametrize("path", DOCUMENTS)
def test_h152_an_issuer_without_a_path_has_no_document_below_one(parties: Parties, path: str, suffix: str) -> None:
    response = parties.nobody.get(path + suffix)
    assert is_json(response, 404)["error"] == "invalid_request"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_h153_head_is_get_without_a_body(parties: Parties, path: str) -> None:
    got, head = parties.nobody.get(path), parties.nobody.head(path)
    assert (head.status_code, head.data) == (200, b"")
    same = ("Content-Type", "Content-Length", "Cache-Control", "ETag", "Access-Control-Allow-Origin")
    assert [head.headers[name] for name in same] == [got.headers[name] for name in same]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_h153_options_names_the_methods(parties: Parties, path: str) -> None:
    response = parties.nobody.options(path, headers={"Origin": "https://a.test"})
    assert (response.status_code, response.data) == (204, b"")
    assert {name.strip() for name in response.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", DOCUMENTS)
def test_h153_no_other_method_is_answered(parties: Parties, path: str, method: str) -> None:
    response = parties.nobody.open(path, method=method)
    assert (is_json(response, 405)["error"], response.headers["Allow"]) == ("invalid_request", "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{etag}", 304),
        ('"another"', 200),
        ('W/"another"', 200),
        ("", 200),
        ("W/{etag}", 304),
        ('"another", {etag}', 304),
        ("*", 304),
    ],
)
@pytest.mark.parametrize("path", DOCUMENTS)
def test_h153_who_has_the_document_is_told_so(parties: Parties, path: str, form: str, status: int) -> None:
    etag = parties.nobody.get(path).headers["ETag"]
    response = parties.nobody.get(path, headers={"If-None-Match": form.format(etag=etag)})
    assert (response.status_code, response.data == b"") == (status, status == 304)
    assert response.headers["ETag"] == etag
    assert response.headers["Cache-Control"] == "public, max-age=300"
