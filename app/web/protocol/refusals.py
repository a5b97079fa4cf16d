"""Why a request of the protocol was refused: one line of the log each, under the reference that the answer shows.

Error and description are the constants that the answer tells. The client is named by an id that can be one: what else
was sent in its place stands on the page that only its sender sees.
"""

import logging

from app.errors import Cause
from app.services.clients.registration import is_client_id
from app.services.record.tally import Fact
from app.services.record.usage import EVERYBODY, Use
from app.web.protocol.causes import CAUSES
from app.web.protocol.paths import within_protocol
from app.web.protocol.topics import TOPICS, topic_of
from app.wiring import services

NO_MISTAKE = frozenset({"login_required", "consent_required", "access_denied", "interaction_required"})
"""Errors that are answers: nobody is logged in, or somebody said no."""
logger = logging.getLogger("portal.protocol")


def note(endpoint: str, error: str, description: str, client_id: str | None = None, cause: Cause | None = None) -> None:
    """Write the line, and count it; by client under the check that refused, or the topic of the answer.

    The log adds the request's id, which is the reference on the page and in ``X-Request-ID``.
    """
    client = client_id if client_id and is_client_id(client_id) else None
    facts = {"endpoint": endpoint, "client_id": client, "error": error, "description": description}
    logger.info("protocol_refusal", extra=facts)
    services.tally.count(Fact.DENIAL, endpoint, error)
    if error in NO_MISTAKE:
        services.usage.count(client or EVERYBODY, Use.DECLINED, error)
    else:
        why = cause.check if cause else topic_of(error, description)
        services.usage.count(client or EVERYBODY, Use.REFUSAL, f"{endpoint}:{error}:{why}")


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


def explained(why: str) -> str:
    """What a check or topic that :func:`note` counted says, in a sentence or title; empty for one of another time."""
    return CAUSES.get(why) or (TOPICS[why].title if why in TOPICS else "")
