"""An application that logs people in by a provider, as far as the stand-ins need one to be asked."""

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from examples.providers.provider import Provider
from tests.relying_party import CHALLENGE, VERIFIER

CALLBACK = "http://localhost:8000/auth/{}/callback"
SECONDS = 30
PATHS = {
    "google": ("/o/oauth2/v2/auth", "/token", "/v1/userinfo"),
    "kakao": ("/oauth/authorize", "/oauth/token", "/v2/user/me"),
    "naver": ("/oauth2.0/authorize", "/oauth2.0/token", "/v1/nid/me"),
    "discord": ("/api/oauth2/authorize", "/api/oauth2/token", "/api/users/@me"),
    "acme": ("/authorize", "/token", "/userinfo"),
}
SCOPES = {"google": "openid email profile", "acme": "openid email profile", "discord": "identify email"}


@dataclass(frozen=True)
class Application:
    """Speaks to one provider; every request is a good one but for its ``changes``, where None leaves something out."""

    provider: Provider

    def authorization_url(self, **changes: str | None) -> str:
        """Where a browser is sent."""
        name = self.provider.name
        good = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": CALLBACK.format(name),
            "scope": SCOPES.get(name),
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return f"{self.provider.url}{PATHS[name][0]}?{urlencode(_changed(good, changes))}"

    def answer(
        self, person: str = "kim", fields: dict[str, str] | None = None, **changes: str | None
    ) -> dict[str, str]:
        """What the callback is told."""
        callback = self.provider.visit(self.authorization_url(**changes), person, **fields or {})
        assert callback.startswith(CALLBACK.format(self.provider.name))
        return {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}

    def redeem(self, code: str | None, **changes: str | None) -> requests.Response:
        """The token request."""
        provider = self.provider
        good = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK.format(provider.name),
            "code_verifier": VERIFIER,
            "state": "the-state",
            "client_id": provider.client_id,
            "client_secret": provider.client_secret,
        }
        form = _changed(good, changes)
        basic = (form.pop("client_id", ""), form.pop("client_secret", "")) if provider.name == "acme" else None
        url = f"{provider.url}{PATHS[provider.name][1]}"
        return requests.post(url, data=form, auth=basic, timeout=SECONDS, allow_redirects=False)

    def tokens(
        self, person: str = "kim", fields: dict[str, str] | None = None, **changes: str | None
    ) -> dict[str, Any]:
        """A whole login as far as the tokens."""
        response = self.redeem(self.answer(person, fields, **changes)["code"])
        assert response.status_code == 200, response.text
        return dict(response.json())

    def user(self, token: str) -> requests.Response:
        """Ask who it is."""
        site = list(self.provider.sites.values())[-1]
        url = f"{site.url}{PATHS[self.provider.name][2]}"
        return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS, allow_redirects=False)

    def profile(self, person: str = "kim", **fields: str) -> dict[str, Any]:
        """A whole login."""
        response = self.user(self.tokens(person, fields)["access_token"])
        assert response.status_code == 200, response.text
        return dict(response.json())


def claims(id_token: str) -> dict[str, Any]:
    """What an ID token says, believed."""
    return dict(json.loads(base64.urlsafe_b64decode(id_token.split(".")[1] + "==")))


def _changed(good: dict[str, str | None] | dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**good, **changes}.items() if value is not None}
