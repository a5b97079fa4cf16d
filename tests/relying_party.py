"""A client application and the person who uses it, speaking to a portal inside this process."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models import User
from app.services.foundation.environment import NOBODY
from app.services.identities.profiles import ProviderProfile

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ISSUER = "http://localhost:8000"
REDIRECT_URI = "https://client.example.com/callback"
EMAIL, PASSWORD = "ada@example.com", "correct horse battery 9"
NAME = "Ada Lovelace"  # the space keeps it out of every random token
EXPLAINED = re.compile(r"https?://[^/?#]+/errors/[a-z]+(-[a-z]+)*(/[A-Za-z0-9_-]{22})?")
SCOPE = "openid profile email offline_access read:groups"


def add_person(app: Flask, email: str = EMAIL, **fields: Any) -> str:
    """An account; answers its id."""
    with app.app_context():
        services = app.extensions["services"]
        user_id = services.accounts.create(email, PASSWORD, name=NAME, is_verified=True, **fields)
        services.db.session.commit()
    return str(user_id)


def link_identity(app: Flask, user_id: str, provider: str = "kakao", subject: str = "1", **said: Any) -> str:
    """Link somebody at a provider with an account; answers the identity's id."""
    with app.app_context():
        services = app.extensions["services"]
        profile = ProviderProfile(provider, subject, **said)
        identity = services.identities.add(user_id, profile, {}, NOBODY)
        services.db.session.commit()
    return str(identity.id)


def take_password(app: Flask, user_id: str) -> None:
    """Have the account be one that never had a password; its sessions stay."""
    with app.app_context():
        services = app.extensions["services"]
        nothing = {"password_hash": None, "password_changed_at": None}
        services.db.session.execute(sa.update(User).where(User.id == user_id).values(**nothing))
        services.db.session.commit()


def add_client(app: Flask, client_id: str, **fields: Any) -> str | None:
    """A client; answers its secret when it is confidential."""
    values = {"redirects": [REDIRECT_URI], "scopes": SCOPE.split(), "consent_policy": "implicit", **fields}
    with app.app_context():
        services = app.extensions["services"]
        secret: str | None = services.clients.create(client_id, **values)
        services.db.session.commit()
    return secret


class RelyingParty:
    """A client in its person's browser: ``authorize`` and ``redeem`` are the two halves of a login."""

    def __init__(self, browser: FlaskClient, client_id: str, secret: str | None = None) -> None:
        self.browser = browser
        self.client_id = client_id
        self.secret = secret

    def authorize(self, **changes: str | None) -> TestResponse:
        """The authorization request with ``changes``; None leaves a parameter out."""
        return self.browser.get("/api/oauth/authorize", query_string=self.parameters(**changes))

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """A good request, changed."""
        good = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def code(self, **changes: str | None) -> str:
        """A code, for a person who is logged in."""
        return answer(self.authorize(**changes))["code"]

    def token(self, **form: str | None) -> TestResponse:
        """A token request; a confidential client authenticates by Basic."""
        values = {name: value for name, value in form.items() if value is not None}
        if self.secret is None:
            values.setdefault("client_id", self.client_id)
        auth = (self.client_id, self.secret) if self.secret else None
        return self.browser.post("/api/oauth/token", data=values, auth=auth)

    def redeem(self, code: str, **changes: str | None) -> TestResponse:
        """Redeem a code."""
        good = {"code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        return self.token(grant_type="authorization_code", **{**good, **changes})

    def refresh(self, token: str, **changes: str | None) -> TestResponse:
        """Use a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=token, **changes)

    def tokens(self, **changes: str | None) -> dict[str, Any]:
        """The answer to a whole login."""
        response = self.redeem(self.code(**changes))
        assert response.status_code == 200, response.text
        return dict(response.json)

    def userinfo(self, token: str) -> TestResponse:
        """Ask userinfo."""
        return self.browser.get("/api/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})


def refusal(body: dict[str, Any]) -> dict[str, Any]:
    """An error of the back channel without its ``error_uri``, which leads to a page of the portal."""
    assert EXPLAINED.fullmatch(body["error_uri"]), body
    return {name: value for name, value in body.items() if name != "error_uri"}


def log_in(browser: FlaskClient, email: str = EMAIL, path: str = "/login", **fields: str) -> TestResponse:
    """Fill the login page in and send it."""
    values = {"csrf_token": csrf_token(browser, path), "email": email, "password": PASSWORD, **fields}
    return browser.post(path, data=values)


def csrf_token(browser: FlaskClient, path: str) -> str:
    """The form token of a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(path).text)
    assert found
    return found[1]


def answer(response: TestResponse) -> dict[str, str]:
    """The parameters of an authorization response."""
    assert response.status_code in {302, 303}, response.text
    return {name: values[0] for name, values in parse_qs(urlsplit(response.location).query).items()}
