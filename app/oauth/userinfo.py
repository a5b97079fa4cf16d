"""Bearer tokens at the userinfo endpoint: where they may stand, and how refusals look (:rfc:`6750`)."""

from typing import Any

from flask import Request, Response, jsonify

from app.errors import Cause, ProtocolRefusal
from app.oauth.parameters import FORM
from app.services.grants.bearer import AccessState
from app.services.tokens.claims import FOR_USERINFO
from app.web.protocol import explanations, refusals
from app.wiring import services

REALM = "MAX Platform"


class NoToken(ProtocolRefusal):
    """No authentication was attempted, so no error code is told (:rfc:`6750#section-3.1`)."""

    def __init__(self) -> None:
        super().__init__("", "A bearer token is required", 401)


class InsufficientScope(ProtocolRefusal):
    """The token is good but does not reach so far."""

    def __init__(self, state: AccessState) -> None:
        check = "token_scope" if state.subject else "token_of_service"
        cause = Cause(check, {"granted": " ".join(state.scopes), "expected": FOR_USERINFO[0]})
        super().__init__("insufficient_scope", "The token has no scope that covers this", 403, cause)


def presented(request: Request) -> str:
    """The bearer token of a request: in the header, or in a form body; never in the query (RFC 9700 section 4.3.2)."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    in_header = credentials.strip() if scheme.lower() == "bearer" else ""
    in_body = ""
    if request.method == "POST" and request.mimetype == FORM:
        given = request.form.getlist("access_token")
        if len(given) > 1:
            raise ProtocolRefusal("invalid_request", "The access_token is repeated")
        in_body = given[0] if given else ""
    if "access_token" in request.args:
        raise ProtocolRefusal("invalid_request", "A token in the query is not accepted")
    if in_header and in_body:
        raise ProtocolRefusal("invalid_request", "The token was sent in more than one way")
    if token := in_header or in_body:
        return token
    raise NoToken


def claims_of(state: AccessState) -> dict[str, Any]:
    """What the token's scopes cover; raises :class:`InsufficientScope`."""
    if state.subject is None or not set(state.scopes) & set(FOR_USERINFO):
        raise InsufficientScope(state)
    said = services.claims.userinfo(state.subject, state.scopes)
    # RFC 8693 section 4.1: who acts as the person.
    return {**said, "act": state.claims["act"]} if "act" in state.claims else said


def refused(refusal: ProtocolRefusal, client_id: str | None = None, token: str = "") -> Response:
    """The refusal with its challenge (:rfc:`6750#section-3`), on record with the client if that is known."""
    refusals.note("userinfo", refusal.code or "unauthorized", refusal.message, client_id)
    challenge = f'Bearer realm="{REALM}"'
    if refusal.code:
        uri = explanations.of_bearer(refusal.code, refusal.message, token, refusal.cause)
        challenge += f', error="{refusal.code}", error_description="{refusal.message}", error_uri="{uri}"'
    if isinstance(refusal, InsufficientScope):
        challenge += f', scope="{" ".join(FOR_USERINFO[:1])}"'
    response = jsonify(error=refusal.code or "unauthorized", error_description=refusal.message)
    response.status_code = refusal.status
    response.headers["WWW-Authenticate"] = challenge
    return response
