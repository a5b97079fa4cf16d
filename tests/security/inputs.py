"""Every parameter of every endpoint, with a good request around it, and what an answer amounts to."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.relying_party import CHALLENGE, REDIRECT_URI, VERIFIER, csrf_token
from tests.security.answers import Markup
from tests.security.parties import Parties

FORM = "application/x-www-form-urlencoded"
ABSENT = ""


@dataclass(frozen=True)
class Endpoint:
    """A request that is understood, of which one parameter at a time is exchanged.

    ``who`` sends it: ``nobody``, ``ada``, or ``web``, which authenticates in the body. ``page`` is where the form token
    comes from; ``query`` names the parameters that stand in the address of a posted form.
    """

    method: str
    path: str
    good: dict[str, str]
    who: str = "nobody"
    page: str = ""
    query: tuple[str, ...] = ()
    is_json: bool = False
    spends_form: bool = False

    def send(self, parties: Parties, name: str, value: str) -> TestResponse:
        """The answer when ``name`` has the percent-encoded ``value``."""
        form = form_of.__wrapped__ if self.spends_form else form_of
        browser, token = form(parties, self.who == "ada", self.page)
        given = {**self._good(parties, token), name: value}
        if self.is_json:
            return browser.post(self.path, data=json.dumps(given), content_type="application/json")
        in_query = {key: given.pop(key) for key in self.query if key in given}
        path = f"{self.path}?{written(in_query)}" if in_query else self.path
        if self.method == "GET":
            return browser.get(f"{path}?{written(given)}")
        return browser.post(path, data=written(given), content_type=FORM)

    def _good(self, parties: Parties, token: str) -> dict[str, str]:
        keep = self.good if self.is_json else {name: quote(value) for name, value in self.good.items()}
        if self.who == "web":
            keep = {**keep, "client_id": "web", "client_secret": parties.web.secret or ""}
        return {**keep, "csrf_token": token} if token else keep


@cache
def form_of(parties: Parties, is_ada: bool, page: str) -> tuple[FlaskClient, str]:
    """A browser and its form token; where no request is accepted, one form does for all."""
    browser = parties.browser if is_ada else parties.app.test_client()
    return browser, csrf_token(browser, page) if page else ""


AUTHORIZE = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": REDIRECT_URI,
    "scope": "openid profile",
    "state": "s",
    "nonce": "n",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    **dict.fromkeys(
        (
            *("prompt", "max_age", "login_hint", "id_token_hint", "ui_locales", "claims_locales", "display"),
            *("response_mode", "acr_values", "claims", "request", "request_uri", "registration", "resource", "unknown"),
        ),
        ABSENT,
    ),
}
CREDENTIALS = {"client_id": "web", "client_secret": ABSENT}
CODE = {"grant_type": "authorization_code", "code": "c" * 43, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
LOGOUT = dict.fromkeys(("id_token_hint", "post_logout_redirect_uri", "client_id", "state", "ui_locales"), ABSENT)
ACCOUNT = {"csrf_token": ABSENT, "email": "nobody", "password": "short"}
ENDPOINTS = {
    "authorize": Endpoint("GET", "/api/oauth/authorize", AUTHORIZE, "ada"),
    "authorize by form": Endpoint("POST", "/oauth/authorize", AUTHORIZE, "ada"),
    "resume": Endpoint("GET", "/api/oauth/authorize/resume", {"interaction": ABSENT}, "ada"),
    "code": Endpoint("POST", "/api/oauth/token", {**CREDENTIALS, **CODE, "unknown": ABSENT}, "web"),
    "refresh": Endpoint(
        "POST",
        "/api/oauth/token",
        {**CREDENTIALS, "grant_type": "refresh_token", "refresh_token": "r" * 64, "scope": "openid"},
        "web",
    ),
    "service": Endpoint(
        "POST", "/oauth/token", {**CREDENTIALS, "grant_type": "client_credentials", "scope": "openid"}, "web"
    ),
    "revoke": Endpoint("POST", "/api/oauth/revoke", {**CREDENTIALS, "token": "t", "token_type_hint": ABSENT}, "web"),
    "introspect": Endpoint(
        "POST", "/api/oauth/introspect", {**CREDENTIALS, "token": "t", "token_type_hint": ABSENT}, "web"
    ),
    "validate": Endpoint(
        "POST", "/api/oauth/token/validate", {**CREDENTIALS, "access_token": "a"}, "web", is_json=True
    ),
    "validate refresh": Endpoint("POST", "/api/oauth/token/validate", {"refresh_token": "r"}, "web", is_json=True),
    "userinfo": Endpoint("POST", "/api/oauth/userinfo", {"access_token": "a.b.c"}),
    "logout": Endpoint("GET", "/api/oauth/logout", LOGOUT),
    "logout by form": Endpoint("POST", "/api/oauth/logout", LOGOUT, "ada"),
    "confirm": Endpoint(
        "POST", "/api/oauth/logout/confirm", {"csrf_token": ABSENT, "request": "r"}, page="/login", spends_form=True
    ),
    "login": Endpoint("POST", "/login", ACCOUNT, page="/login"),
    "login page": Endpoint("GET", "/login", {"interaction": ABSENT, "switch": ABSENT}),
    "register": Endpoint("POST", "/register", {**ACCOUNT, "name": "Jo"}, page="/register"),
    "forgot": Endpoint("POST", "/forgot-password", {"csrf_token": ABSENT, "email": "nobody"}, page="/login"),
    **{
        path: Endpoint("POST", path, {"csrf_token": ABSENT, "token": "t", "password": "short"}, page="/login")
        for path in ("/reset-password", "/verify-email", "/change-email", "/restore-email")
    },
    "link": Endpoint("GET", "/verify-email", {"token": "t", "interaction": ABSENT}),
    "strength": Endpoint(
        "POST", "/password-strength", {"csrf_token": ABSENT, "password": "x", "email": "e", "name": "n"}, page="/login"
    ),
    "choose": Endpoint(
        "POST", "/select-account", {"csrf_token": ABSENT, "account": "x"}, "ada", page="/select-account"
    ),
    "consent": Endpoint("POST", "/consent", {"interaction": "i", "decision": "allow"}, "ada", query=("interaction",)),
    "language": Endpoint("POST", "/language", {"csrf_token": ABSENT, "lang": "en", "next": "/terms"}, page="/login"),
    "theme": Endpoint("POST", "/theme", {"csrf_token": ABSENT, "theme": "dark", "next": "/terms"}, page="/login"),
    "logged out": Endpoint("GET", "/logged-out", {"client_id": ABSENT}),
    "playground": Endpoint("GET", "/playground/callback", {"code": "c", "state": "s", "error": ABSENT}),
}
# A posted authorization request is read as one in the address is, and has its own test where that matters.
PARAMETERS = [(path, name) for path, each in ENDPOINTS.items() if path != "authorize by form" for name in each.good]


def written(values: dict[str, str]) -> str:
    """A query of values that are encoded already."""
    return "&".join(f"{name}={value}" for name, value in values.items())


def amounts_to(response: TestResponse) -> tuple[Any, ...]:
    """An answer without what is different each time: tokens, codes, ids and what was sent along."""
    location = urlsplit(response.location or "")
    error = parse_qs(location.query).get("error", [])
    seen: Any = None
    if response.is_json:
        seen = {name: value for name, value in response.json.items() if name in {"error", "active", "valid", "reason"}}
    elif response.mimetype == "text/html" and not response.location:
        seen = Markup(response.text).tags
    headers = sorted({name for name, _ in response.headers} - {"X-Request-ID", "Set-Cookie"})
    return response.status_code, location[:3], error, seen, headers
