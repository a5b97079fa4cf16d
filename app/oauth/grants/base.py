"""What every grant does first, so that none can forget it."""

from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import BaseGrant, InvalidRequestError, TokenEndpointMixin

from app.errors import Cause, ProtocolRefusal
from app.services.clients.registration import PROOFS
from app.services.tokens.tokens import TokenAnswer


class PortalGrant(BaseGrant, TokenEndpointMixin):
    """A grant of the token endpoint."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["none", *PROOFS]
    REQUIRED: tuple[str, ...] = ()

    def validate_token_request(self) -> None:
        """Authenticate the client, then see that it holds the grant and sent what the grant needs."""
        # RFC 6749 section 3.2.1
        self.request.client = self.authenticate_token_endpoint_client()
        # RFC 6749 section 5.2: unauthorized_client
        if self.GRANT_TYPE not in self.client.grant_types:
            cause = Cause("grant_type", {"sent": self.GRANT_TYPE, "registered": " ".join(self.client.grant_types)})
            raise ProtocolRefusal("unauthorized_client", "The client may not use this grant type", cause=cause)
        for name in self.REQUIRED:
            if name not in self.request.form:
                raise InvalidRequestError(f"The {name} is missing")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The successful answer (:rfc:`6749#section-5.1`)."""
        return 200, self.exchange().as_dict(), []

    def exchange(self) -> TokenAnswer:
        """What the grant is exchanged for."""
        raise NotImplementedError
