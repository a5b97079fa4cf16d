"""Whose clients a client manager may not touch: those that act beyond what client managers may."""

from app.models import Client
from app.services.clients.scopes import SERVICE_PREFIX
from app.services.foundation.environment import Caller


def require_reach(caller: Caller, client: Client) -> None:
    """Raise :class:`app.errors.OutOfPower` where ``client`` may have scopes of services, or see every token.

    Whoever sets its secret or its addresses can act as it, and only administrators of the platform may do all it may.
    """
    scopes = client.allowed_scopes or ()
    is_beyond = client.can_introspect_any or any(scope.startswith(SERVICE_PREFIX) for scope in scopes)
    caller.require_full_if(is_beyond)
