"""The chain of audit records: each is sealed behind the one before, beside the requests, in the order of sealing.

Records are written in the transaction of what they tell and nothing else is done there. A chore looks for those that
have no seal: it walks on from where it was, a little further back for transactions that were committed late, and it
sweeps over all records, a part at a time, for those that came later still or bear the time of a clock that was wrong.
Nothing is locked while it reads and hashes; what it writes counts only if nobody came first (:class:`AuditChain`).
"""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.models import AuditChain, AuditLog, AuditSeal, User
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.statements import Statement
from app.services.record.audit import Audit, Event
from app.services.record.canonical import moment, new_salts, personal_hash, row_hash, time_of

BATCH = 500
"""Records of one transaction."""
MOST = 30_000
"""Records that are sealed in one go of the chore; the rest waits for the next."""
SWEPT = 10_000
"""Records that one go of the chore sweeps over."""
LATE = timedelta(seconds=5)
PAUSE_SECONDS = 0.01
AT_A_STRETCH = 20
"""Records that are hashed before requests in other threads, one of which may hold the database's lock, get a turn."""
TURN_SECONDS = 0.0002
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_log = cast(sa.Table, AuditLog.__table__)
_seal = cast(sa.Table, AuditSeal.__table__)
_chain = cast(sa.Table, AuditChain.__table__)
_user = cast(sa.Table, User.__table__)
_HEAD = Statement(sa.select(_chain))
_at = sa.bindparam("at", type_=_log.c.created_at.type)
_id, _many = sa.bindparam("id", type_=sa.String()), sa.bindparam("many", type_=sa.Integer())
# As the driver gives it: what is read to be hashed needs no other form.
_RAW = [
    *(column for column in _log.c if column.name not in {"details", "created_at", "success"}),
    sa.type_coerce(_log.c.success, sa.Integer()).label("success"),
    sa.cast(_log.c.details, sa.Text).label("details"),
    sa.type_coerce(_log.c.created_at, sa.Text()).label("created_at"),
]
_walked = (
    sa.select(*_RAW)
    .where(_log.c.created_at >= _at, sa.or_(_log.c.created_at > _at, _log.c.id > _id))
    .order_by(_log.c.created_at, _log.c.id)
    .limit(_many)
    .subquery()
)
# Whether there is a seal is asked of a page at a time: the whole of both tables is never compared.
_WALK = Statement(
    sa.select(_walked, _seal.c.sequence)
    .select_from(_walked.outerjoin(_seal, _seal.c.record_id == _walked.c.id))
    .order_by(_walked.c.created_at, _walked.c.id)
)
_NAMES = ("sequence", "record_id", "personal_hash", "salt", "hash")
_added_at = sa.bindparam("added_at", type_=_seal.c.added_at.type)
# All rows of a batch in one statement: SQLite takes them as JSON, PostgreSQL as an array for each column.
_each = sa.func.json_each(sa.bindparam("seals", type_=sa.Text())).table_valued("value")
_INSERT_JSON = Statement(
    sa.insert(_seal).from_select(
        [*_NAMES, "added_at"],
        sa.select(*(sa.func.json_extract(_each.c.value, f"$[{place}]") for place in range(len(_NAMES))), _added_at),
    )
)
_arrays = sa.func.unnest(
    *(sa.bindparam(f"all_{name}", type_=sa.ARRAY(sa.BigInteger if name == "sequence" else sa.Text)) for name in _NAMES)
).table_valued(*_NAMES)
_INSERT_ARRAYS = Statement(
    sa.insert(_seal).from_select([*_NAMES, "added_at"], sa.select(*_arrays.render_derived().c, _added_at))
)
_ONE = Statement(sa.select(*_RAW).where(_log.c.id == _id))
_swept = sa.select(_log.c.id).where(_log.c.id > _id).order_by(_log.c.id).limit(_many).subquery()
_SWEEP = Statement(
    sa.select(_swept.c.id, _seal.c.sequence)
    .select_from(_swept.outerjoin(_seal, _seal.c.record_id == _swept.c.id))
    .order_by(_swept.c.id)
)
_UNSEALED = Statement(
    sa.select(*_RAW)
    .select_from(_log)
    .join(_swept, _swept.c.id == _log.c.id)
    .outerjoin(_seal, _seal.c.record_id == _log.c.id)
    .where(_seal.c.sequence.is_(None))
    .order_by(_log.c.created_at, _log.c.id)
)


class Chain:
    """Adds to the chain."""

    def __init__(self, db: Database, clock: Clock, audit: Audit) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit

    def head(self) -> Any:
        """Where the chain is (:class:`AuditChain`)."""
        return _HEAD.first(self.db)

    def run(self, most: int = MOST, swept: int = SWEPT, pause: float = PAUSE_SECONDS) -> int:
        """Seal up to ``most`` records and sweep over ``swept``; answers how many were sealed. Commits each batch.

        May be stopped at any moment, and run in several processes at a time.
        """
        sealed = self._walk(most, pause)
        return sealed + self._sweep(swept, pause)

    def run_to_the_end(self) -> int:
        """Seal whatever is committed now, wherever it is; answers how many that were. Commits each batch."""
        sealed = self._walk(None, 0)
        return sealed + self._sweep(None, 0)

    def erase(self, user_id: str, caller: Caller) -> None:
        """Take whatever names a person but the id out of their records, and put the end of the account on record.

        That record is sealed in the same transaction, so there is never an erasure without the reason for it in the
        chain.
        """
        self.intervene()
        self._blank(user_id)
        self.record(Event.ACCOUNT_DELETED, caller, user_id=user_id)

    def intervene(self) -> Any:
        """Have whoever is about to add to the chain look again; holds its end until the commit, and answers it."""
        changed = sa.update(_chain).values(interventions=_chain.c.interventions + 1)
        return self.db.session.execute(changed.returning(*_chain.c)).one()

    def record(self, event: Event, caller: Caller, *, user_id: str | None = None, **details: Any) -> None:
        """Put something on record and seal it at once, after :meth:`intervene`."""
        record_id = self.audit.record(event, caller, user_id=user_id, **details)
        seals = _Seals([_ONE.first(self.db, id=record_id)], self.head(), self.clock())
        seals.insert(self.db)
        self.db.session.execute(sa.update(_chain).values(sequence=seals.last, hash=seals.hashes[-1]))

    def move_anchor(self, sequence: int, hashed: str) -> None:
        """Have the trail begin behind a row."""
        self.db.session.execute(sa.update(_chain).values(anchor_sequence=sequence, anchor_hash=hashed))

    def _walk(self, most: int | None, pause: float) -> int:
        """Seal what is new, the oldest first."""
        walked_at, now = self.head().walked_at, self.clock()
        # A clock that was ahead must not make the walk go past what others write.
        at, after = (min(walked_at, now) - LATE if walked_at else LONG_AGO), ""
        sealed = 0
        while most is None or sealed < most:
            head = self.head()
            page = _WALK.all(self.db, at=at, id=after, many=BATCH)
            rows = [row for row in page if row.sequence is None]
            if rows and not self._add(head, rows, walked_at=time_of(page[-1].created_at)):
                continue
            sealed += len(rows)
            if len(page) < BATCH:
                break
            at, after = time_of(page[-1].created_at), page[-1].id
            time.sleep(pause)
        return sealed

    def _sweep(self, most: int | None, pause: float) -> int:
        """Seal what the walk went past, of the next ``most`` records by their ids."""
        after = "" if most is None else self.head().swept_id
        begun_at, sealed, seen = after, 0, 0
        while most is None or seen < most:
            head = self.head()
            page = _SWEEP.all(self.db, id=after, many=BATCH)
            is_sealed = all(row.sequence is not None for row in page)
            rows = [] if is_sealed else _UNSEALED.all(self.db, id=after, many=BATCH)
            if rows and not self._add(head, rows):
                continue
            sealed, seen = sealed + len(rows), seen + len(page)
            after = page[-1].id if len(page) == BATCH else ""
            if not after:
                break
            time.sleep(pause)
        if after != begun_at:
            self.db.session.execute(sa.update(_chain).values(swept_id=after))
            self.db.commit()
        return sealed

    def _add(self, head: Any, rows: Sequence[Any], **progress: Any) -> bool:
        """Seal ``rows`` behind ``head``, unless somebody came first; answers whether it did. Commits."""
        seals = _Seals(rows, head, self.clock())
        is_as_it_was = sa.and_(
            _chain.c.sequence == head.sequence,
            _chain.c.hash == head.hash,
            _chain.c.interventions == head.interventions,
        )
        end = {"sequence": seals.last, "hash": seals.hashes[-1], **progress}
        changed = self.db.session.execute(sa.update(_chain).where(is_as_it_was).values(**end))
        if not cast(Any, changed).rowcount:
            self.db.rollback()
            return False
        seals.insert(self.db)
        for sequence, row in enumerate(rows, head.sequence + 1):
            if row.action == Event.ACCOUNT_DELETED and row.success and row.user_id:
                self._complete(row.user_id, sequence)
        self.db.commit()
        return True

    def _complete(self, user_id: str, deleted_at: int) -> None:
        """Erase what code from before the chain left: it blanked records, and knew nothing of seals."""
        if self.db.session.scalar(sa.select(_user.c.id).where(_user.c.id == user_id)) is None:
            self._blank(user_id, _seal.c.sequence < deleted_at)

    def _blank(self, user_id: str, of: sa.ColumnElement[bool] | None = None) -> None:
        """Take away the personal part and its salt, of all records or of those seals; the hash of both stays."""
        theirs, execute = _log.c.user_id == user_id, self.db.session.execute
        sealed = sa.select(_seal.c.record_id).where(_seal.c.record_id == _log.c.id)
        records = theirs if of is None else sa.and_(theirs, sealed.where(of).exists())
        execute(sa.update(_log).where(records).values(ip="", user_agent="", actor="", details={}))
        seals = _seal.c.record_id.in_(sa.select(_log.c.id).where(theirs))
        execute(sa.update(_seal).where(seals if of is None else sa.and_(seals, of)).values(salt=""))


class _Seals:
    """The seals of some rows, one behind the other, behind the end of the chain; as columns, for one statement."""

    def __init__(self, rows: Sequence[Any], head: Any, now: datetime) -> None:
        self.first, self.last, self.now = head.sequence + 1, head.sequence + len(rows), now
        self.ids = [row.id for row in rows]
        self.salts = new_salts(len(rows))
        self.personal: list[str] = []
        self.hashes: list[str] = []
        previous, added_at = head.hash, moment(now)
        for sequence, (row, salt) in enumerate(zip(rows, self.salts, strict=True), self.first):
            personal = personal_hash(salt, row)
            previous = row_hash(previous, sequence, row, personal, added_at)
            self.personal.append(personal)
            self.hashes.append(previous)
            if not sequence % AT_A_STRETCH:
                time.sleep(TURN_SECONDS)

    def insert(self, db: Database) -> None:
        """Write them."""
        columns = [range(self.first, self.last + 1), self.ids, self.personal, self.salts, self.hashes]
        if db.dialect.name == "postgresql":
            given = {f"all_{name}": list(column) for name, column in zip(_NAMES, columns, strict=True)}
            _INSERT_ARRAYS.run(db, added_at=self.now, **given)
        else:
            _INSERT_JSON.run(db, added_at=self.now, seals=json.dumps(list(zip(*columns, strict=True))))
