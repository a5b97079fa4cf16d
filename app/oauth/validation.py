"""``token/validate``: JSON in, one word out, for backends that keep a token and ask whether it still counts."""

from authlib.oauth2 import OAuth2Error
from flask import Request, Response, jsonify

from app.errors import ProtocolRefusal
from app.oauth.client_authentication import authenticate
from app.oauth.parameters import BackChannelRequest
from app.services.clients.clients import ClientRecord
from app.services.foundation.json_objects import json_object
from app.services.tokens.tokens import InvalidToken
from app.web.protocol import refusals
from app.wiring import services

BLACKLISTED = "Token is blacklisted"
UNKNOWN = "Token is invalid or expired"
CREDENTIALS = ("client_id", "client_secret", "client_assertion", "client_assertion_type")


def answer(request: Request) -> Response:
    """``{"valid": true}`` or ``{"valid": false, "reason": …}``; the client authenticates as at the token endpoint."""
    asked = BackChannelRequest(request, {})
    try:
        members = _members(request)
        asked = BackChannelRequest(request, {name: members[name] for name in CREDENTIALS if members.get(name)})
        reason = _reason(members, authenticate(asked, allow_public=False))
    except OAuth2Error as error:
        refusals.note("validate", error.error or "", error.description or "", asked.claimed_id)
        response = jsonify(error=error.error, error_description=error.description)
        response.status_code = error.status_code
        for name, value in error.get_headers():
            if name.lower() == "www-authenticate":
                response.headers[name] = value
        return response
    except ProtocolRefusal as refusal:
        refusals.note("validate", refusal.code, refusal.message, asked.claimed_id)
        response = jsonify(error=refusal.code, error_description=refusal.message)
        response.status_code = refusal.status
        return response
    return jsonify(valid=True) if reason is None else jsonify(valid=False, reason=reason)


def _members(request: Request) -> dict[str, str]:
    if request.mimetype != "application/json":
        raise ProtocolRefusal("invalid_request", "The body must be application/json", 415)
    try:
        body = json_object(request.get_data())
    except ValueError:
        raise ProtocolRefusal("invalid_request", "The body must be a JSON object with each member once") from None
    given = [name for name in ("access_token", "refresh_token") if isinstance(body.get(name), str) and body[name]]
    if len(given) != 1:
        raise ProtocolRefusal("invalid_request", "Send either access_token or refresh_token")
    return {name: value for name, value in body.items() if name in (*given, *CREDENTIALS) and isinstance(value, str)}


def _reason(members: dict[str, str], client: ClientRecord) -> str | None:
    """Why the token does not count, or None when it does."""
    if "refresh_token" in members:
        stored = services.bearer.refresh(members["refresh_token"])
        if stored is None or not _may_ask(client, stored.client_id):
            return UNKNOWN
        return None if stored.is_active else BLACKLISTED if stored.was_ended else UNKNOWN
    token = members["access_token"]
    try:
        state = services.bearer.access(token)
    except InvalidToken:
        return BLACKLISTED if services.bearer.is_revoked_for(token, client) else UNKNOWN
    return None if _may_ask(client, state.claims["client_id"]) else UNKNOWN


def _may_ask(client: ClientRecord, owner: str) -> bool:
    return client.can_introspect_any or client.client_id == owner
