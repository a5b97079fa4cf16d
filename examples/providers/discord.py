"""Discord: OAuth 2.0 with snowflakes, and nobody without a User-Agent."""

import hashlib
import re
from dataclasses import replace
from typing import Any, ClassVar

from examples.providers.people import numbered
from examples.providers.provider import Grant, Provider, Refusals, Refused
from examples.providers.stand_in import Endpoint
from examples.providers.web import Answer, Request, as_json, as_page

UNAUTHORIZED = {"message": "401: Unauthorized", "code": 0}


def _invalid(what: str) -> tuple[int, dict[str, str]]:
    return 400, {"error": "invalid_grant", "error_description": f'Invalid "{what}" in request.'}


class Discord(Provider):
    """One address; the version of the API may stand in the path."""

    name, title = "discord", "Discord"
    cancelled: ClassVar[dict[str, str]] = {
        "error": "access_denied",
        "error_description": "The resource owner or authorization server denied the request",
    }
    refusals: ClassVar[Refusals] = {
        "client": (401, {"error": "invalid_client"}),
        "secret": (401, {"error": "invalid_client"}),
        "grant_type": (
            400,
            {"error": "unsupported_grant_type", "error_description": "Grant type None is not supported"},
        ),
        "code": _invalid("code"),
        "redirect_uri": _invalid("redirect_uri"),
        "code_verifier": _invalid("code_verifier"),
    }

    @property
    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """By path."""
        return {
            ("", "/oauth2/authorize"): Endpoint("authorize", self.authorize),
            ("", "/api/oauth2/authorize"): Endpoint("authorize", self.authorize),
            ("", "/api/oauth2/token"): Endpoint("token", self.token, ("POST",)),
            ("", "/api/oauth2/token/revoke"): Endpoint("revoke", self.revocation, ("POST",)),
            ("", "/api/users/@me"): Endpoint("user", self.user, ("GET",)),
        }

    def answer(self, request: Request) -> Answer:
        """What stands before Discord turns away programs that do not say what they are."""
        if not request.headers["User-Agent"]:
            return as_page("error code: 1010", 403)
        return super().answer(replace(request, path=re.sub(r"^/api/v\d+/", "/api/", request.path)))

    def tokens(self, grant: Grant) -> dict[str, Any]:
        """For a week."""
        scope = grant.request.get("scope", "")
        return self.issue_tokens(grant) | {"token_type": "Bearer", "expires_in": 604800, "scope": scope}

    def user(self, request: Request) -> Answer:
        """The account; the address only with its scope, and null where there is none."""
        grant = self.granted(request.bearer)
        if grant is None:
            return as_json(UNAUTHORIZED, 401)
        profile = self.profile(grant)
        picture = hashlib.md5(profile.picture.encode(), usedforsecurity=False).hexdigest() if profile.picture else None
        told: dict[str, Any] = {
            "id": profile.subject,
            "username": grant.person,
            "global_name": profile.name,
            "avatar": profile.picture if self.switches["hostile"] else picture,
            "discriminator": "0",
            "public_flags": 0,
            "banner": None,
            "mfa_enabled": False,
            "locale": "ko",
        }
        if "email" in grant.request.get("scope", "").split():
            told |= {"email": profile.email, "verified": profile.email is not None and profile.is_verified}
        return as_json(self.profiles.typed(told))

    def revocation(self, request: Request) -> Answer:
        """Takes either token, of the client that has it."""
        try:
            self.check_client(request)
        except Refused as refused:
            status, body = self.refusals[str(refused)]
            return as_json(body, status)
        self.revoke(request["token"])
        return as_json({})

    def subject(self, account: str) -> str:
        """A snowflake, as text."""
        return numbered(self.name, account, 18)
