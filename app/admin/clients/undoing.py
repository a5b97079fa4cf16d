"""What was changed here a while ago and can be taken back: the values before it, signed, in the address of a page."""

from collections.abc import Mapping
from typing import Any

from flask_login import current_user
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.services.clients.records import ClientRecord
from app.wiring import services

SECONDS = 3600
LONGEST = 4000
"""Characters; a change of more is not offered to be undone, as an address of a page has to hold it."""
FOR_GOOD = frozenset({"auth_method", "is_confidential"})
"""Columns whose change ends something that does not come back."""


def mark_of(client: ClientRecord, foreseen: Mapping[str, tuple[Any, Any]]) -> str | None:
    """What :func:`undoable` reads, of a change that was just made; None where it cannot be undone."""
    if not FOR_GOOD.isdisjoint(foreseen):
        return None
    before = {name: was for name, (was, _is_now) in foreseen.items()}
    mark = str(_serializer().dumps({"of": [current_user.id, client.client_id, stamp(client)], "before": before}))
    return mark if len(mark) <= LONGEST else None


def undoable(client: ClientRecord, mark: str | None) -> dict[str, Any] | None:
    """The values before a change that was made by whoever is here, if nothing was changed since."""
    try:
        found = _serializer().loads(mark or "", max_age=SECONDS)
    except BadSignature:
        return None
    if found["of"] != [current_user.id, client.client_id, stamp(client)]:
        return None
    before: dict[str, Any] = found["before"]
    return before


def stamp(client: ClientRecord) -> str:
    """What is another one after each change of the application."""
    return client.updated_at.isoformat()


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services.settings.signing_secrets, salt="changed-client")
