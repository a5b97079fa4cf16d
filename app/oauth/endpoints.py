"""Revocation and introspection (:rfc:`7009`, :rfc:`7662`)."""

from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import InvalidRequestError, TokenEndpoint

from app.oauth.parameters import BackChannelRequest
from app.services.clients.clients import ClientRecord
from app.services.clients.registration import PROOFS
from app.services.clients.scopes import split
from app.services.grants.bearer import AccessState, RefreshState
from app.services.tokens.claims import covered_by
from app.services.tokens.tokens import InvalidToken, act
from app.web.security import caller
from app.wiring import services

Answer = tuple[int, dict[str, Any], list[tuple[str, str]]]
INACTIVE: dict[str, Any] = {"active": False}


class Revocation(TokenEndpoint):
    """Ends a token of the calling client."""

    ENDPOINT_NAME = "revocation"
    CLIENT_AUTH_METHODS: ClassVar = ["none", *PROOFS]

    def create_endpoint_response(self, request: BackChannelRequest) -> Answer:
        """200 for known, unknown and foreign tokens alike (RFC 7009 section 2.2)."""
        client = self.authenticate_endpoint_client(request)
        # RFC 7009 section 2.2.1: a hint only helps to look; we need no help, so any value will do.
        services.bearer.revoke(_required_token(request), client, caller())
        return 200, {}, []


class Introspection(TokenEndpoint):
    """Tells a confidential client about its own tokens, and a resource server about any."""

    ENDPOINT_NAME = "introspection"
    CLIENT_AUTH_METHODS: ClassVar = [*PROOFS]

    def create_endpoint_response(self, request: BackChannelRequest) -> Answer:
        """What RFC 7662 section 2.2 lets the caller know; else only that the token is not active."""
        client = self.authenticate_endpoint_client(request)
        token = _required_token(request)
        stored = services.bearer.refresh(token)
        if stored is not None:
            return (
                200,
                _describe_refresh(stored) if stored.is_active and _may_see(client, stored.client_id) else INACTIVE,
                [],
            )
        try:
            state = services.bearer.access(token)
        except InvalidToken:
            return 200, INACTIVE, []
        return 200, _describe_access(state) if _may_see(client, state.claims["client_id"]) else INACTIVE, []


def _required_token(request: BackChannelRequest) -> str:
    if token := request.form.get("token"):
        return token
    raise InvalidRequestError("The token is missing")


def _may_see(client: ClientRecord, owner: str) -> bool:
    return client.can_introspect_any or client.client_id == owner


def _describe_access(state: AccessState) -> dict[str, Any]:
    claims = state.claims
    names = ("sub", "aud", "iss", "exp", "iat", "jti", "client_id", "sid", "auth_time", "act")
    answer = {"active": True, "token_type": "Bearer", **{name: claims[name] for name in names if name in claims}}
    if "scope" in claims:
        answer["scope"] = " ".join(state.scopes)
    if state.subject:
        answer["username"] = state.subject.username
        answer |= _address(state.scopes, state.subject.email, is_verified=state.subject.email_verified)
    return answer


def _address(scopes: tuple[str, ...], email: str, *, is_verified: bool) -> dict[str, Any]:
    """The e-mail, where the scopes cover it as at userinfo."""
    return {"email": email, "email_verified": is_verified} if "email" in covered_by(scopes) else {}


def _describe_refresh(stored: RefreshState) -> dict[str, Any]:
    actor = act(stored.acted_by)
    return {
        "active": True,
        "token_type": "refresh_token",
        "sub": stored.user_id,
        "username": stored.username,
        "client_id": stored.client_id,
        "scope": stored.scope,
        "iss": services.settings.issuer,
        "iat": int(stored.issued_at.timestamp()),
        "exp": int(stored.expires_at.timestamp()),
        **({"act": actor} if actor else {}),
        **_address(split(stored.scope), stored.email, is_verified=stored.email_verified),
    }
