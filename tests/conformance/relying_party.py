"""A relying party that knows an issuer and its own registration, reads the rest from metadata, and believes nothing.

It does what the certification suite does around each of its modules: state, issuer and nonce are new for every request
and checked in every answer, and every ID token is validated with the keys published at that moment.
"""

import re
import secrets
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from tests.browser_http import Document, Form
from tests.clock import Clock
from tests.conformance import id_tokens
from tests.conformance.browser import InProcessBrowser
from tests.relying_party import EMAIL, EXPLAINED, PASSWORD, add_client, refusal

ISSUER = "https://id.example.com"
REDIRECT_URI = "https://client.example.com/callback"
POST_LOGOUT_REDIRECT_URI = "https://client.example.com/post_logout_redirect"
SCOPES = ["openid", "profile", "email", "offline_access"]
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+\Z")  # RFC 6749 appendix A.8, without line breaks
TOKEN = re.compile(r"[\x20-\x7E]+\Z")  # RFC 6749 appendices A.12 and A.17


@dataclass(frozen=True)
class Attempt:
    """An authorization request, and where the browser was led."""

    request: dict[str, str]
    document: Document

    @property
    def page(self) -> str:
        """The path of the page where the person has to act."""
        assert self.document.url.startswith(f"{ISSUER}/"), self.document.url
        assert self.document.status == 200
        return urlsplit(self.document.url).path


@dataclass(frozen=True)
class Login:
    """A finished login: the authorization response, the token response and the claims of the ID token, all checked."""

    request: dict[str, str]
    answer: dict[str, str]
    tokens: dict[str, Any]
    claims: dict[str, Any]


class RelyingParty:
    """A newly registered confidential client in a browser of its own."""

    def __init__(self, app: Flask, clock: Clock, response_mode: str = "", auth_method: str = "client_secret_basic"):
        self.app, self.clock, self.response_mode, self.auth_method = app, clock, response_mode, auth_method
        self.client_id = f"certified-{secrets.token_hex(6)}"
        self.secret = add_client(
            app,
            self.client_id,
            is_confidential=True,
            require_pkce=False,
            auth_method=auth_method,
            redirects=[REDIRECT_URI],
            post_logout=[POST_LOGOUT_REDIRECT_URI],
            scopes=SCOPES,
            consent_policy="once",
        )
        self.browser = InProcessBrowser(app, ISSUER)
        self._direct = app.test_client(use_cookies=False)

    @property
    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        return dict(self.call("GET", f"{ISSUER}/.well-known/openid-configuration").json)

    def endpoint(self, name: str) -> str:
        """The address of ``<name>_endpoint``."""
        return str(self.metadata[f"{name}_endpoint"])

    def call(self, method: str, url: str, **request: Any) -> TestResponse:
        """A request of the relying party itself, without the browser."""
        return self._direct.open(url, method=method, **request)

    # The authorization request

    def request(self, **changes: str | None) -> dict[str, str]:
        """A good request with ``changes``; None leaves a parameter out."""
        good = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid",
            "state": secrets.token_urlsafe(12),
            "nonce": secrets.token_urlsafe(12),
            "response_mode": self.response_mode or None,
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def ask(self, **changes: str | None) -> Attempt:
        """Send the browser to the authorization endpoint."""
        return self.send(self.request(**changes))

    def send(self, request: dict[str, str], method: str = "get") -> Attempt:
        """Send ``request`` as it is, in this order."""
        address = self.endpoint("authorization")
        if method == "post":
            return Attempt(request, self.browser.submit(Document(ISSUER), Form(address, "post", request)))
        return Attempt(request, self.browser.open(f"{address}?{urlencode(request)}"))

    def act(self, attempt: Attempt) -> Attempt:
        """What the person does: log in where asked to, allow where asked to."""
        document = attempt.document
        for _ in range(3):
            path = urlsplit(document.url).path
            if path == "/login":
                document = self.browser.log_in(document, EMAIL, PASSWORD)
            elif path == "/consent":
                document = self.browser.decide(document)
        return Attempt(attempt.request, document)

    # The authorization response

    def received(self, attempt: Attempt) -> dict[str, str]:
        """The parameters that arrived at the redirect URI, each once, in the response mode that was asked for."""
        if attempt.request.get("response_mode") == "form_post":
            return _posted(attempt.document)
        assert attempt.document.status == 0, f"{attempt.document.url}\n{attempt.document.text[:2000]}"
        address, _, query = attempt.document.url.partition("?")
        assert (address, urlsplit(query).fragment) == (REDIRECT_URI, "")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def accepted(self, attempt: Attempt) -> dict[str, str]:
        """A successful answer (OpenID Connect Core section 3.1.2.5, RFC 9207 section 2)."""
        answer = self.received(attempt)
        assert set(answer) == {"code", "state", "iss"}, answer
        assert (answer["state"], answer["iss"]) == (attempt.request["state"], ISSUER)
        return answer

    def refused(self, attempt: Attempt) -> str:
        """The error of an error answer (Core section 3.1.2.6, RFC 9207 section 2)."""
        answer = self.received(attempt)
        explained = answer.pop("error_uri", None)
        assert explained is None or EXPLAINED.fullmatch(explained)
        state = {"state": attempt.request["state"]} if "state" in attempt.request else {}
        assert {**answer, "error": "", "error_description": ""} == {
            "error": "",
            "error_description": "",
            "iss": ISSUER,
            **state,
        }
        assert DESCRIPTION.match(answer["error_description"])
        return answer["error"]

    # Tokens

    def token(self, **form: str) -> TestResponse:
        """A token request, authenticated in the registered way (RFC 6749 section 2.3.1)."""
        url, headers = self.endpoint("token"), {}
        assert self.secret
        if self.auth_method == "client_secret_post":
            form = {**form, "client_id": self.client_id, "client_secret": self.secret}
        else:
            credentials = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}"
            headers["Authorization"] = "Basic " + b64encode(credentials.encode()).decode()
        return self.call("POST", url, data=form, headers=headers)

    def exchange(self, code: str, **form: str) -> TestResponse:
        """Redeem a code."""
        return self.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, **form)

    def tokens(self, response: TestResponse) -> dict[str, Any]:
        """A successful token answer (RFC 6749 section 5.1)."""
        assert response.status_code == 200, response.text
        assert (response.mimetype, response.headers["Cache-Control"]) == ("application/json", "no-store")
        tokens = dict(response.json)
        assert tokens["token_type"] == "Bearer"
        assert type(tokens["expires_in"]) is int
        assert tokens["expires_in"] > 0
        assert TOKEN.match(tokens["access_token"])
        return tokens

    def refusal(self, response: TestResponse) -> str:
        """The error of a token error answer (RFC 6749 section 5.2)."""
        assert (response.status_code, response.mimetype) == (400, "application/json")
        assert set(refusal(response.json)) == {"error", "error_description"}
        assert DESCRIPTION.match(response.json["error_description"])
        return str(response.json["error"])

    def claims(self, tokens: dict[str, Any], nonce: str | None) -> dict[str, Any]:
        """The claims of the ID token, validated."""
        return id_tokens.verified(
            tokens["id_token"],
            self.call("GET", self.metadata["jwks_uri"]).json,
            issuer=self.metadata["issuer"],
            client_id=self.client_id,
            nonce=nonce,
            access_token=tokens["access_token"],
            now=int(self.clock.now.timestamp()),
        )

    def userinfo(self, login: Login) -> dict[str, Any]:
        """Ask userinfo in the usual way and check the answer."""
        headers = {"Authorization": f"Bearer {login.tokens['access_token']}"}
        return checked_userinfo(self.call("GET", self.endpoint("userinfo"), headers=headers), login.claims["sub"])

    # All of it

    def finish(self, attempt: Attempt, **form: str) -> Login:
        """From wherever the person has to act to a validated login; the access token works."""
        answer = self.accepted(self.act(attempt))
        tokens = self.tokens(self.exchange(answer["code"], **form))
        login = Login(attempt.request, answer, tokens, self.claims(tokens, attempt.request.get("nonce")))
        self.userinfo(login)
        return login

    def log_in(self, **changes: str | None) -> Login:
        """A whole login."""
        return self.finish(self.ask(**changes))

    def log_in_silently(self, **changes: str | None) -> Login:
        """A whole login in which the person is shown no page."""
        attempt = self.ask(**changes)
        self.accepted(attempt)
        return self.finish(attempt)


def checked_userinfo(response: TestResponse, subject: str) -> dict[str, Any]:
    """A successful userinfo answer about ``subject`` (Core sections 5.1 and 5.3.2)."""
    assert (response.status_code, response.mimetype) == (200, "application/json")
    claims = dict(response.json)
    assert claims["sub"] == subject
    for name in ("name", "preferred_username", "picture", "locale", "zoneinfo", "email"):
        value = claims.get(name, "absent")
        assert isinstance(value, str)
        assert value.strip()
    assert type(claims.get("updated_at", 1)) is int
    assert type(claims.get("email_verified", True)) is bool
    return claims


def _posted(document: Document) -> dict[str, str]:
    """What the browser would post to the redirect URI (OAuth 2.0 Form Post Response Mode section 2)."""
    assert document.status == 200, document.url
    assert "no-store" in document.headers["cache-control"]
    assert "enctype" not in document.text
    (form,) = document.forms
    assert (form.action, form.method) == (REDIRECT_URI, "post")
    return form.fields
