"""The end of old records: up to a signed checkpoint that is older than the period, in small transactions."""

import time
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.models import AuditCheckpoint, AuditLog, AuditSeal
from app.services.foundation.environment import Caller, Clock, Database
from app.services.record.audit import Event
from app.services.record.chain import Chain

BATCH = 200
MOST = 20_000
"""Records that are removed in one go; the rest waits for the next."""
PAUSE_SECONDS = 0.02
REMOVER = Caller(actor="retention")
_log = cast(sa.Table, AuditLog.__table__)
_seal = cast(sa.Table, AuditSeal.__table__)
_checkpoint = cast(sa.Table, AuditCheckpoint.__table__)


class Retention:
    """Removes what is older than ``kept``; nothing where that is zero."""

    def __init__(self, db: Database, clock: Clock, chain: Chain, kept: timedelta) -> None:
        self.db = db
        self.clock = clock
        self.chain = chain
        self.kept = kept

    def run(self, most: int = MOST, pause: float = PAUSE_SECONDS) -> int:
        """Remove up to ``most`` records; answers how many that were. Commits each batch.

        The trail begins behind the checkpoint from the first moment on: that is on record, sealed, before a record
        goes. What a crash leaves of those before it is removed the next time.
        """
        if not self.kept:
            return 0
        self._move_anchor()
        anchor, removed = self.chain.head().anchor_sequence, 0
        while removed < most and (count := self._remove(anchor)):
            removed += count
            time.sleep(pause)
        return removed

    def _move_anchor(self) -> None:
        """Have the trail begin behind the latest checkpoint that is old enough."""
        head = self.chain.intervene()
        old = sa.select(_checkpoint).where(
            _checkpoint.c.signed_at < self.clock() - self.kept,
            _checkpoint.c.sequence > head.anchor_sequence,
            # Not what somebody wrote who could not sign: only where the chain still is what was signed.
            sa.select(_seal.c.sequence)
            .where(_seal.c.sequence == _checkpoint.c.sequence, _seal.c.hash == _checkpoint.c.hash)
            .exists(),
        )
        row = self.db.session.execute(old.order_by(_checkpoint.c.sequence.desc()).limit(1)).first()
        if row is None:
            self.db.rollback()
            return
        count = row.sequence - head.anchor_sequence
        told = {"sequence": row.sequence, "hash": row.hash, "checkpoint": row.number, "count": count}
        self.chain.record(Event.AUDIT_TRIMMED, REMOVER, **told)
        self.chain.move_anchor(row.sequence, row.hash)
        self.db.commit()

    def _remove(self, anchor: int) -> int:
        """Remove a batch of what stands before the anchor."""
        execute = self.db.session.execute
        some = sa.select(_seal.c.sequence, _seal.c.record_id).where(_seal.c.sequence <= anchor)
        found = execute(some.order_by(_seal.c.sequence).limit(BATCH)).all()
        if not found:
            self.db.rollback()
            return 0
        execute(sa.delete(_log).where(_log.c.id.in_([row.record_id for row in found])))
        gone = execute(sa.delete(_seal).where(_seal.c.sequence <= found[-1].sequence))
        self.db.commit()
        return int(cast(Any, gone).rowcount)
