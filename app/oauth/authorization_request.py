"""Reading an authorization request: an ordered list of checks, each with the clause that decides.

The first three find out whether there is a safe place to send errors to; until then the person stays on a
page of ours. All later ones raise :class:`RefusedRequest`, which goes to the client.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from werkzeug.datastructures import MultiDict

from app.errors import Cause, sentence
from app.languages import gettext as _
from app.oauth import explained, parameters
from app.oauth.errors import LOCALHOST, Clause, RefusedRequest, UnsafeRequest
from app.services.clients import redirect_uris, scopes
from app.services.clients.clients import ClientRecord
from app.services.clients.registration import AddressKind
from app.services.foundation.environment import sha256
from app.services.grants.interactions import AuthorizationRequest
from app.services.record.explanations import scope_names
from app.services.record.usage import Use
from app.services.tokens.claims import SUPPORTED as SUPPORTED_CLAIMS
from app.services.tokens.tokens import InvalidToken
from app.web.error_pages import Action
from app.web.presentation import in_words
from app.wiring import services

RESPONSE_TYPES = ("code",)
RESPONSE_MODES = ("query", "fragment", "form_post", "web_message")
PROMPTS = ("none", "login", "consent", "select_account")
CHALLENGE_METHODS = ("S256",)
NO_CHALLENGE = Cause("challenge_missing", {"sent": "", "expected": "code_challenge"})
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
LONGEST_STATE = LONGEST_NONCE = 2048
LONGEST_AGE = 10**9
"""Seconds; no login is so old."""


class Draft:
    """A request being read: what is known so far, so that an error knows where to go."""

    def __init__(self, values: "MultiDict[str, str]") -> None:
        self.values = values
        self.client = self._client()
        self.redirect_uri, self.redirect_uri_was_sent = self._redirect_uri()
        state = self._single("state")
        self.state = state if state and "\ufffd" not in state and "\x00" not in state else None
        mode = self._single("response_mode")
        self.response_mode = mode if mode in RESPONSE_MODES else "query"

    def _single(self, name: str) -> str | None:
        given = self.values.getlist(name)
        return given[0] if len(given) == 1 and given[0] else None

    def _client(self) -> ClientRecord:
        # RFC 6749 section 4.1.2.1: an unknown client is never redirected to.
        client_id = self._single("client_id")
        if client_id is None:
            given = self.values.getlist("client_id")
            raise UnsafeRequest(
                "invalid_request",
                sentence("The application did not say who it is, so we stopped here and changed nothing."),
                "The client_id is missing or repeated",
                facts={"client_id": ", ".join(given) or _("(missing)")},
                fixes=[_("Send client_id exactly once.")],
                clause=Clause.ONE_CLIENT,
                explanation=explained.unknown_client(given, self.values),
            )
        client = services.clients.find(client_id)
        if client is None or not client.is_active:
            raise UnsafeRequest(
                "invalid_client",
                sentence(
                    "This application is not registered here, or it was turned off. Nothing was changed; whoever runs "
                    "it can help."
                ),
                "The client is not registered" if client is None else "The client is turned off",
                facts={"client_id": client_id},
                client_id=client_id,
                clause=Clause.UNKNOWN_CLIENT,
                explanation=explained.unknown_client([client_id], self.values),
                fixes=[
                    _("Check client_id for typing errors; upper and lower case differ."),
                    _("Ask an administrator to register the application, or to turn it on again."),
                ],
            )
        return client

    def _redirect_uri(self) -> tuple[str, bool]:
        # RFC 9700 section 2.1: exact matching; anything else is never redirected to.
        given = [uri for uri in self.values.getlist("redirect_uri") if uri]
        if len(given) > 1:
            fix = _("Send redirect_uri exactly once.")
            raise self._unsafe_uri("invalid_request", "The redirect_uri is repeated", given, Clause.ONCE, fix)
        if not given:
            # RFC 6749 section 3.1.2.3; OpenID Connect Core section 3.1.2.1 requires the parameter.
            is_openid = "openid" in scopes.split(self._single("scope"))
            if len(self.client.redirect_uris) == 1 and not is_openid:
                return self.client.redirect_uris[0], False
            clause = Clause.REQUIRED_BY_OPENID if is_openid else Clause.REQUIRED
            fix = _("Send redirect_uri with the request.")
            raise self._unsafe_uri("invalid_request", "The redirect_uri is missing", given, clause, fix)
        if not self.client.has_redirect_uri(given[0]):
            raise self._unsafe_uri(
                "invalid_redirect_uri",
                "The redirect_uri is not registered for the client",
                given,
                Clause.EXACT,
                *explained.localhost_fix(given[0], self.client, self.client.redirect_uris, _(LOCALHOST)),
                explained.mending(
                    given[0],
                    _(
                        "Register exactly this URI for the client, or send the registered one. Scheme, host, port, "
                        "case and a final slash all count."
                    ),
                ),
            )
        return given[0], True

    def _unsafe_uri(self, code: str, reason: str, received: list[str], clause: Clause, *fixes: str) -> UnsafeRequest:
        return UnsafeRequest(
            code,
            sentence(
                "The application is not set up correctly, so we stopped here and changed nothing. Its owner can mend "
                "this."
            ),
            reason,
            facts={
                "client_id": self.client.client_id,
                _("client name"): self.client.name,
                "redirect_uri": ", ".join(received) or _("(missing)"),
            },
            fixes=list(fixes),
            clause=clause,
            client_id=self.client.client_id,
            actions=_ways_on(self.client),
            explanation=explained.address(AddressKind.REDIRECT, self.client, received, self.values),
        )

    def checked(self) -> AuthorizationRequest:
        """The valid request; raises :class:`RefusedRequest`."""
        given = self._parameters()
        _refuse_request_objects(given)
        _require_response_type(given)
        # RFC 6749 section 4.1.2.1: unauthorized_client
        if "authorization_code" not in self.client.grant_types:
            registered = {"sent": "authorization_code", "registered": " ".join(self.client.grant_types)}
            said = "The client may not use the authorization code grant"
            raise RefusedRequest("unauthorized_client", said, Cause("grant_type", registered))
        _require_response_mode(given)
        prompts = _prompts(given)
        granted = self._scopes(given)
        challenge = self._challenge(given)
        claims = _claims(given)
        services.usage.count(self.client.client_id, Use.SCOPE, *granted)
        address = redirect_uris.registered_as(self.redirect_uri, self.client.redirect_uris)
        services.usage.count(self.client.client_id, Use.REDIRECT, sha256(address))
        return AuthorizationRequest(
            client_id=self.client.client_id,
            redirect_uri=self.redirect_uri,
            redirect_uri_was_sent=self.redirect_uri_was_sent,
            response_mode=self.response_mode,
            scopes=granted,
            state=_bounded(given, "state", LONGEST_STATE),
            nonce=_bounded(given, "nonce", LONGEST_NONCE),
            code_challenge=challenge,
            prompts=prompts,
            max_age=_max_age(given),
            login_hint=given.get("login_hint", "")[:254] or None,
            hinted_user_id=self._asked_user(given, claims),
            ui_locales=tuple(given.get("ui_locales", "").split()[:10]),
            display="popup" if given.get("display") == "popup" else "page",
            claims=claims.id_token,
        )

    def _parameters(self) -> dict[str, str]:
        # RFC 6749 section 3.1: no parameter more than once, unknown ones ignored, empty means absent.
        try:
            return parameters.read(self.values.items(multi=True))
        except InvalidRequestError as error:
            raise RefusedRequest("invalid_request", error.description) from error

    def _scopes(self, given: dict[str, str]) -> tuple[str, ...]:
        # RFC 6749 section 3.3: the server may grant less than was asked for.
        requested = scopes.split(given.get("scope")) or (scopes.DEFAULT_SCOPE,)
        granted = scopes.of_request(requested, self.client.allowed_scopes)
        if not granted:
            allowed = [each for each in self.client.allowed_scopes if not each.startswith(scopes.SERVICE_PREFIX)]
            cause = Cause("authorization_scope", {"sent": scope_names(requested), "registered": " ".join(allowed)})
            raise RefusedRequest("invalid_scope", "None of the requested scopes is allowed for this client", cause)
        return granted

    def _challenge(self, given: dict[str, str]) -> str | None:
        challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
        if challenge is None:
            if method is not None:
                said = "A code_challenge_method was sent without a code_challenge"
                raise RefusedRequest("invalid_request", said, NO_CHALLENGE)
            # RFC 9700 section 2.1.1: required of public clients always, of others unless switched off.
            if not self.client.is_confidential or self.client.require_pkce:
                raise RefusedRequest("invalid_request", "A code_challenge is required", NO_CHALLENGE)
            return None
        # RFC 7636 section 4.3: no method means plain, and plain is refused.
        if method not in CHALLENGE_METHODS:
            sent = method if method in {None, "plain"} else "…"
            cause = Cause("challenge_method", {"sent": sent or "", "expected": CHALLENGE_METHODS[0]})
            raise RefusedRequest("invalid_request", "The code_challenge_method must be S256", cause)
        # RFC 7636 section 4.2: base64url of SHA-256 is 43 characters, nothing else can match.
        if not CHALLENGE.match(challenge):
            cause = Cause("challenge_form", {"length": len(challenge)})
            raise RefusedRequest("invalid_request", "The code_challenge must be 43 base64url characters", cause)
        return challenge

    def _asked_user(self, given: dict[str, str], claims: "_AskedClaims") -> str | None:
        hinted = self._hinted_user(given)
        if hinted and claims.user_id and hinted != claims.user_id:
            raise RefusedRequest("invalid_request", "The id_token_hint and the claims parameter name different people")
        return hinted or claims.user_id

    def _hinted_user(self, given: dict[str, str]) -> str | None:
        # OpenID Connect Core section 3.1.2.1: id_token_hint
        if (hint := given.get("id_token_hint")) is None:
            return None
        try:
            claims = services.tokens.read_id_token_hint(hint)
        except InvalidToken:
            raise RefusedRequest("invalid_request", "The id_token_hint is not an ID token of this server") from None
        if claims.get("aud") != self.client.client_id:
            raise RefusedRequest("invalid_request", "The id_token_hint was issued to another client")
        return str(claims["sub"])


def _ways_on(client: ClientRecord) -> list[Action]:
    """Back to the application's own page, where one is registered: never to what a request names."""
    start = Action(_("Go to the start page"), "/")
    if not client.home_uri:
        return [start]
    return [Action(_("Return to %(app)s", app=in_words(client.name)), client.home_uri), start]


def _refuse_request_objects(given: dict[str, str]) -> None:
    # OpenID Connect Core section 3.1.2.6
    for name, error in (
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ):
        if name in given:
            raise RefusedRequest(error, f"The {name} parameter is not supported")


def _require_response_type(given: dict[str, str]) -> None:
    # RFC 6749 section 3.1.1; RFC 9700 section 2.1.2: no token in a URL.
    if "response_type" not in given:
        raise RefusedRequest("invalid_request", "The response_type is missing")
    if given["response_type"] not in RESPONSE_TYPES:
        raise RefusedRequest("unsupported_response_type", "The response_type must be code")


def _require_response_mode(given: dict[str, str]) -> None:
    # OAuth 2.0 Multiple Response Type Encoding Practices section 2.1
    if given.get("response_mode", "query") not in RESPONSE_MODES:
        raise RefusedRequest("invalid_request", "The response_mode is not supported")


def _prompts(given: dict[str, str]) -> tuple[str, ...]:
    # OpenID Connect Core section 3.1.2.1: none stands alone.
    prompts = scopes.split(given.get("prompt"))
    if any(prompt not in PROMPTS for prompt in prompts):
        raise RefusedRequest("invalid_request", "The prompt is not supported")
    if "none" in prompts and len(prompts) > 1:
        raise RefusedRequest("invalid_request", "The prompt none cannot be combined with others")
    return prompts


def _max_age(given: dict[str, str]) -> int | None:
    if (value := given.get("max_age")) is None:
        return None
    # OpenID Connect Core section 3.1.2.1. However large it is, it is a number; Python reads no more than 4300 digits.
    if not re.fullmatch(r"[0-9]+", value):
        raise RefusedRequest("invalid_request", "The max_age must be a whole number of seconds")
    digits = value.lstrip("0") or "0"
    return int(digits) if len(digits) < len(str(LONGEST_AGE)) else LONGEST_AGE


def _bounded(given: dict[str, str], name: str, longest: int) -> str | None:
    value = given.get(name)
    if value is not None and len(value) > longest:
        raise RefusedRequest("invalid_request", f"The {name} is longer than {longest} characters")
    return value


@dataclass(frozen=True)
class _AskedClaims:
    """What the ``claims`` parameter asks for: claims in the ID token, and of whom."""

    id_token: dict[str, Any] | None = None
    user_id: str | None = None


def _claims(given: dict[str, str]) -> _AskedClaims:
    # OpenID Connect Core section 5.5. Userinfo answers all that the scopes cover, so nothing more can be asked of it.
    if (value := given.get("claims")) is None:
        return _AskedClaims()
    try:
        claims = json.loads(value)
    except (ValueError, RecursionError):
        claims = None
    members: list[Any] = [claims.get(name, {}) for name in ("userinfo", "id_token")] if isinstance(claims, dict) else []
    if not members or not all(isinstance(member, dict) for member in members):
        raise RefusedRequest("invalid_request", "The claims parameter must be a JSON object of the specified form")
    known = [name for name in members[1] if name in SUPPORTED_CLAIMS]
    _refuse_unmet_acr(members[1].get("acr"))
    return _AskedClaims({"id_token": dict.fromkeys(known)} if known else None, _asked_subject(members))


def _refuse_unmet_acr(asked: Any) -> None:
    # Core section 5.5.1.1: an essential acr that cannot be met is a failed authentication; no acr is supported here.
    if isinstance(asked, dict) and asked.get("essential") is True and ("value" in asked or "values" in asked):
        raise RefusedRequest("unmet_authentication_requirements", "The requested acr cannot be met")


def _asked_subject(members: list[dict[str, Any]]) -> str | None:
    # Core section 3.1.2.2: tokens of another person than the one asked for are never given.
    asked = {
        _subject(member["sub"]["value"])
        for member in members
        if isinstance(member.get("sub"), dict) and "value" in member["sub"]
    }
    if len(asked) > 1:
        raise RefusedRequest("invalid_request", "The claims parameter asks for more than one subject")
    return asked.pop() if asked else None


def _subject(value: Any) -> str:
    # Core section 2: at most 255 ASCII characters; what is something else is the identifier of nobody.
    text = str(value)
    return text if len(text) <= 255 and text.isascii() and text.isprintable() else "-"
