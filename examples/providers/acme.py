"""Acme: an OpenID provider such as organizations have, by discovery, and strict about what the specifications say."""

import uuid
from typing import Any, ClassVar

from examples.providers.openid import LIFE_SECONDS, OpenIDProvider
from examples.providers.provider import Grant, Refusals
from examples.providers.stand_in import Endpoint
from examples.providers.switches import FORGED, METADATA, OLD_LOGIN, OTHER_ISSUER
from examples.providers.web import Answer, Request, as_json


def _refusal(error: str, status: int = 400) -> tuple[int, dict[str, str]]:
    return status, {"error": error}


class Acme(OpenIDProvider):
    """Names itself in the authorization response (RFC 9207), and knows its clients by Basic only."""

    name, title = "acme", "Acme"
    cancelled: ClassVar[dict[str, str]] = {"error": "access_denied", "error_description": "The person cancelled."}
    more_switches = (FORGED, METADATA, OLD_LOGIN, OTHER_ISSUER)
    refusals: ClassVar[Refusals] = {
        "client": _refusal("invalid_client", 401),
        "secret": _refusal("invalid_client", 401),
        "grant_type": _refusal("unsupported_grant_type"),
        "code": _refusal("invalid_grant"),
        "redirect_uri": _refusal("invalid_grant"),
        "code_verifier": _refusal("invalid_grant"),
    }

    @property
    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """By path."""
        return {
            ("", "/.well-known/openid-configuration"): Endpoint("discovery", self.discovery, ("GET",)),
            ("", "/authorize"): Endpoint("authorize", self.authorize),
            ("", "/token"): Endpoint("token", self.token, ("POST",)),
            ("", "/userinfo"): Endpoint("user", self.userinfo),
            ("", "/keys"): Endpoint("keys", self.keys, ("GET",)),
            ("", "/revoke"): Endpoint("revoke", self.revocation, ("POST",)),
        }

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "revocation_endpoint": f"{self.url}/revoke",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def authorize(self, request: Request) -> Answer:
        """Every response that is sent back says from whom it comes, errors too."""
        answer = super().authorize(request)
        if "Location" in answer.headers:
            issuer = "https://other.example" if self.switches["other_issuer"] else self.issuer
            answer.headers["Location"] += f"&iss={issuer}"
        return answer

    def client(self, request: Request) -> tuple[str, str]:
        """Only in the header."""
        return request.basic

    def tokens(self, grant: Grant) -> dict[str, Any]:
        """A refresh token where the scope asked for it."""
        tokens = self.issue_tokens(grant)
        if "offline_access" not in grant.request.get("scope", "").split():
            del tokens["refresh_token"]
        more = {"token_type": "Bearer", "expires_in": LIFE_SECONDS}
        return tokens | more | self.id_token(grant, tokens["access_token"])

    def refuse_token(self) -> Answer:
        """As RFC 6750 section 3.1 says."""
        return as_json({"error": "invalid_token"}, 401, **{"WWW-Authenticate": 'Bearer error="invalid_token"'})

    def revocation(self, request: Request) -> Answer:
        """A token that is not known is none any more (RFC 7009 section 2.2)."""
        if self.client(request) != (self.client_id, self.client_secret):
            return as_json({"error": "invalid_client"}, 401)
        self.revoke(request["token"])
        return as_json({})

    def subject(self, account: str) -> str:
        """A UUID."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"acme:{account}"))
