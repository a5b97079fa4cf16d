"""Client authentication: none, by a secret (:rfc:`6749#section-2.3`), or by a signed assertion (:rfc:`7521`)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError

from app.errors import Cause
from app.oauth import explained
from app.oauth.parameters import BackChannelRequest
from app.services.assertions.assertions import Assertion, Unproven, read
from app.services.clients.records import ClientRecord
from app.services.clients.registration import KEY_METHOD, SECRET_METHODS
from app.services.clients.secrets import is_secret
from app.services.record.audit import Event
from app.web.protocol.paths import PREFIXES
from app.web.security import caller, sender
from app.wiring import services

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""The one value of ``client_assertion_type`` (:rfc:`7523#section-2.2`)."""
CHALLENGE = 'Basic realm="MAX Platform", charset="UTF-8"'


class ClientRefused(InvalidClientError):
    """One answer for every failed authentication (:rfc:`6749#section-5.2`)."""

    def __init__(self, cause: Cause | None = None) -> None:
        super().__init__("Client authentication failed", status_code=401)
        self.cause = cause

    def get_headers(self) -> list[tuple[str, str]]:
        """With the challenge that 401 needs."""
        return [*super().get_headers(), ("WWW-Authenticate", CHALLENGE)]


@dataclass(frozen=True, slots=True)
class Presented:
    """The credentials of a request: the method, whose they are, and the secret or the assertion."""

    method: str
    client_id: str
    secret: str = ""
    assertion: Assertion | None = None


def authenticate(request: BackChannelRequest, *, allow_public: bool) -> ClientRecord:
    """The active client that sent ``request``; raises :class:`ClientRefused` or ``InvalidRequestError``."""
    presented = presented_credentials(request)
    client_id, method = presented.client_id, presented.method
    client, secrets = services.clients.find_with_secrets(client_id) if client_id else (None, ())
    request.claimed_id = client.client_id if client else ""
    # An unknown client costs the comparisons as well, so that time tells nothing.
    secret_matches = is_secret(presented.secret, secrets)
    if client is None or not client.is_active or not client.authenticates_by(method):
        cause = None
        # Of a client that was disabled nothing is told, whatever it holds.
        if client and client.is_active:
            cause = _another_way(presented, client, secret_matches)
            request.proven_id = client.client_id if secret_matches else ""
        raise _refused(client_id, client, cause)
    if method == "none":
        # RFC 9700 section 2.5: a confidential client never gets by without its secret.
        if not allow_public or client.is_confidential:
            raise _refused(client_id, client, Cause("needs_proof"))
    elif method == KEY_METHOD:
        _require_proof(request, presented.assertion, client)
    elif not secret_matches:
        raise _refused(client_id, client, Cause("secret", _of_secret(presented, client)))
    if method != "none":
        request.proven_id = client.client_id
    return client


def _require_proof(request: BackChannelRequest, assertion: Assertion | None, client: ClientRecord) -> None:
    """Have an assertion prove the client, once."""
    if assertion is None:
        raise _refused(client.client_id, client, Cause("assertion_form"), reason="form")
    issuer = services.settings.issuer
    try:
        services.assertions.use(assertion, client, [f"{issuer}{prefix}/token" for prefix in PREFIXES])
    except Unproven as unproven:
        if unproven.is_signed:
            request.proven_id = client.client_id
        cause = Cause(f"assertion_{unproven.reason}", unproven.facts)
        raise _refused(client.client_id, client, cause, reason=unproven.reason) from None


def _another_way(presented: Presented, client: ClientRecord, secret_matches: bool) -> Cause:
    """What is wrong with proving ``client`` by a method that is not its own."""
    facts = {"sent": presented.method, "registered": client.auth_method}
    if secret_matches:
        return Cause("method", facts)
    if not client.is_confidential:
        return Cause("secret_unasked", facts)
    if presented.method == "none":
        return Cause("secret_missing", facts)
    if KEY_METHOD in facts.values():
        return Cause("other_method", facts)
    return Cause("secret", _of_secret(presented, client))


def _of_secret(presented: Presented, client: ClientRecord) -> dict[str, str | int]:
    """What can be told of a wrong secret without telling it."""
    sent = presented.secret
    facts: dict[str, str | int] = {"sent": presented.method, "registered": client.auth_method, "length": len(sent)}
    return facts | ({"spaces": spaces} if (spaces := len(sent) - len(sent.strip())) else {})


def told_id(request: BackChannelRequest) -> str:
    """The client that may know why it was refused: it proved itself, or is one that is being developed; else empty."""
    if request.proven_id or not request.claimed_id:
        return request.proven_id
    client = services.clients.find(request.claimed_id)
    return client.client_id if client and explained.is_developed(client) else ""


def known_client_id(request: BackChannelRequest) -> str | None:
    """The client a refused request is of, proven or not: for the log, where nothing may stand but what is registered.

    Somebody who mixes up id and secret sends the secret in the id's place.
    """
    claimed = request.claimed_id or request.form.get("client_id", "")
    return claimed if claimed and services.clients.find(claimed) else None


def presented_credentials(request: BackChannelRequest) -> Presented:
    """What a client presents, by the one method it uses."""
    body_id, body_secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    header = request.headers.get("Authorization", "")
    has_assertion = "client_assertion" in request.form or "client_assertion_type" in request.form
    # RFC 6749 section 2.3, RFC 7521 section 4.2: not more than one method in a request.
    if bool(header) + bool(body_secret) + has_assertion > 1:
        raise InvalidRequestError("More than one client authentication method was used")
    if has_assertion:
        return _asserted(request.form, body_id)
    if not header:
        return Presented(SECRET_METHODS[1], body_id, body_secret) if body_secret else Presented("none", body_id)
    client_id, secret = _basic(header)
    _require_same(body_id, client_id)
    # RFC 6749 section 2.3.1: an empty secret may as well be left out, and public clients send it so (``client:``).
    return Presented(SECRET_METHODS[0], client_id, secret) if secret else Presented("none", client_id)


def _asserted(form: Mapping[str, str], body_id: str) -> Presented:
    """An assertion, and whose it says it is (:rfc:`7521#section-4.2`: the id of the body may be left out)."""
    assertion = read(form.get("client_assertion", "")) if form.get("client_assertion_type") == ASSERTION_TYPE else None
    # RFC 7521 section 4.2.1: an assertion of another client than the body's is none.
    if assertion is None or body_id not in {"", assertion.client_id}:
        return Presented(KEY_METHOD, body_id)
    return Presented(KEY_METHOD, assertion.client_id, assertion=assertion)


def _require_same(body_id: str, client_id: str) -> None:
    if body_id and body_id != client_id:
        raise InvalidRequestError("The client_id of the body differs from the one that authenticates")


def _basic(header: str) -> tuple[str, str]:
    # RFC 6749 section 2.3.1: both parts are form-urlencoded before they are joined.
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        raise ClientRefused
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise ClientRefused from None
    client_id, separator, secret = decoded.partition(":")
    if not separator:
        raise ClientRefused
    return unquote_plus(client_id), unquote_plus(secret)


def _refused(client_id: str, client: ClientRecord | None, cause: Cause | None = None, **details: str) -> ClientRefused:
    """Count, record and refuse."""
    services.rate_limits.hit("client_authentication", services.settings.limits.default, sender(), must_count=False)
    known = client.client_id if client else None
    services.audit.record_refusal(
        Event.CLIENT_AUTHENTICATION_FAILED, caller(), error="invalid_client", client_id=known, **details
    )
    return ClientRefused(cause)
