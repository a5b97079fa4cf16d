"""Why a request of the protocol was refused: one line of the log each, under the reference that the answer shows.

Error and description are the constants that the answer tells. The client is named by an id that can be one: what else
was sent in its place stands on the page that only its sender sees.
"""

import logging

from app.services.clients.registration import is_client_id
from app.services.record.tally import Fact
from app.web.protocol.paths import within_protocol
from app.wiring import services

logger = logging.getLogger("portal.protocol")


def note(endpoint: str, error: str, description: str, client_id: str | None = None) -> None:
    """Write the line, and count it.

    The log adds the request's id, which is the reference on the page and in ``X-Request-ID``.
    """
    client = client_id if client_id and is_client_id(client_id) else None
    facts = {"endpoint": endpoint, "client_id": client, "error": error, "description": description}
    logger.info("protocol_refusal", extra=facts)
    services.tally.count(Fact.DENIAL, endpoint, error)


def endpoint_of(path: str) -> str | None:
    """What a path of the protocol is called in the log; None for other paths."""
    within = within_protocol(path)
    return None if within is None else KNOWN.get(within, "unknown")


KNOWN = {
    "authorize": "authorize",
    "authorize/resume": "authorize",
    "token": "token",
    "token/validate": "validate",
    "userinfo": "userinfo",
    "revoke": "revoke",
    "introspect": "introspect",
    "logout": "logout",
    "logout/resume": "logout",
    "logout/confirm": "logout",
}
"""Paths below a prefix."""
