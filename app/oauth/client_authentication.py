"""Client authentication: none, client_secret_basic, client_secret_post (:rfc:`6749#section-2.3`)."""

import base64
import binascii
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError

from app.oauth.parameters import BackChannelRequest
from app.services.clients.clients import ClientRecord, is_secret
from app.services.record.audit import Event
from app.web.security import caller, sender
from app.wiring import services

CHALLENGE = 'Basic realm="MAX Platform", charset="UTF-8"'


class ClientRefused(InvalidClientError):
    """One answer for every failed authentication (:rfc:`6749#section-5.2`)."""

    def __init__(self) -> None:
        super().__init__("Client authentication failed", status_code=401)

    def get_headers(self) -> list[tuple[str, str]]:
        """With the challenge that 401 needs."""
        return [*super().get_headers(), ("WWW-Authenticate", CHALLENGE)]


def authenticate(request: BackChannelRequest, *, allow_public: bool) -> ClientRecord:
    """The active client that sent ``request``; raises :class:`ClientRefused` or ``InvalidRequestError``."""
    method, client_id, secret = presented_credentials(request)
    client = services.clients.find(client_id) if client_id else None
    request.claimed_id = client.client_id if client else ""
    # An unknown client costs a comparison as well, so that time tells nothing.
    secret_matches = is_secret(secret, client.secret_hash if client else None)
    if client is None or not client.is_active or not client.authenticates_by(method):
        raise _refused(client_id, client)
    if method == "none":
        # RFC 9700 section 2.5: a confidential client never gets by without its secret.
        if not allow_public or client.is_confidential:
            raise _refused(client_id, client)
    elif not secret_matches:
        raise _refused(client_id, client)
    return client


def known_client_id(request: BackChannelRequest) -> str | None:
    """The client a refused request is of, proven or not: for the log, where nothing may stand but what is registered.

    Somebody who mixes up id and secret sends the secret in the id's place.
    """
    claimed = request.claimed_id or request.form.get("client_id", "")
    return claimed if claimed and services.clients.find(claimed) else None


def presented_credentials(request: BackChannelRequest) -> tuple[str, str, str]:
    """Method, client id and secret as presented."""
    body_id, body_secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    header = request.headers.get("Authorization", "")
    if not header:
        return ("client_secret_post", body_id, body_secret) if body_secret else ("none", body_id, "")
    # RFC 6749 section 2.3: not more than one method in a request.
    if body_secret:
        raise InvalidRequestError("More than one client authentication method was used")
    client_id, secret = _basic(header)
    if body_id and body_id != client_id:
        raise InvalidRequestError("The client_id of the body differs from the one that authenticates")
    # RFC 6749 section 2.3.1: an empty secret may as well be left out, and public clients send it so (``client:``).
    return ("client_secret_basic", client_id, secret) if secret else ("none", client_id, "")


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


def _refused(client_id: str, client: ClientRecord | None) -> ClientRefused:
    """Count, record and refuse."""
    services.rate_limits.hit("client_authentication", services.settings.limits.default, sender(), must_count=False)
    known = client.client_id if client else None
    services.audit.record_refusal(Event.CLIENT_AUTHENTICATION_FAILED, caller(), error="invalid_client", client_id=known)
    return ClientRefused()
