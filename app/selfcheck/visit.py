"""One run's visit: the throw-away person in a browser, and the applications that ask for its tokens."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.selfcheck.findings import Unreached
from app.selfcheck.visitor import SHARE, Pace, Reply, Visitor
from app.services.foundation.environment import random_token
from app.services.foundation.rate_limits import parse_limit
from app.services.upkeep.throwaways import SCOPES, Lent
from app.settings import Settings
from app.wiring import Services

AUTHORIZE, TOKEN = "/api/oauth/authorize", "/api/oauth/token"
USERINFO, INTROSPECT = "/api/oauth/userinfo", "/api/oauth/introspect"
STATE = "state-of-the-selfcheck"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an application got for one login."""

    access: str
    refresh: str
    id_token: str


class Visit:
    """What all probes of a run share. What they did is undone where the next one would mind."""

    def __init__(self, address: str, services: Services, lent: Lent) -> None:
        self.address, self.services, self.lent = address, services, lent
        self.settings: Settings = services.settings
        self.issuer = self.settings.issuer
        self.pace = _pace(self.settings)
        self.person = self.stranger()
        self.verifier = random_token(256)
        self.login_page: Reply | None = None
        self.consent_page: Reply | None = None
        self.pages: dict[str, Reply] = {}
        self.cookie_before: dict[str, str] = {}
        self._tokens: Tokens | None = None
        self._answer: dict[str, str] = {}

    def stranger(self, **cookies: str) -> Visitor:
        """A browser in which nobody is logged in."""
        return Visitor(self.address, self.issuer, self.pace, cookies)

    def leads_out(self, reply: Reply) -> bool:
        """Whether an answer sends a browser away from the portal."""
        return bool(reply.location) and not self.person.is_here(reply.location)

    def request(self, **changes: str | None) -> dict[str, str]:
        """A good authorization request with ``changes``; None leaves a parameter out."""
        good = {
            "response_type": "code",
            "client_id": self.lent.application,
            "redirect_uri": self.lent.redirect_uri,
            "scope": " ".join(SCOPES),
            "state": STATE,
            "nonce": "nonce-of-the-selfcheck",
            "code_challenge": _challenge(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def authorize(self, **changes: str | None) -> Reply:
        """Send it in the person's browser; answers where that leads at once."""
        return self.person.get(AUTHORIZE, self.request(**changes))

    def log_in(self, email: str = "", password: str = "") -> Reply:
        """Log the person in by the page, for an application that asks; answers what came of it."""
        page = self.person.follow(self.authorize())
        if self.is_consent(page) or self.leads_out(page):
            return page
        self.login_page, self.cookie_before = page, dict(self.person.cookies)
        form = page.form("email", "password")
        typed = {"email": email or self.lent.email, "password": password or self.lent.password}
        return self.person.follow(self.person.post(form.action, {**form.fields, **typed}))

    def ensure_login(self) -> None:
        """Have the person be logged in and have allowed the application; raises :class:`Unreached`."""
        if self._answer:
            return
        reply = self.log_in()
        if self.is_consent(reply):
            self.consent_page = reply
            form = reply.form("shown")
            reply = self.person.follow(self.person.post(form.action, {**form.fields, "decision": "allow"}))
        if "code" not in reply.parameters:
            raise Unreached(f"{urlsplit(reply.url).path}: {reply.status}")
        self._answer = reply.parameters

    @property
    def answer(self) -> dict[str, str]:
        """The parameters of the first authorization response."""
        self.ensure_login()
        return self._answer

    @staticmethod
    def is_consent(reply: Reply) -> bool:
        """Whether the person is asked."""
        return urlsplit(reply.url).path == "/consent" and reply.is_good

    def code(self, **changes: str | None) -> str:
        """A new code for the application; raises :class:`Unreached`."""
        self.ensure_login()
        reply = self.authorize(**changes)
        if not (code := reply.parameters.get("code")):
            raise Unreached(f"{AUTHORIZE}: {reply.status}")
        return code

    def token(self, client: str = "", secret: str | None = None, **form: str | None) -> Reply:
        """A token request of the application, or of another client, which has no secret."""
        values = {name: value for name, value in form.items() if value is not None}
        if client and secret is None:
            return self.stranger().post(TOKEN, {"client_id": client, **values})
        proof = basic(client or self.lent.application, self.lent.secret if secret is None else secret)
        return self.stranger().post(TOKEN, values, Authorization=proof)

    def redeem(self, code: str, client: str = "", secret: str | None = None, **changes: str | None) -> Reply:
        """Redeem a code."""
        good = {"redirect_uri": self.lent.redirect_uri, "code_verifier": self.verifier, **changes}
        return self.token(client, secret, grant_type="authorization_code", code=code, **good)

    def refresh(self, token: str, client: str = "") -> Reply:
        """Use a refresh token."""
        return self.token(client, grant_type="refresh_token", refresh_token=token)

    def new_tokens(self) -> Tokens:
        """Tokens of a new code; raises :class:`Unreached`."""
        return tokens_of(self.redeem(self.code()))

    @property
    def tokens(self) -> Tokens:
        """Tokens that probes share which leave them alone."""
        if self._tokens is None:
            self._tokens = self.new_tokens()
        return self._tokens

    def userinfo(self, token: str) -> Reply:
        """Ask userinfo."""
        return self.stranger().get(USERINFO, Authorization=f"Bearer {token}")

    def is_active(self, token: str) -> bool:
        """Whether introspection calls a token good."""
        proof = basic(self.lent.application, self.lent.secret)
        answer = self.stranger().post(INTROSPECT, {"token": token}, Authorization=proof)
        if not answer.is_good:
            raise Unreached(f"{INTROSPECT}: {answer.status}")
        return bool(answer.json().get("active"))


def tokens_of(reply: Reply) -> Tokens:
    """What a token request was answered; raises :class:`Unreached`."""
    found: dict[str, Any] = reply.json()
    if not reply.is_good or not found.get("access_token"):
        raise Unreached(f"{TOKEN}: {reply.status}")
    return Tokens(*(str(found.get(name, "")) for name in ("access_token", "refresh_token", "id_token")))


def basic(client_id: str, secret: str) -> str:
    """The header by which a client proves itself."""
    return f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _pace(settings: Settings) -> Pace:
    rule = parse_limit(settings.limits.default) if settings.limits.enabled else None
    return Pace(max(1, int(rule.amount * SHARE)), rule.get_expiry()) if rule else Pace(None, 0)
