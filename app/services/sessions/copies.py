"""Encrypted copies, in the Redis that all hosts share, of whose session it is and what is said about that person.

The row is the truth. A copy only spares looking the person up with groups and roles: each time it is used, the rows of
the session and of the person are asked whether they still stand as they did, so what ended stays ended, whatever Redis
lost, kept too long or was restored to. Who changes what is not in the person's row (memberships) moves the person's
``updated_at``; names and permissions of roles and groups, which are in neither, have a version that is read as well.
The plan that counts is at most :data:`LIFE` old where it changes with the time alone.

A process remembers the copies it opened: asking Redis and decrypting takes longer than what a copy spares, so that is
done once for each session and process, not for each request.
"""

import json
import threading
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from app.services.foundation.environment import Clock
from app.services.foundation.sealing import Sealer, Unopenable
from app.services.tokens.claims import Subject
from app.stores import SharedStore

LIFE = timedelta(seconds=60)
MOST_REMEMBERED = 2000
"""Copies a process remembers, some two kilobytes each."""


@dataclass(frozen=True, slots=True)
class SessionCopy:
    """A person as of ``made_at``: the row last changed at ``updated_at``, roles and groups of ``version``."""

    session_id: str
    subject: Subject
    updated_at: datetime
    made_at: datetime
    version: int | None


class SessionCopies:
    """Keeps and finds copies by the hash of the cookie's value."""

    def __init__(self, store: SharedStore, sealer: Sealer, clock: Clock) -> None:
        self.store = store
        self.sealer = sealer
        self.clock = clock
        self._remembered: dict[str, SessionCopy] = {}
        self._lock = threading.Lock()

    def find(self, token_hash: str) -> SessionCopy | None:
        """The copy, unless it is missing, too old, or was sealed with a key we do not hold; or Redis is away."""
        copy = self._remembered.get(token_hash)
        if copy is None or not self._is_young(copy):
            # Redis forgets by its own clock, and a snapshot that is restored has not grown older meanwhile.
            copy = self._fetched(token_hash)
            if copy is None or not self._is_young(copy):
                return None
            self._remember(token_hash, copy)
        return copy

    def keep(
        self, token_hash: str, session_id: str, subject: Subject, updated_at: datetime, version: int | None
    ) -> None:
        """Write a copy, if Redis is there."""
        copy = SessionCopy(session_id, subject, updated_at, self.clock(), version)
        self._remember(token_hash, copy)
        sealed = self.sealer.seal(json.dumps(asdict(copy), default=datetime.isoformat).encode())
        self.store.put(_key(token_hash), sealed.encode(), int(LIFE.total_seconds()))

    def _fetched(self, token_hash: str) -> SessionCopy | None:
        sealed = self.store.get(_key(token_hash))
        if sealed is None:
            return None
        try:
            return _opened(json.loads(self.sealer.open(sealed.decode("ascii"))))
        except (Unopenable, ValueError, KeyError, TypeError):
            return None

    def _is_young(self, copy: SessionCopy) -> bool:
        return timedelta() <= self.clock() - copy.made_at < LIFE

    def _remember(self, token_hash: str, copy: SessionCopy) -> None:
        with self._lock:
            self._remembered.pop(token_hash, None)
            self._remembered[token_hash] = copy
            if len(self._remembered) > MOST_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]


def _key(token_hash: str) -> str:
    return f"session:{token_hash}"


def _opened(values: dict[str, Any]) -> SessionCopy:
    subject = {**values["subject"], "permissions": tuple(values["subject"]["permissions"])}
    updated_at, made_at = (datetime.fromisoformat(values[name]) for name in ("updated_at", "made_at"))
    return SessionCopy(values["session_id"], Subject(**subject), updated_at, made_at, values["version"])
