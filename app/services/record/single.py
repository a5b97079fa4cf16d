"""One record, with what proves it: its place in the chain, whether it is what was sealed there, who signed that."""

from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound
from app.models import AuditChain, AuditCheckpoint, AuditLog, AuditSeal
from app.services.foundation.environment import Caller, Database
from app.services.record.audit import Audit, Event
from app.services.record.forms import BEGINNING, hash_of, personal_hash_of
from app.services.record.trail import as_item

_log = cast(sa.Table, AuditLog.__table__)
_seal = cast(sa.Table, AuditSeal.__table__)
_chain = cast(sa.Table, AuditChain.__table__)
_checkpoint = cast(sa.Table, AuditCheckpoint.__table__)


@dataclass(frozen=True, slots=True)
class Proof:
    """The seal of a record, and the first signed checkpoint that covers it.

    ``is_whole`` says whether the record is what was sealed, behind what stands before it; None where that is not there
    any more. Whether the trail is whole, only reading all of it tells.
    """

    seal: Any
    previous: str | None
    is_erased: bool
    is_whole: bool | None
    checkpoint: Any


@dataclass(frozen=True, slots=True)
class SingleRecord:
    """A record by the names of its columns; ``proof`` is None until it is sealed."""

    record: dict[str, Any]
    proof: Proof | None


class SingleRecords:
    """Reads records one by one."""

    def __init__(self, db: Database, audit: Audit) -> None:
        self.db = db
        self.audit = audit

    def get(self, record_id: str, caller: Caller) -> SingleRecord:
        """The record of that id; raises :class:`NotFound`. Goes on record."""
        row = self._first(sa.select(_log).where(_log.c.id == record_id))
        if row is None:
            raise NotFound
        self.audit.record(Event.AUDIT_READ, caller, record=record_id, count=1)
        return SingleRecord(dict(row._mapping), self._proof(record_id))

    def is_there(self, record_id: str) -> bool:
        """Whether there is a record of that id. Says nothing of it, so that this goes on no record."""
        return self._first(sa.select(_log.c.id).where(_log.c.id == record_id)) is not None

    def _proof(self, record_id: str) -> Proof | None:
        both = sa.select(*_log.c, *_seal.c).join(_seal, _seal.c.record_id == _log.c.id)
        found = self._first(both.where(_log.c.id == record_id))
        if found is None:
            return None
        item, previous = as_item(found), self._before(found.sequence)
        is_erased = not item["salt"]
        is_itself = is_erased or personal_hash_of(item) == item["personal_hash"]
        is_whole = None if previous is None else is_itself and hash_of(item, previous) == item["hash"]
        covering = sa.select(_checkpoint).where(_checkpoint.c.sequence >= found.sequence)
        checkpoint = self._first(covering.order_by(_checkpoint.c.sequence, _checkpoint.c.number).limit(1))
        return Proof(found, previous, is_erased, is_whole, checkpoint)

    def _before(self, sequence: int) -> str | None:
        """The hash that a record at a place follows."""
        if sequence == 1:
            return BEGINNING
        chain = self._first(sa.select(_chain))
        if chain.anchor_sequence == sequence - 1:
            return str(chain.anchor_hash)
        row = self._first(sa.select(_seal.c.hash).where(_seal.c.sequence == sequence - 1))
        return None if row is None else str(row.hash)

    def _first(self, query: "sa.Select[Any]") -> Any:
        return self.db.session.execute(query).first()
