"""Whether the nodes that serve know the same secrets.

Each keeps in the database, for each secret, one mark for every value it accepts, the one it works with first. A mark is
made with the value as key and takes long to make, so that nobody who reads it can try values. A node that finds another
one's marks knows whether both can read what either makes.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa

from app.models import KnownSecrets
from app.services.foundation.environment import Clock, Database
from app.services.foundation.statements import Statement, insert_ignoring

REPEATED = timedelta(seconds=10)
"""How often a node says that it is still there."""
ALIVE = timedelta(seconds=30)
"""Who has not said so for this long serves no more."""
MOST_VALUES = 12
_TABLE = cast(sa.Table, KnownSecrets.__table__)
_ROWS = Statement(sa.select(_TABLE.c.secret, _TABLE.c.marks, _TABLE.c.seen_at))
logger = logging.getLogger("portal.agreement")


class Agreement:
    """Tells which values of each secret this node knows, and finds the nodes that know others."""

    def __init__(self, db: Database, clock: Clock, secrets: Mapping[str, Sequence[str]], place: str) -> None:
        self.db = db
        self.clock = clock
        self._secrets = {name: tuple(known[:MOST_VALUES]) for name, known in secrets.items() if known and known[0]}
        self._place = place
        self._said: list[str] = []

    def tell(self) -> None:
        """Say that this node is there, and say in the log when another one knows other secrets. Commits."""
        rows, now = _ROWS.all(self.db), self.clock()
        seen = {(row.secret, row.marks): row.seen_at for row in rows}
        own = self._own()
        if any(seen.get(each, now - ALIVE) <= now - REPEATED for each in own):
            self._note(own)
        problems = self._problems(rows)
        for problem in problems:
            if problem not in self._said:
                logger.warning("secrets_differ", extra={"reason": problem})
        self._said = problems

    def leave(self) -> None:
        """Say that this node is going; another process that knows the same says anew that it is there. Commits."""
        for secret, marks in self._own():
            self.db.session.execute(sa.delete(_TABLE).where(_TABLE.c.secret == secret, _TABLE.c.marks == marks))
        self.db.commit()

    def problems(self) -> list[str]:
        """One line for each secret about which a node that serves and this one disagree."""
        return self._problems(_ROWS.all(self.db))

    def is_in_use(self, secret: str) -> bool:
        """Whether every node that serves works with the same value of ``secret`` as this one."""
        mine = self._marks(secret)[0]
        return all(row.marks.split()[0] == mine for row in self._alive(_ROWS.all(self.db)) if row.secret == secret)

    def _problems(self, rows: Sequence[Any]) -> list[str]:
        found: dict[tuple[str, bool, bool], None] = {}
        for row in self._alive(rows):
            if row.secret in self._secrets:
                mine, theirs = self._marks(row.secret), row.marks.split()
                is_unread, is_unreadable = mine[0] not in theirs, theirs[0] not in mine
                if is_unread or is_unreadable:
                    found[row.secret, is_unread, is_unreadable] = None
        return [_sentence(*each) for each in found]

    def _alive(self, rows: Sequence[Any]) -> list[Any]:
        now = self.clock()
        return [row for row in rows if row.seen_at > now - ALIVE]

    def _note(self, own: Sequence[tuple[str, str]]) -> None:
        now = self.clock()
        self.db.session.execute(sa.delete(_TABLE).where(_TABLE.c.seen_at <= now - ALIVE))
        for secret, marks in own:
            is_mine = sa.and_(_TABLE.c.secret == secret, _TABLE.c.marks == marks)
            values = {"secret": secret, "marks": marks, "seen_at": now}
            self.db.session.execute(insert_ignoring(self.db.dialect, _TABLE).values(values))
            self.db.session.execute(sa.update(_TABLE).where(is_mine).values(seen_at=now))
        self.db.commit()

    def _own(self) -> list[tuple[str, str]]:
        return [(secret, " ".join(self._marks(secret))) for secret in self._secrets]

    def _marks(self, secret: str) -> list[str]:
        return [_mark(f"{secret} {self._place}", value) for value in self._secrets[secret]]


@lru_cache(maxsize=256)
def _mark(purpose: str, value: str) -> str:
    """Sixteen bytes that only ``value`` gives; 16 MB and some 40 ms for each value somebody would try (:rfc:`7914`)."""
    return hashlib.scrypt(value.encode(), salt=purpose.encode(), n=2**14, r=8, p=1, dklen=16).hex()


def _sentence(secret: str, is_unread: bool, is_unreadable: bool) -> str:
    if is_unread and is_unreadable:
        return f"{secret} is another one on another node: neither can read what the other makes with it."
    if is_unread:
        return f"{secret}: another node does not know the value that this one works with."
    return f"{secret}: another node works with a value that this one does not know."
