"""The client credentials grant: tokens of services (:rfc:`6749#section-4.4`)."""

from typing import ClassVar

from app.errors import Cause, ProtocolRefusal
from app.oauth.grants.base import PortalGrant
from app.services.clients.registration import PROOFS
from app.services.clients.scopes import OF_PERSONS, split
from app.services.record.audit import Event
from app.services.record.explanations import scope_names
from app.services.record.usage import Use
from app.services.tokens.tokens import TokenAnswer
from app.web.security import caller
from app.wiring import services


class ClientCredentialsGrant(PortalGrant):
    """Gives a confidential client a token of its own."""

    GRANT_TYPE = "client_credentials"
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = [*PROOFS]

    def exchange(self) -> TokenAnswer:
        """A service token for the requested scopes, or for all that a service of this kind may have."""
        allowed = [scope for scope in self.client.allowed_scopes if scope not in OF_PERSONS]
        requested = split(self.request.form.get("scope"))
        # RFC 6749 section 3.3: a scope that is not allowed is refused, not dropped.
        if more := [scope for scope in requested if scope not in allowed]:
            cause = Cause("scope", {"sent": scope_names(more), "registered": " ".join(allowed)})
            said = "The requested scope is not allowed for this client"
            raise ProtocolRefusal("invalid_scope", said, cause=cause)
        scope = " ".join(requested or allowed)
        services.tokens.require_signers(self.client, ())
        services.audit.record(
            Event.SERVICE_TOKEN_ISSUED, caller(), client_id=self.client.client_id, is_alone=True, scope=scope
        )
        services.usage.count(self.client.client_id, Use.SCOPE, *(requested or allowed))
        # On record before it exists; and nobody waits for the database while it is signed.
        services.db.commit()
        return services.tokens.service_token(self.client, scope)
