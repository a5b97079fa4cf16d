"""Whose clients a client manager may not touch: those that act beyond what client managers may."""

from app.models import Client
from app.services.clients.records import ClientRecord
from app.services.clients.scopes import SERVICE_PREFIX
from app.services.foundation.environment import Caller


def is_beyond(client: Client | ClientRecord) -> bool:
    """Whether ``client`` may have scopes of services, or see every token."""
    scopes = client.allowed_scopes or ()
    return client.can_introspect_any or any(scope.startswith(SERVICE_PREFIX) for scope in scopes)


def require_reach(caller: Caller, client: Client) -> None:
    """Raise :class:`app.errors.OutOfPower` where the client :func:`is_beyond` what client managers may.

    Whoever sets its secret or its addresses can act as it, and only administrators of the platform may do all it may.
    """
    caller.require_full_if(is_beyond(client))
