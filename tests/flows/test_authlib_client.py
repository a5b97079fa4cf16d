"""Authlib's own client drives the running portal, knowing only its issuer, for people and for services."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.browser_http import HttpBrowser
from tests.portal import Portal

REDIRECT_URI = "http://localhost:49151/callback"
SCOPE = "openid profile email offline_access"
EMAIL, PASSWORD = "lee@example.com", "correct horse battery staple"

pytestmark = pytest.mark.parametrize("live_portal", ["sqlite", "postgresql+redis"], indirect=True)


@pytest.fixture(scope="module")
def discovered(live_portal: Portal) -> dict[str, Any]:
    """What the portal says about itself: all a client may know."""
    answer = requests.get(f"{live_portal.url}/.well-known/openid-configuration", timeout=10)
    document: dict[str, Any] = answer.json()
    assert document["issuer"] == live_portal.url
    return document


@pytest.fixture(scope="module")
def secrets(live_portal: Portal) -> dict[str, str]:
    """One person; a public client, one for each way to send a secret, and a service."""
    live_portal.flask("users", "create", EMAIL, "--password", PASSWORD, "--name", "Lee", "--verified")
    person = ("--redirect-uri", REDIRECT_URI, "--scope", SCOPE, "--consent", "implicit", "--json")
    grants = ("--grant", "authorization_code", "--grant", "refresh_token")
    made = [
        live_portal.flask("clients", "create", "none", *person, *grants),
        *(
            live_portal.flask("clients", "create", method, "--confidential", "--auth-method", method, *person, *grants)
            for method in ("client_secret_basic", "client_secret_post")
        ),
        live_portal.flask(
            *("clients", "create", "service", "--confidential", "--grant", "client_credentials"),
            *("--scope", "admin:oauth", "--json"),
        ),
    ]
    return {row["client_id"]: row["client_secret"] or "" for row in map(json.loads, made)}


@pytest.fixture
def person(live_portal: Portal) -> Iterator[HttpBrowser]:
    opened = HttpBrowser(live_portal.url, language="ko")
    yield opened
    opened.close()


def session_of(client_id: str, secrets: dict[str, str], discovered: dict[str, Any]) -> OAuth2Session:
    is_public = client_id == "none"
    return OAuth2Session(
        client_id,
        secrets[client_id] or None,
        scope=SCOPE,
        redirect_uri=REDIRECT_URI,
        token_endpoint_auth_method="none" if is_public else client_id,
        revocation_endpoint_auth_method="none" if is_public else client_id,
        code_challenge_method="S256",
        token_endpoint=discovered["token_endpoint"],
    )


def test_the_portal_offers_what_authlib_needs(discovered: dict[str, Any]) -> None:
    assert "S256" in discovered["code_challenge_methods_supported"]
    assert set(discovered["grant_types_supported"]) >= {"authorization_code", "refresh_token", "client_credentials"}


@pytest.mark.parametrize("client_id", ["none", "client_secret_basic", "client_secret_post"])
def test_authlib_logs_a_person_in_and_out(
    secrets: dict[str, str], discovered: dict[str, Any], person: HttpBrowser, client_id: str
) -> None:
    with session_of(client_id, secrets, discovered) as session:
        verifier, nonce = generate_token(48), generate_token(20)
        url, state = session.create_authorization_url(
            discovered["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        arrived = person.log_in(person.open(url), EMAIL, PASSWORD)
        token = session.fetch_token(authorization_response=arrived.url, code_verifier=verifier, state=state)

        keys = KeySet.import_key_set(requests.get(discovered["jwks_uri"], timeout=10).json())
        identity = jwt.decode(token["id_token"], keys, algorithms=discovered["id_token_signing_alg_values_supported"])
        assert identity.claims["iss"] == discovered["issuer"]
        assert identity.claims["aud"] == client_id
        assert identity.claims["nonce"] == nonce

        person_claims = session.get(discovered["userinfo_endpoint"]).json()
        assert person_claims["sub"] == identity.claims["sub"]
        assert person_claims["email"] == EMAIL

        refreshed = session.refresh_token(refresh_token=token["refresh_token"])
        assert refreshed["refresh_token"] != token["refresh_token"]
        assert session.get(discovered["userinfo_endpoint"]).json()["sub"] == identity.claims["sub"]

        revoked = session.revoke_token(
            discovered["revocation_endpoint"], refreshed["refresh_token"], token_type_hint="refresh_token"
        )
        assert revoked.status_code == 200
        assert session.get(discovered["userinfo_endpoint"]).status_code == 401
        with pytest.raises(OAuthError) as refusal:
            session.refresh_token(refresh_token=refreshed["refresh_token"])
        assert refusal.value.error == "invalid_grant"


def test_authlib_fetches_a_service_token(secrets: dict[str, str], discovered: dict[str, Any]) -> None:
    with OAuth2Session("service", secrets["service"], scope="admin:oauth") as session:
        token = session.fetch_token(discovered["token_endpoint"], grant_type="client_credentials")
        assert token["scope"] == "admin:oauth"
        assert token["expires_in"] == 24 * 3600
        assert "refresh_token" not in token
        answer = session.introspect_token(discovered["introspection_endpoint"], token["access_token"]).json()
        assert answer["active"] is True
        assert answer["sub"] == answer["client_id"] == "service"


def test_a_wrong_secret_is_refused_to_authlib(secrets: dict[str, str], discovered: dict[str, Any]) -> None:
    with OAuth2Session("service", f"{secrets['service']}x", scope="admin:oauth") as session:
        with pytest.raises(OAuthError) as refusal:
            session.fetch_token(discovered["token_endpoint"], grant_type="client_credentials")
        assert refusal.value.error == "invalid_client"
