"""Verifying the trail a part at a time, so that no request reads a million records.

How far it came and what it found stands in a :class:`Walk`, which whoever asks brings along to the next part. What it
judges is what :meth:`app.services.record.trail.Trail.verify` does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import AuditCheckpoint, AuditLog, AuditSeal
from app.services.foundation.environment import Caller
from app.services.record.audit import Event
from app.services.record.checkpoints import described
from app.services.record.forms import BEGINNING, FORMAT, TRIMMED
from app.services.record.trail import PAGE, Trail, as_item
from app.services.record.verification import Finding, Report, Verifier

PART = 10_000
"""Records of one part."""
KEPT = 5
"""Findings that are told; the others are counted."""
TRIMMED_MEANWHILE = sentence("Old records were removed while the log was verified. Begin again.")
_log = cast(sa.Table, AuditLog.__table__)
_seal = cast(sa.Table, AuditSeal.__table__)
_checkpoint = cast(sa.Table, AuditCheckpoint.__table__)


@dataclass(frozen=True, slots=True)
class Walk:
    """What was verified so far: up to the row ``sequence``, behind the row ``begin``."""

    begin: int
    begin_hash: str
    sequence: int
    hash: str
    number: int = 0
    previous: str = BEGINNING
    signed_until: int = 0
    signed_at: str = ""
    rows: int = 0
    erased: int = 0
    checkpoints: int = 0
    is_begin_recorded: bool = False
    first_at: str = ""
    last_at: str = ""
    problems: int = 0
    findings: tuple[Finding, ...] = ()
    head: int = 0
    unsealed: int = 0
    is_over: bool = False

    def told(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Walk":
        """Of plain values."""
        return cls(**{**told, "findings": tuple(Finding(**each) for each in told["findings"])})


class _Part(Verifier):
    """Goes on where another left off."""

    def __init__(self, deletions: Mapping[str, int], walk: Walk, keys: Any, issuer: str) -> None:
        super().__init__(deletions, has_unsigned_end=True)
        self.walk = walk
        anchor = {"sequence": walk.sequence, "hash": walk.hash}
        self.read(
            {"kind": "audit", "version": FORMAT, "issuer": issuer, "exported_at": "", "anchor": anchor, "keys": keys}
        )
        self._number, self._previous = walk.number, walk.previous
        self.report.signed_until, self.report.signed_at = walk.signed_until, walk.signed_at
        self._is_anchor_signed = walk.sequence != walk.begin
        self._is_anchor_recorded = walk.is_begin_recorded
        self._has_ended = True

    def read(self, item: Any) -> None:
        """Judge the next item; the end comes with the last part."""
        self._has_ended = False
        super().read(item)
        self._has_ended = True

    def _judge_trim(self, row: Mapping[str, Any]) -> None:
        if row["action"] == TRIMMED and isinstance(row["details"], dict):
            told = (row["details"].get("sequence"), row["details"].get("hash"))
            self._is_anchor_recorded = self._is_anchor_recorded or told == (self.walk.begin, self.walk.begin_hash)

    def after(self, report: Report, items: list[dict[str, Any]]) -> Walk:
        """How far it came."""
        walk = self.walk
        times = [each["created_at"] for each in items if each["kind"] == "row"]
        return replace(
            walk,
            sequence=self._sequence,
            hash=self._hash,
            number=self._number,
            previous=self._previous,
            signed_until=report.signed_until,
            signed_at=report.signed_at,
            rows=walk.rows + report.rows,
            erased=walk.erased + report.erased,
            checkpoints=walk.checkpoints + report.checkpoints,
            is_begin_recorded=self._is_anchor_recorded,
            first_at=walk.first_at or (times[0] if times else ""),
            last_at=times[-1] if times else walk.last_at,
        )


class Walks:
    """Verifies parts."""

    def __init__(self, trail: Trail) -> None:
        self.trail = trail
        self.db = trail.db

    def go_on(self, walk: Walk | None, caller: Caller, *, limit: int | None = None) -> Walk:
        """Verify the next part, the first one behind None; the last one goes on record.

        Raises :class:`app.errors.InvalidInput` where records were removed that it would have gone on with.
        """
        limit = limit or PART
        # Read before the head, so that none of them is of rows behind it.
        newest = self.db.session.scalar(sa.select(sa.func.max(_checkpoint.c.number))) or 0
        head = self.trail.head()
        if walk is None:
            walk = Walk(head.anchor_sequence, head.anchor_hash, head.anchor_sequence, head.anchor_hash)
        if head.anchor_sequence > walk.sequence or walk.is_over:
            raise InvalidInput(TRIMMED_MEANWHILE)
        found, report = self._verify(walk, (head.sequence, newest), limit)
        if report.problems:
            # What changes while it is read is no finding: what was done to a record is there the second time as well.
            found, report = self._verify(walk, (head.sequence, newest), limit)
        found = replace(
            found,
            head=head.sequence,
            problems=walk.problems + report.problems,
            findings=(*walk.findings, *report.findings)[:KEPT],
        )
        if found.is_over:
            self.trail.audit.record(Event.AUDIT_READ, caller, verified=found.rows, problems=found.problems)
        return found

    def _verify(self, walk: Walk, ends: tuple[int, int], limit: int) -> tuple[Walk, Report]:
        head, newest = ends
        items = self._rows(walk.sequence, head, limit)
        is_last = len(items) < limit
        part = _Part(self.trail.deletions(), walk, self.trail.checkpoints.public_keys(), self.trail.issuer)
        checkpoints = self._checkpoints(walk.number, newest)
        checkpoint, last = next(checkpoints, None), walk.sequence
        for item in [*items, None]:
            while checkpoint and (checkpoint["sequence"] <= last or (item is None and is_last)):
                part.read(checkpoint)
                checkpoint = next(checkpoints, None)
            if item is not None:
                part.read(item)
                last = item["sequence"]
        report = part.finish()
        found = part.after(report, items)
        return self._end(found, report, head) if is_last else (found, report)

    def _end(self, walk: Walk, report: Report, head: int) -> tuple[Walk, Report]:
        if walk.begin and not walk.is_begin_recorded:
            report.add(Finding(walk.begin + 1, "", "the rows before were removed, and no removal is on record"))
        if head != walk.sequence:
            report.add(Finding(walk.sequence + 1, "", f"rows up to {head} were sealed: the end was removed"))
        unsealed = self.trail.judge_unsealed(report)
        for row in self.trail.deleted_and_there():
            report.add(Finding(row.sequence, row.record_id, "says that an account was deleted which exists"))
        return replace(walk, is_over=True, unsealed=unsealed), report

    def _rows(self, after: int, until: int, limit: int) -> list[dict[str, Any]]:
        joined = sa.select(*_log.c, *_seal.c).select_from(_seal.outerjoin(_log, _log.c.id == _seal.c.record_id))
        page = joined.where(_seal.c.sequence > after, _seal.c.sequence <= until).order_by(_seal.c.sequence)
        return [as_item(each) for each in self.db.session.execute(page.limit(limit))]

    def _checkpoints(self, after: int, newest: int) -> Iterator[dict[str, Any]]:
        page = sa.select(_checkpoint).where(_checkpoint.c.number <= newest).order_by(_checkpoint.c.number).limit(PAGE)
        while found := self.db.session.execute(page.where(_checkpoint.c.number > after)).all():
            yield from ({"kind": "checkpoint", **described(each)} for each in found)
            after = found[-1].number
