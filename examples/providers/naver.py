"""Naver: OAuth 2.0 that wants ``state`` for the token too, answers errors with 200, and counts seconds in a string."""

import base64
import hashlib
from typing import Any, ClassVar

from examples.providers.provider import Grant, Provider, Refusals, Refused
from examples.providers.stand_in import Endpoint
from examples.providers.web import Answer, Request, as_json


class Naver(Provider):
    """Two addresses: nid, where people and codes are, and openapi, where the profile is."""

    name, title, site_names, is_korean, needs_state = "naver", "네이버", ("auth", "api"), True, True
    cancelled: ClassVar[dict[str, str]] = {"error": "access_denied", "error_description": "Canceled By User"}
    refusals: ClassVar[Refusals] = {
        "client": (200, {"error": "invalid_client", "error_description": "wrong client id / client secret pair."}),
        "secret": (200, {"error": "invalid_client", "error_description": "wrong client id / client secret pair."}),
        "grant_type": (200, {"error": "unsupported_grant_type", "error_description": "unsupported grant_type"}),
        "code": (200, {"error": "invalid_request", "error_description": "no valid data in session"}),
        "state": (200, {"error": "invalid_request", "error_description": "no valid data in session"}),
        "redirect_uri": (200, {"error": "invalid_request", "error_description": "no valid data in session"}),
        "code_verifier": (200, {"error": "invalid_grant", "error_description": "code_verifier mismatch"}),
        "token": (200, {"error": "invalid_request", "error_description": "access_token is invalid"}),
    }

    @property
    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """By site and path."""
        return {
            ("auth", "/oauth2.0/authorize"): Endpoint("authorize", self.authorize),
            ("auth", "/oauth2.0/token"): Endpoint("token", self.token),
            ("api", "/v1/nid/me"): Endpoint("user", self.user),
        }

    def asks_again(self, request: Request) -> bool:
        """``reprompt`` is how one asks for an item that was left out."""
        return request.query.get("auth_type") == "reprompt"

    def client(self, request: Request) -> tuple[str, str]:
        """In the form or the address."""
        return request["client_id"], request["client_secret"]

    def kind_of(self, request: Request, endpoint: Endpoint) -> str:
        """Tokens are deleted where they are given."""
        return "revoke" if self._is_deletion(request) else endpoint.kind

    def token(self, request: Request) -> Answer:
        """Give them or delete them."""
        return self.delete(request) if self._is_deletion(request) else super().token(request)

    @staticmethod
    def _is_deletion(request: Request) -> bool:
        return request["grant_type"] == "delete"

    def delete(self, request: Request) -> Answer:
        """End the link."""
        try:
            self.check_client(request)
            if not self.revoke(request["access_token"]):
                raise Refused("token")
        except Refused as refused:
            status, body = self.refusals[str(refused)]
            return as_json(body, status)
        return as_json({"access_token": request["access_token"], "result": "success"})

    def check_code(self, grant: Grant, request: Request) -> None:
        """The state of the authorization request; a redirect URI only if one is sent."""
        if request["state"] != grant.request["state"]:
            raise Refused("state")
        if not request["redirect_uri"]:
            request.form["redirect_uri"] = grant.request["redirect_uri"]
        super().check_code(grant, request)

    def tokens(self, grant: Grant) -> dict[str, Any]:
        """Both tokens."""
        return self.issue_tokens(grant) | {"token_type": "bearer", "expires_in": "3600"}

    def user(self, request: Request) -> Answer:
        """The profile, under ``response``. Nothing says whether the address is verified."""
        grant = self.granted(request.bearer)
        if grant is None:
            return as_json({"resultcode": "024", "message": "Authentication failed (인증 실패하였습니다.)"}, 401)
        profile = self.profile(grant)
        told = {"id": profile.subject, "nickname": profile.name, "name": profile.name}
        told |= {"profile_image": profile.picture} if profile.picture else {}
        told |= {"email": profile.email} if profile.email is not None else {}
        return as_json({"resultcode": "00", "message": "success", "response": self.profiles.typed(told)})

    def subject(self, account: str) -> str:
        """Letters and figures, other ones for each application."""
        return base64.urlsafe_b64encode(hashlib.sha256(f"{self.client_id} {account}".encode()).digest()).decode()[:43]
