"""Metadata, keys, cross-origin access and RP-initiated logout."""

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata
from flask import Flask
from flask.testing import FlaskClient

from tests.relying_party import RelyingParty, add_client, answer, csrf_token

PLACES = [
    "/.well-known/oauth-authorization-server",
    "/api/oauth/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
]
ORIGIN = "https://client.example.com"


def test_all_documents_are_one_and_valid(client: FlaskClient) -> None:
    first, *others = (client.get(place).json for place in PLACES)
    assert all(other == first for other in others)
    secure = {
        name: value.replace("http://localhost:8000", "https://id.example.com") if isinstance(value, str) else value
        for name, value in first.items()
    }
    AuthorizationServerMetadata(secure).validate()
    OpenIDProviderMetadata(secure).validate()
    assert first["issuer"] == "http://localhost:8000"
    assert first["code_challenge_methods_supported"] == ["S256"]
    assert first["response_types_supported"] == ["code"]
    assert set(first["grant_types_supported"]) == {"authorization_code", "refresh_token", "client_credentials"}
    assert first["authorization_response_iss_parameter_supported"] is True


def test_every_endpoint_the_metadata_lists_is_there(client: FlaskClient) -> None:
    for name, url in client.get(PLACES[2]).json.items():
        if name.endswith(("_endpoint", "_uri", "_documentation")):
            path = url.removeprefix("http://localhost:8000")
            assert client.options(path).status_code in {200, 204}, name


def test_documents_can_be_kept_and_asked_for_again(client: FlaskClient) -> None:
    for place in (*PLACES, "/.well-known/jwks.json"):
        response = client.get(place)
        assert response.headers["Cache-Control"] == "public, max-age=300"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        again = client.get(place, headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_code == 304
        assert client.head(place).status_code == 200


def test_keys_are_public_and_distinct(client: FlaskClient) -> None:
    keys = client.get("/.well-known/jwks.json").json["keys"]
    assert len({key["kid"] for key in keys}) == len(keys) == 4
    for key in keys:
        assert not set(key) & {"d", "p", "q", "dp", "dq", "qi", "k"}
        assert (key["use"], key["alg"]) in {("sig", "ES256"), ("sig", "RS256")}


def test_rotation_breaks_no_token_and_retirement_ends_them(app: Flask, spa: RelyingParty) -> None:
    tokens = spa.tokens()
    old = spa.browser.get("/.well-known/jwks.json").json["keys"]
    rotated = app.test_cli_runner().invoke(args=["keys", "rotate", "--json"])
    assert rotated.exit_code == 0
    app.extensions["services"].keys._looked_at = -100.0
    assert spa.userinfo(tokens["access_token"]).status_code == 200
    published = {key["kid"] for key in spa.browser.get("/.well-known/jwks.json").json["keys"]}
    assert {key["kid"] for key in old} <= published
    for key in old:
        if key["alg"] == "ES256":
            assert app.test_cli_runner().invoke(args=["keys", "retire", key["kid"]]).exit_code == 0
    assert spa.userinfo(tokens["access_token"]).status_code == 401
    assert spa.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("path", ["/api/oauth/token", "/oauth/token", "/api/oauth/revoke", "/api/oauth/userinfo"])
def test_preflights_of_registered_origins_are_answered(spa: RelyingParty, path: str) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    response = spa.browser.options(path, headers=headers)
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    assert "Origin" in response.headers["Vary"]
    assert response.headers["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://client.example.com.evil.test",
        "http://client.example.com",
        f"{ORIGIN}:8443",
        "https://xclient.example.com",
    ],
)
def test_other_origins_get_nothing(spa: RelyingParty, origin: str) -> None:
    response = spa.browser.options("/api/oauth/token", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in response.headers


def test_pages_and_authorize_are_never_shared(spa: RelyingParty) -> None:
    for path in ("/login", "/", "/api/oauth/authorize", "/api/oauth/introspect"):
        response = spa.browser.get(path, headers={"Origin": ORIGIN})
        assert "Access-Control-Allow-Origin" not in response.headers


def test_a_changed_client_takes_effect_at_once(app: Flask, spa: RelyingParty) -> None:
    assert "Access-Control-Allow-Origin" in spa.browser.options("/api/oauth/token", headers={"Origin": ORIGIN}).headers
    add_client(app, "new", redirects=["https://new.example.com/cb"])
    new = spa.browser.options("/api/oauth/token", headers={"Origin": "https://new.example.com"})
    assert new.headers["Access-Control-Allow-Origin"] == "https://new.example.com"


LEAVE = "https://client.example.com/bye"


@pytest.fixture
def leaving(app: Flask, spa: RelyingParty) -> RelyingParty:
    """A client that registered where to go after logout."""
    add_client(app, "leaving", post_logout=[LEAVE])
    return RelyingParty(spa.browser, "leaving")


def test_a_hint_of_the_person_logs_out_at_once_and_leads_back(leaving: RelyingParty) -> None:
    tokens = leaving.tokens()
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": LEAVE, "state": "s"}
    response = leaving.browser.get("/api/oauth/logout", query_string=query)
    assert response.location == f"{LEAVE}?state=s"
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert answer(leaving.authorize(prompt="none"))["error"] == "login_required"
    assert leaving.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.parametrize("query", [{}, {"state": "s"}, {"client_id": "leaving", "post_logout_redirect_uri": LEAVE}])
def test_without_a_hint_the_person_is_asked_first(leaving: RelyingParty, query: dict[str, str]) -> None:
    page = leaving.browser.get("/api/oauth/logout", query_string=query)
    assert page.status_code == 200
    assert "Location" not in page.headers
    assert "code" in answer(leaving.authorize(prompt="none"))
    token = csrf_token(leaving.browser, "/api/oauth/logout")
    assert leaving.browser.post("/api/oauth/logout/confirm", data={}).status_code == 400
    done = leaving.browser.post("/api/oauth/logout/confirm", data={"csrf_token": token, "request": "forged"})
    assert done.location == "/logged-out"
    assert answer(leaving.authorize(prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize(
    "query",
    [
        {"post_logout_redirect_uri": "https://evil.test/"},
        {"client_id": "leaving", "post_logout_redirect_uri": LEAVE + "?foo=bar"},
        {"id_token_hint": "e30.e30.e30"},
        {"id_token_hint": "garbage", "post_logout_redirect_uri": LEAVE},
    ],
)
def test_a_logout_request_that_cannot_be_trusted_changes_nothing(leaving: RelyingParty, query: dict[str, str]) -> None:
    response = leaving.browser.get("/api/oauth/logout", query_string=query)
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert "code" in answer(leaving.authorize(prompt="none"))
