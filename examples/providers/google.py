"""Google: OpenID Connect, with a refresh token once, and not in the browsers inside other apps."""

import re
from typing import Any, ClassVar

from examples.providers import pages
from examples.providers.openid import LIFE_SECONDS, OpenIDProvider
from examples.providers.people import numbered
from examples.providers.provider import Grant, Refusals
from examples.providers.stand_in import Endpoint
from examples.providers.web import Answer, Request, as_json, as_page

IN_APP_BROWSERS = re.compile(r"KAKAOTALK|NAVER\(inapp|Instagram|FBAN/|FBAV/|\bLine/|; wv\)")
SCOPES = {
    "openid": "openid",
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}


class Google(OpenIDProvider):
    """Addresses below the issuer are spread over hosts in life."""

    name, title = "google", "Google"
    # A window that comes by here can no longer speak to the one that opened it.
    page_headers: ClassVar[dict[str, str]] = {"Cross-Origin-Opener-Policy": "same-origin"}
    refusals: ClassVar[Refusals] = {
        "client": (401, {"error": "invalid_client", "error_description": "The OAuth client was not found."}),
        "secret": (401, {"error": "invalid_client", "error_description": "Unauthorized"}),
        "grant_type": (400, {"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}),
        "code": (400, {"error": "invalid_grant", "error_description": "Bad Request"}),
        "redirect_uri": (400, {"error": "redirect_uri_mismatch", "error_description": "Bad Request"}),
        "code_verifier": (400, {"error": "invalid_grant", "error_description": "Invalid code verifier."}),
    }

    @property
    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """By path."""
        return {
            ("", "/.well-known/openid-configuration"): Endpoint("discovery", self.discovery, ("GET",)),
            ("", "/o/oauth2/v2/auth"): Endpoint("authorize", self.authorize),
            ("", "/token"): Endpoint("token", self.token, ("POST",)),
            ("", "/v1/userinfo"): Endpoint("user", self.userinfo),
            ("", "/oauth2/v2/userinfo"): Endpoint("user", self.older_userinfo, ("GET",)),
            ("", "/oauth2/v3/certs"): Endpoint("keys", self.keys, ("GET",)),
            ("", "/revoke"): Endpoint("revoke", self.revocation, ("POST",)),
        }

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.url}/o/oauth2/v2/auth",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/v1/userinfo",
            "revocation_endpoint": f"{self.url}/revoke",
            "jwks_uri": f"{self.url}/oauth2/v3/certs",
            "response_types_supported": ["code", "token", "id_token", "code token", "code id_token", "none"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "iss", "name", "picture", "sub"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
        }

    def authorize(self, request: Request) -> Answer:
        """Refused in a browser that the app around it can read."""
        if IN_APP_BROWSERS.search(request.headers["User-Agent"] or ""):
            text = "You can't sign in from this browser. Use a secure browser."
            return as_page(pages.problem(self.title, "Error 403: disallowed_useragent", text), 403, **self.page_headers)
        return super().authorize(request)

    def more_of_response(self, request: Request) -> dict[str, str]:
        """Google says what was granted, and in which of the browser's accounts."""
        return {"scope": self._scope(request.query.get("scope", "")), "authuser": "0", "prompt": "consent"}

    def tokens(self, grant: Grant) -> dict[str, Any]:
        """A refresh token only where the request wanted one and somebody was just asked."""
        tokens = self.issue_tokens(grant, "ya29.")
        if not grant.is_first or grant.request.get("access_type") != "offline":
            del tokens["refresh_token"]
        return {
            **tokens,
            "expires_in": LIFE_SECONDS - 1,
            "scope": self._scope(grant.request.get("scope", "")),
            "token_type": "Bearer",
            **self.id_token(grant, tokens["access_token"]),
        }

    def claims(self, grant: Grant) -> dict[str, Any]:
        """With the domain where the account is one of an organization."""
        claims = super().claims(grant)
        _, _, domain = str(claims.get("email", "")).rpartition("@")
        return claims | ({"hd": domain} if domain not in {"", "gmail.com"} else {})

    def older_userinfo(self, request: Request) -> Answer:
        """As before OpenID Connect: other names for the same."""
        grant = self.granted(request.bearer)
        if grant is None:
            return self.refuse_token()
        claims = self.claims(grant)
        renamed = {"sub": "id", "email_verified": "verified_email"}
        return as_json({renamed.get(name, name): value for name, value in claims.items()})

    def refuse_token(self) -> Answer:
        """The access token is not good."""
        return as_json({"error": "invalid_request", "error_description": "Invalid Credentials"}, 401)

    def revocation(self, request: Request) -> Answer:
        """Takes either token and no authentication."""
        if self.revoke(request["token"]):
            return as_json({})
        return as_json({"error": "invalid_token", "error_description": "Token expired or revoked"}, 400)

    def subject(self, account: str) -> str:
        """A number of 21 digits, as text."""
        return numbered(self.name, account, 21)

    @staticmethod
    def _scope(asked: str) -> str:
        return " ".join(SCOPES[name] for name in asked.split() if name in SCOPES)
