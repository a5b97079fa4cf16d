"""Reading the trail: the whole of it, item by item, for who exports or verifies it, and one record with its proof.

Reading it is on record itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound, Unavailable
from app.models import AuditChain, AuditCheckpoint, AuditLog, AuditSeal, User
from app.services.foundation.environment import Caller, Clock, Database
from app.services.record.audit import Audit, Event
from app.services.record.canonical import moment
from app.services.record.chain import Chain
from app.services.record.checkpoints import Checkpoints, described
from app.services.record.forms import BEGINNING, DELETED, FORMAT, hash_of, personal_hash_of
from app.services.record.verification import Finding, Report, Verifier

PAGE = 1000
OVERDUE = timedelta(hours=1)
"""A record that has no seal after so long is one that sealing does not get to."""
_log = cast(sa.Table, AuditLog.__table__)
_seal = cast(sa.Table, AuditSeal.__table__)
_chain = cast(sa.Table, AuditChain.__table__)
_checkpoint = cast(sa.Table, AuditCheckpoint.__table__)
_user = cast(sa.Table, User.__table__)


class NoCheckpoint(Unavailable):
    """Nothing can be signed."""

    message = "No checkpoint can be made: the audit key does not open. See docs/audit.md."


class Trail:
    """Reads records, seals, checkpoints."""

    def __init__(
        self, db: Database, clock: Clock, audit: Audit, chain: Chain, checkpoints: Checkpoints, issuer: str
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.chain = chain
        self.checkpoints = checkpoints
        self.issuer = issuer

    def prepare(self) -> None:
        """Seal what is pending and sign it. Commits. Raises :class:`NoCheckpoint`."""
        self.chain.run_to_the_end()
        try:
            self.checkpoints.make()
        except Unavailable:
            raise NoCheckpoint from None

    def record_export(self, caller: Caller, form: str, since: datetime | None) -> None:
        """Put an export on record before it is made, so that it holds this record itself. Commits."""
        count = self.chain.head().sequence - self._anchor(since)[0]
        told: dict[str, Any] = {"since": moment(since)} if since else {}
        self.audit.record(Event.AUDIT_EXPORTED, caller, form=form, count=count, **told)
        self.db.commit()

    def export(self, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """All items, or those from the last checkpoint before ``since`` on, as they are at one moment.

        To be read in a unit of work of its own that only reads. It ends with the last checkpoint, which is of all that
        is sealed: an erasure and what it is founded on are both in it, or neither. Raises :class:`NoCheckpoint` where
        none can be made.
        """
        anchor = self._anchor(since)
        yield from self._items(anchor)

    def is_signed(self) -> bool:
        """Begin to read at one moment; answers whether all that is sealed then is signed as well."""
        self._begin()
        head = self.head()
        signed = self.db.session.scalar(sa.select(sa.func.max(_checkpoint.c.sequence)))
        return bool((signed or 0) == head.sequence)

    def verify(
        self, pinned: Mapping[str, str] | None = None, kept: Sequence[Mapping[str, Any]] = ()
    ) -> tuple[Report, int]:
        """What is wrong with the trail, and how many records are not sealed yet; in a unit of work that only reads."""
        self._begin()
        verifier = Verifier(self.deletions(), pinned, kept, has_unsigned_end=True)
        for item in self._items(self._anchor(None)):
            verifier.read(item)
        report = verifier.finish()
        if report.is_extract:
            report.add(Finding(report.first, "", "the rows before were removed, and no removal is on record"))
        head = self.head()
        if head.sequence != report.last:
            report.add(Finding(report.last + 1, "", f"rows up to {head.sequence} were sealed: the end was removed"))
        unsealed = self.judge_unsealed(report)
        for row in self.deleted_and_there():
            report.add(Finding(row.sequence, row.record_id, "says that an account was deleted which exists"))
        return report, unsealed

    def _begin(self) -> None:
        """Read as things are at one moment, and as long as whoever takes the items takes."""
        if self.db.dialect.name == "postgresql":
            execute = self.db.session.execute
            execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            execute(sa.text("SET LOCAL statement_timeout = 0"))

    def head(self) -> Any:
        """How far it is sealed, and behind which row it begins."""
        return self.db.session.execute(sa.select(_chain)).one()

    def _anchor(self, since: datetime | None) -> tuple[int, str]:
        """The row behind which the items begin."""
        head = self.head()
        if since is None:
            return head.anchor_sequence, head.anchor_hash
        before = sa.select(_checkpoint.c.sequence, _checkpoint.c.hash).where(
            _checkpoint.c.signed_at < since, _checkpoint.c.sequence >= head.anchor_sequence
        )
        row = self.db.session.execute(before.order_by(_checkpoint.c.number.desc()).limit(1)).first()
        return (row.sequence, row.hash) if row else (head.anchor_sequence, head.anchor_hash)

    def _items(self, anchor: tuple[int, str]) -> Iterator[dict[str, Any]]:
        yield {
            "kind": "audit",
            "version": FORMAT,
            "issuer": self.issuer,
            "exported_at": moment(self.clock()),
            "anchor": {"sequence": anchor[0], "hash": anchor[1]},
            "keys": self.checkpoints.public_keys(),
        }
        rows = made = 0
        checkpoints = self._checkpoints()
        checkpoint = next(checkpoints, None)
        last = anchor[0]
        for item in self._rows(anchor[0]):
            while checkpoint and checkpoint["sequence"] <= last:
                yield checkpoint
                made, checkpoint = made + 1, next(checkpoints, None)
            yield item
            rows, last = rows + (item["kind"] == "row"), item["sequence"]
        while checkpoint:
            yield checkpoint
            made, checkpoint = made + 1, next(checkpoints, None)
        yield {"kind": "end", "rows": rows, "checkpoints": made}

    def _rows(self, after: int) -> Iterator[dict[str, Any]]:
        """The sealed rows behind one, in the order of the chain; what is gone is there by its seal."""
        joined = sa.select(*_log.c, *_seal.c).select_from(_seal.outerjoin(_log, _log.c.id == _seal.c.record_id))
        page = joined.order_by(_seal.c.sequence).limit(PAGE)
        while found := self.db.session.execute(page.where(_seal.c.sequence > after)).all():
            yield from (as_item(each) for each in found)
            after = found[-1].sequence

    def _checkpoints(self) -> Iterator[dict[str, Any]]:
        after = 0
        page = sa.select(_checkpoint).order_by(_checkpoint.c.number).limit(PAGE)
        while found := self.db.session.execute(page.where(_checkpoint.c.number > after)).all():
            yield from ({"kind": "checkpoint", **described(each)} for each in found)
            after = found[-1].number

    def deletions(self) -> dict[str, int]:
        """For each account that was deleted, the last row that says so."""
        told = _log.c.action == DELETED, _log.c.success
        found = (
            sa.select(_log.c.user_id, sa.func.max(_seal.c.sequence))
            .join(_seal, _seal.c.record_id == _log.c.id)
            .where(*told)
            .group_by(_log.c.user_id)
        )
        return {str(user_id): sequence for user_id, sequence in self.db.session.execute(found)}

    def judge_unsealed(self, report: Report) -> int:
        """How many records have no seal; the one that should have had one long since is named."""
        unsealed = _log.outerjoin(_seal, _seal.c.record_id == _log.c.id)
        found = sa.select(sa.func.count()).select_from(unsealed).where(_seal.c.sequence.is_(None))
        count = self.db.session.scalar(found) or 0
        overdue = (
            sa.select(_log.c.id)
            .select_from(unsealed)
            .where(_seal.c.sequence.is_(None), _log.c.created_at < self.clock() - OVERDUE)
            .order_by(_log.c.created_at)
            .limit(1)
        )
        oldest = self.db.session.scalar(overdue) if count else None
        if oldest:
            report.add(
                Finding(None, oldest, f"record {oldest} was never sealed: sealing does not run, or it was added")
            )
        return count

    def deleted_and_there(self) -> Sequence[Any]:
        """Records of deletions whose account is there."""
        found = (
            sa.select(_seal.c.sequence, _seal.c.record_id)
            .join(_log, _log.c.id == _seal.c.record_id)
            .join(_user, _user.c.id == _log.c.user_id)
            .where(_log.c.action == DELETED, _log.c.success)
            .order_by(_seal.c.sequence)
            .limit(10)
        )
        return self.db.session.execute(found).all()


def as_item(found: Any) -> dict[str, Any]:
    """A record beside its seal, as an item of the trail."""
    if found.id is None:
        return {"kind": "gone", "sequence": found.sequence, "id": found.record_id, "hash": found.hash}
    names = ("sequence", "id", "action", "client_id", "user_id", "actor", "success", "error_code", "ip", "user_agent")
    return {
        "kind": "row",
        **{name: getattr(found, name) for name in names},
        "details": found.details,
        "created_at": moment(found.created_at),
        "salt": found.salt,
        "personal_hash": found.personal_hash,
        "hash": found.hash,
        "added_at": moment(found.added_at),
    }


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
