"""Authlib's authorization server held to this portal's rules. Every override names the rule it enforces."""

import json
from dataclasses import dataclass
from typing import Any

from authlib.oauth2 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Response

from app.errors import ProtocolRefusal
from app.oauth import client_authentication
from app.oauth.endpoints import Introspection, Revocation
from app.oauth.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from app.oauth.parameters import BackChannelRequest, HttpRequest, back_channel_request
from app.services.clients.clients import ClientRecord
from app.services.record.tally import Fact
from app.services.record.usage import Use
from app.web.protocol import explanations, refusals
from app.wiring import services

CALLED = {"token": "token", "revocation": "revoke", "introspection": "introspect"}
"""Endpoints as the log calls them."""
HEADERS = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache")]
"""Of every answer (:rfc:`6749#section-5.1`): JSON, never stored."""
_OURS = frozenset(name.lower() for name, _ in HEADERS)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint says, before it is a response of any framework."""

    status: int
    body: bytes
    headers: list[tuple[str, str]]

    def as_response(self) -> Response:
        """The same as a view returns it."""
        return Response(self.body, self.status, self.headers)


class PortalAuthorizationServer(AuthorizationServer):
    """Dispatches back-channel requests to grants and endpoints, and renders their errors as JSON."""

    def __init__(self) -> None:
        super().__init__()
        for grant in (AuthorizationCodeGrant, RefreshTokenGrant, ClientCredentialsGrant):
            self.register_grant(grant)
        for endpoint in (Revocation, Introspection):
            self.register_endpoint(endpoint)

    @property
    def grant_types(self) -> list[str]:
        """The grant types that are registered; metadata lists exactly these."""
        return [grant.GRANT_TYPE for grant, _ in self._token_grants]

    def query_client(self, client_id: str) -> ClientRecord | None:
        """Find a client."""
        return services.clients.find(client_id)

    def authenticate_client(
        self, request: BackChannelRequest, methods: list[str], endpoint: str = "token"
    ) -> ClientRecord:
        """RFC 6749 section 2.3: one method, exactly the registered one, on every endpoint alike."""
        client = client_authentication.authenticate(request, allow_public="none" in methods)
        limits = services.settings.limits
        services.rate_limits.hit("client", limits.token, client.client_id, must_count=False)
        return client

    def create_oauth2_request(self, request: HttpRequest) -> BackChannelRequest:
        """RFC 6749 section 3.2: parameters come in a form-encoded body, each once."""
        return back_channel_request(request)

    def get_token_grant(self, request: BackChannelRequest) -> Any:
        """RFC 6749 section 5.2: a missing grant type is an invalid request."""
        if not request.payload.grant_type:
            raise InvalidRequestError("The grant_type is missing")
        if request.payload.grant_type not in self.grant_types:
            raise OAuth2Error("The grant_type is not supported", status_code=400, error="unsupported_grant_type")
        return super().get_token_grant(request)

    def respond(self, name: str, request: HttpRequest) -> Answer:
        """Answer at the token endpoint (``token``) or a registered endpoint, whatever comes."""
        oauth_request = None
        try:
            oauth_request = self.create_oauth2_request(request)
            if name == "token":
                grant = self.get_token_grant(oauth_request)
                grant.validate_token_request()
                answer = self.handle_response(*grant.create_token_response())
                # Grants commit before they sign.
                services.tally.count(Fact.TOKEN, grant.GRANT_TYPE, "issued")
                services.usage.count(grant.client.client_id, Use.TOKEN, grant.GRANT_TYPE)
                return answer
            (endpoint,) = self._endpoints[name]
            return self.handle_response(*endpoint.create_endpoint_response(oauth_request))
        except ProtocolRefusal as refusal:
            error, cause = OAuth2Error(refusal.message, status_code=refusal.status, error=refusal.code), refusal.cause
        except OAuth2Error as refused:
            error, cause = refused, getattr(refused, "cause", None)
        told_id = client_authentication.told_id(oauth_request) if cause and oauth_request else ""
        uri = explanations.address(error.error or "", error.description or "", cause, told_id)
        client_id = client_authentication.known_client_id(oauth_request) if oauth_request else None
        refusals.note(CALLED[name], error.error or "", error.description or "", client_id, cause)
        if name == "token":
            asked = oauth_request.payload.grant_type if oauth_request else None
            services.tally.count(Fact.TOKEN, asked if asked in self.grant_types else "other", error.error or "")
        return self.handle_response(*error(uri))

    def handle_response(self, status: int, payload: dict[str, Any] | str, headers: Any) -> Answer:
        """RFC 6749 section 5.1: JSON, never stored."""
        body = json.dumps(payload) if isinstance(payload, dict) else payload
        # Each once: Authlib's errors bring a challenge of their own before ours.
        more = {name: value for name, value in headers if name.lower() not in _OURS}
        return Answer(status, body.encode(), [*HEADERS, *more.items()])

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""
