"""What all providers have in common: an application is registered, people agree, codes are redeemed once."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from examples.providers import pages
from examples.providers.browser import visit
from examples.providers.people import PEOPLE, Person, Profile, Profiles
from examples.providers.stand_in import StandIn
from examples.providers.web import Answer, Request, as_json, as_page, redirect

CALLBACKS = ("/auth/{}/callback", "/api/v1/auth/{}/callback", "/api/auth/{}/callback")
Refusals = Mapping[str, tuple[int, Mapping[str, Any]]]
"""Status and body of an answer by what was wrong with the request."""


class Refused(Exception):
    """Something is wrong with a request; each provider says it in its own words."""


@dataclass(frozen=True)
class Grant:
    """What somebody agreed to. ``is_first``: they were asked for it this time."""

    person: str
    request: dict[str, str]
    has_email: bool
    is_first: bool


class Provider(StandIn):
    """One stand-in: where people decide, where codes become tokens, and what tokens are good for."""

    is_korean: ClassVar[bool] = False
    needs_state: ClassVar[bool] = False
    page_headers: ClassVar[dict[str, str]] = {}
    cancelled: ClassVar[dict[str, str]] = {"error": "access_denied"}
    """What a redirect URI is told when somebody cancels."""
    refusals: ClassVar[Refusals]
    """What the token endpoint says."""

    def __init__(self, portal: str) -> None:
        super().__init__()
        self.client_id = f"{self.name}-client"
        # Always the same, so that a portal that was told of it finds the next one too. It protects nothing.
        self.client_secret = f"{self.name}-{hashlib.sha256(self.name.encode()).hexdigest()[:32]}"
        self.register(portal)
        self.people = {person.key: person for person in PEOPLE}
        self.profiles = Profiles(self.switches, self.subject, is_korean=self.is_korean)
        self.issued: set[str] = set()
        """Every code and token that was given away."""
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}
        self._refresh_tokens: dict[str, Grant] = {}
        self._consents: dict[str, bool] = {}

    def register(self, portal: str) -> None:
        """Let people be sent back to a portal at this address, and nowhere else."""
        self.redirect_uris = {portal + path.format(self.name) for path in CALLBACKS}

    def subject(self, account: str) -> str:
        """The id of an account, in the provider's form."""
        raise NotImplementedError

    def person(self, key: str) -> Profile:
        """What it would tell of somebody now."""
        return self.profiles.of(self.people[key])

    def visit(self, url: str, person: str = "kim", **fields: str) -> str:
        """Go where the portal sends a browser and choose somebody; answers the callback URL with its code or error.

        ``cancel="1"`` cancels, ``without_email="1"`` keeps the address for oneself, ``user_agent`` is another browser.
        """
        assert urlsplit(url).netloc in {urlsplit(site.url).netloc for site in self.sites.values()}, url
        assert person in self.people, person
        return visit(url, {"person": person, **fields})

    def reset(self) -> None:
        """As new: nobody has agreed to anything, no token is good."""
        super().reset()
        with self.lock:
            for kept in (self._consents, self._codes, self._tokens, self._refresh_tokens):
                kept.clear()

    def forget(self, person: str) -> None:
        """Somebody's consent is withdrawn: their tokens are of no use, and they are asked again."""
        with self.lock:
            self._consents.pop(person, None)
            for tokens in (self._tokens, self._refresh_tokens):
                for token in [token for token, grant in tokens.items() if grant.person == person]:
                    del tokens[token]

    # The page where people decide

    def authorize(self, request: Request) -> Answer:
        """The authorization request: a page for a GET, what was decided on it for a POST to the same address."""
        if problem := self.request_problem(request):
            status, code, text = problem
            return as_page(pages.problem(self.title, code, text), status, **self.page_headers)
        if error := self.request_error(request):
            return self._back(request, {"error": error})
        if refusal := self.switches["refusal"]:
            code = "server_error" if refusal is True else str(refusal)
            return self._back(request, {"error": code, "error_description": "<script>alert(1)</script>"})
        if request.method == "GET":
            page = pages.choice(self.title, list(self.people.values()), self._consents, is_korean=self.is_korean)
            return as_page(page, 200, **self.page_headers)
        person = self.people.get(request.form.get("person", ""))
        if person is None or self.switches["cancel"] or "cancel" in request.form:
            return self._back(request, self.cancelled)
        return self._back(request, {"code": self._agree(person, request)} | self.more_of_response(request))

    def request_problem(self, request: Request) -> tuple[int, str, str] | None:
        """Why this is answered on a page of the provider's own and never sent back: status, code, sentence."""
        if request.query.get("client_id") != self.client_id:
            return 401, "invalid_client", "The OAuth client was not found."
        if request.query.get("redirect_uri") not in self.redirect_uris:
            return 400, "redirect_uri_mismatch", "The redirect URI is not registered."
        if self.needs_state and not request.query.get("state"):
            return 400, "invalid_request", "state is missing."
        return None

    def request_error(self, request: Request) -> str:
        """Which error the application is told before anybody is asked; empty: none."""
        if request.query.get("response_type") != "code":
            return "unsupported_response_type"
        has_challenge = "code_challenge" in request.query
        if has_challenge and request.query.get("code_challenge_method") != "S256":
            return "invalid_request"
        return ""

    def more_of_response(self, request: Request) -> dict[str, str]:
        """What comes beside the code."""
        return {}

    def asks_again(self, request: Request) -> bool:
        """Whether the request wants people asked again for what they have agreed to before."""
        return request.query.get("prompt") == "consent"

    def _back(self, request: Request, parameters: dict[str, str]) -> Answer:
        state = {"state": request.query["state"]} if "state" in request.query else {}
        return redirect(f"{request.query['redirect_uri']}?{urlencode(parameters | state)}")

    def _agree(self, person: Person, request: Request) -> str:
        with self.lock:
            is_first = person.key not in self._consents or self.asks_again(request)
            if is_first:
                self._consents[person.key] = "without_email" not in request.form
            code = self._issue()
            self._codes[code] = Grant(person.key, request.query, self._consents[person.key], is_first)
        return code

    # The token endpoint

    def token(self, request: Request) -> Answer:
        """Codes, and refresh tokens, for tokens."""
        try:
            return as_json(self.tokens(self._redeem(request)))
        except Refused as refused:
            status, body = self.refusals[str(refused)]
            return as_json(body, status)

    def tokens(self, grant: Grant) -> dict[str, Any]:
        """The answer of the token endpoint."""
        raise NotImplementedError

    def client(self, request: Request) -> tuple[str, str]:
        """Id and secret, as the client sent them."""
        return request.basic if request.basic[0] else (request.form.get("client_id", ""), request["client_secret"])

    def check_client(self, request: Request) -> None:
        """:raises Refused: unless it is the application."""
        client_id, secret = self.client(request)
        if client_id != self.client_id:
            raise Refused("client")
        if not hmac.compare_digest(secret.encode(), self.client_secret.encode()):
            raise Refused("secret")

    def _redeem(self, request: Request) -> Grant:
        self.check_client(request)
        match request["grant_type"]:
            case "authorization_code":
                with self.lock:
                    grant = self._codes.pop(request["code"], None)
                if grant is None:
                    raise Refused("code")
                self.check_code(grant, request)
                return grant
            case "refresh_token":
                with self.lock:
                    grant = self._refresh_tokens.get(request["refresh_token"])
                if grant is None:
                    raise Refused("code")
                return replace(grant, is_first=False)
        raise Refused("grant_type")

    def check_code(self, grant: Grant, request: Request) -> None:
        """:raises Refused: unless the code was given for this; it is spent in either case."""
        if request["redirect_uri"] != grant.request["redirect_uri"]:
            raise Refused("redirect_uri")
        challenge = grant.request.get("code_challenge", "")
        digest = hashlib.sha256(request["code_verifier"].encode()).digest()
        if challenge and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            raise Refused("code_verifier")

    def issue_tokens(self, grant: Grant, prefix: str = "") -> dict[str, str]:
        """An access token that :meth:`granted` knows, and a refresh token."""
        access, refresh = self._issue(prefix), self._issue("1//")
        with self.lock:
            self._tokens[access] = self._refresh_tokens[refresh] = grant
        return {"access_token": access, "refresh_token": refresh}

    def _issue(self, prefix: str = "") -> str:
        value = prefix + secrets.token_urlsafe(32)
        self.issued.add(value)
        return value

    # What tokens are good for

    def granted(self, token: str) -> Grant | None:
        """What a token stands for, if it is good."""
        with self.lock:
            return None if self.switches["revoked"] else self._tokens.get(token)

    def revoke(self, token: str) -> bool:
        """Withdraw the consent behind a token; false if there is none."""
        with self.lock:
            grant = self._tokens.get(token) or self._refresh_tokens.get(token)
        if grant:
            self.forget(grant.person)
        return grant is not None

    def profile(self, grant: Grant) -> Profile:
        """What is told for a token."""
        has_email = grant.has_email and not self.switches["no_email"]
        return self.profiles.of(self.people[grant.person], has_email=has_email)
