"""Kakao: OAuth 2.0 with numbers for ids, consent to each item, and a word to the application when a link ends there."""

import http.client
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from examples.providers import pages
from examples.providers.people import numbered
from examples.providers.provider import Grant, Provider, Refusals
from examples.providers.stand_in import Endpoint
from examples.providers.switches import INVALID_EMAIL
from examples.providers.web import Answer, Request, as_json, as_page

WEBHOOK_SECONDS = 3.0
CONNECTED_AT = "2026-11-30T00:00:00Z"
APP_ID = "1234567"


def _oauth_error(error: str, description: str, code: str) -> dict[str, str]:
    return {"error": error, "error_description": description, "error_code": code}


class Kakao(Provider):
    """Two addresses: kauth, where people and codes are, and kapi, where the account is."""

    name, title, site_names, is_korean = "kakao", "카카오", ("auth", "api"), True
    cancelled: ClassVar[dict[str, str]] = {"error": "access_denied", "error_description": "User denied access"}
    more_switches = (INVALID_EMAIL,)
    refusals: ClassVar[Refusals] = {
        "client": (401, _oauth_error("invalid_client", "Not exist client_id", "KOE101")),
        "secret": (401, _oauth_error("invalid_client", "Bad client credentials", "KOE010")),
        "grant_type": (400, _oauth_error("unsupported_grant_type", "unsupported grant_type", "KOE000")),
        "code": (400, _oauth_error("invalid_grant", "authorization code not found", "KOE320")),
        "redirect_uri": (400, _oauth_error("invalid_grant", "Redirect URI mismatch.", "KOE303")),
        "code_verifier": (400, _oauth_error("invalid_grant", "code verifier mismatch", "KOE320")),
    }

    def __init__(self, portal: str) -> None:
        super().__init__(portal)
        self.admin_key = self.client_secret.replace("kakao-", "kakao-admin-")
        self.webhook = f"{portal}/auth/kakao/webhook"

    @property
    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """By site and path."""
        return {
            ("auth", "/oauth/authorize"): Endpoint("authorize", self.authorize),
            ("auth", "/oauth/token"): Endpoint("token", self.token, ("POST",)),
            ("api", "/v2/user/me"): Endpoint("user", self.user),
            ("api", "/v1/user/unlink"): Endpoint("revoke", self.unlink, ("POST",)),
        }

    def authorize(self, request: Request) -> Answer:
        """Kakao has a number for each mistake."""
        problem = self.request_problem(request)
        if problem is None:
            return super().authorize(request)
        status, code, text = problem
        number = {"invalid_client": "KOE101", "redirect_uri_mismatch": "KOE006"}.get(code, "KOE001")
        return as_page(pages.problem(self.title, f"{number}", f"{code}: {text}"), status)

    def asks_again(self, request: Request) -> bool:
        """``scope`` names the items for which people are asked again."""
        return "account_email" in request.query.get("scope", "").replace(",", " ").split()

    def client(self, request: Request) -> tuple[str, str]:
        """Only in the form."""
        return request.form.get("client_id", ""), request.form.get("client_secret", "")

    def tokens(self, grant: Grant) -> dict[str, Any]:
        """Both tokens, each with its life."""
        tokens = self.issue_tokens(grant)
        return {
            "access_token": tokens["access_token"],
            "token_type": "bearer",
            "refresh_token": tokens["refresh_token"],
            "expires_in": 21599,
            "scope": "account_email profile_nickname profile_image"
            if grant.has_email
            else "profile_nickname profile_image",
            "refresh_token_expires_in": 5183999,
        }

    def user(self, request: Request) -> Answer:
        """The account, with what is agreed to."""
        grant = self.granted(request.bearer)
        if grant is None:
            return as_json({"msg": "this access token does not exist", "code": -401}, 401)
        profile = self.profile(grant)
        picture = {"profile_image_url": profile.picture} if profile.picture else {}
        names = {"nickname": profile.name} | picture | {"is_default_image": not picture}
        account = {
            "profile_nickname_needs_agreement": False,
            "profile_image_needs_agreement": False,
            "profile": self.profiles.typed(names),
            "has_email": profile.email is not None or not grant.has_email,
            "email_needs_agreement": not grant.has_email,
        }
        if profile.email is not None:
            account |= {
                "is_email_valid": not self.switches["invalid_email"],
                "is_email_verified": profile.is_verified,
                "email": profile.email,
            }
        return as_json(
            {
                "id": int(profile.subject),
                "connected_at": CONNECTED_AT,
                "properties": {"nickname": profile.name},
                "kakao_account": self.profiles.typed(account),
            }
        )

    def unlink(self, request: Request) -> Answer:
        """By a token, for its person; by the admin key, for whom the request names."""
        scheme, credentials = request.authorization
        if scheme == "KakaoAK":
            if credentials != self.admin_key:
                return as_json({"msg": "wrong appKey format", "code": -401}, 401)
            is_named = request["target_id_type"] == "user_id"
            people = [key for key in self._consents if is_named and self.person(key).subject == request["target_id"]]
            if not people:
                return as_json({"msg": "NotRegisteredUserException", "code": -101}, 400)
            subject = self.person(people[0]).subject
            self.forget(people[0])
            return as_json({"id": int(subject)})
        grant = self.granted(request.bearer)
        if grant is None:
            return as_json({"msg": "this access token does not exist", "code": -401}, 401)
        self.forget(grant.person)
        return as_json({"id": int(self.person(grant.person).subject)})

    def notice(self, person: str, referrer_type: str = "UNLINK_FROM_APPS") -> tuple[dict[str, str], dict[str, str]]:
        """Headers and form of the webhook that tells the application that somebody ended the link at Kakao."""
        kind = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
        form = {"app_id": APP_ID, "user_id": self.person(person).subject, "referrer_type": referrer_type}
        return {"Authorization": f"KakaoAK {self.admin_key}", **kind}, form

    def unlink_at_kakao(self, person: str, referrer_type: str = "UNLINK_FROM_APPS") -> int:
        """Somebody ends the link on Kakao's own pages; answers the status of the webhook, which has three seconds."""
        headers, form = self.notice(person, referrer_type)
        self.forget(person)
        parts = urlsplit(self.webhook)
        connection = http.client.HTTPConnection(parts.netloc, timeout=WEBHOOK_SECONDS)
        try:
            connection.request("POST", parts.path, urlencode(form), headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def subject(self, account: str) -> str:
        """A number, which is one in JSON too."""
        return numbered(self.name, account, 10)
