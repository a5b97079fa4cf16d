"""Batches: begun by an administrator, done a part at a time by whatever process has its turn, told of afterwards.

Each is its administrator's own, and each part asks anew how far they may go. A part that was cut short is done again:
who was done is done no second time, and of a file whoever is there by then is left alone.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from io import BytesIO
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound, PortalError, sentence
from app.models import PeopleBatch, PeopleBatchLine, User, new_id
from app.services.batches.deeds import Deed, Deeds, Wish
from app.services.batches.states import Batch, BatchLine, Foresight, Kind, Result, State, shown
from app.services.delivery.outbox import Due, Outbox
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.powers import USERS
from app.services.foundation.sealing import Sealer, Unopenable
from app.services.imports.imports import Imports, Wishes
from app.services.imports.judging import Action, Outcome, Seen
from app.services.imports.sheets import Form
from app.services.tenancy.administrators import Administrators

TURN = "people_batch"
MOST_PEOPLE = 1000
MOST_BYTES = 12 << 20
MOST_LINES = 5000
"""So many rows of a file are told of one by one; the others are counted."""
AT_ONCE = {"selection": 20, "import": 1000}
PAUSE_SECONDS = 0.03
"""Between two transactions, for whoever waits to write to the same SQLite database."""
LIFE = timedelta(hours=1)
"""How long what was begun waits for its word; the file of an import goes then."""
KEPT = timedelta(days=7)
UNKNOWN = sentence("There is no such task any more, or it is somebody else's.")
NOBODY_CHOSEN = sentence("Choose at least one person.")
TOO_MANY = sentence("More than 1,000 people fit. Ask for less, and do it in parts.")
TOO_LARGE = sentence("This file is too large. Use the command users import, which takes files of any size.")
NOT_UTF8 = sentence("This file is not in UTF-8. Save it as UTF-8, which Excel calls CSV UTF-8, and choose it again.")
UNDER_WAY = sentence("It has begun already.")
NOT_READ = sentence("The file could not be opened any more. Send it again.")
NO_POWER = sentence("Whoever began it may not do this any more.")
_batch = cast(sa.Table, PeopleBatch.__table__)
_line = cast(sa.Table, PeopleBatchLine.__table__)
_user = cast(sa.Table, User.__table__)
_WHOLE = [each for each in _batch.c if each.name != "sealed"]


class Batches:
    """Begins and shows batches, and does them: a courier (:mod:`app.server.background`) of their turns."""

    kinds = (TURN,)
    parallel = 1
    room = 1

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        outbox: Outbox,
        administrators: Administrators,
        imports: Imports,
        deeds: Deeds,
    ) -> None:
        self.db = db
        self.clock = clock
        self.sealer = sealer
        self.outbox = outbox
        self.administrators = administrators
        self.imports = imports
        self.deeds = deeds
        # Of the file that this process read last; its turns are one after the other.
        self._seen: tuple[str, Seen] = ("", Seen())

    def choose(self, user_ids: Collection[str], caller: Caller) -> str:
        """Keep whom something is to be done to; answers the id. Raises :class:`InvalidInput` for none and too many."""
        _owner(caller)
        chosen = list(dict.fromkeys(user_ids))
        if len(chosen) > MOST_PEOPLE:
            raise InvalidInput(TOO_MANY)
        present = set(self.db.session.scalars(sa.select(_user.c.id).where(_user.c.id.in_(chosen))))
        if not present:
            raise InvalidInput(NOBODY_CHOSEN)
        batch_id = self._begin(Kind.SELECTION, State.READY, caller, total=len(present))
        lines = [{"user_id": each} for each in chosen if each in present]
        self._add_lines(batch_id, [{**line, "number": number} for number, line in enumerate(lines, start=1)])
        return batch_id

    def read(self, content: bytes, form: Form, caller: Caller, *, updates: bool, allows_admins: bool) -> str:
        """Keep a file of people, sealed, and say what it would do; answers the id.

        For administrators of everything. Raises :class:`InvalidInput` for a file that is none.
        """
        _owner(caller, is_full=True)
        if len(content) > MOST_BYTES:
            raise InvalidInput(TOO_LARGE, "file")
        if form is Form.CSV and not _is_utf8(content):
            # Row by row it would be said a thousand times.
            raise InvalidInput(NOT_UTF8, "file")
        wishes = Wishes(is_rehearsal=True, updates=updates, allows_admins=allows_admins)
        self.imports.begin(BytesIO(content), form, caller, wishes)
        told = {"form": form.value, "updates": updates, "allows_admins": allows_admins, "bytes": len(content)}
        sealed = self.sealer.seal(content)
        batch_id = self._begin(Kind.IMPORT, State.REHEARSING, caller, wishes=told, sealed=sealed)
        self._have_turn(batch_id, caller)
        return batch_id

    def foresee(self, batch_id: str, wish: Wish, caller: Caller) -> Foresight:
        """What would be done; raises :class:`InvalidInput` for a wish that names what there is not."""
        self._owned(batch_id, _owner(caller))
        self.deeds.require(wish, caller)
        chosen = list(self.db.session.scalars(sa.select(_line.c.user_id).where(_line.c.batch_id == batch_id)))
        targets = self.deeds.targets(chosen, wish).values()
        reasons = {each.id: self.deeds.against(each, wish, caller) for each in targets}
        skipped = Counter(reason for reason in reasons.values() if reason)
        moved = sum(each.is_primary and wish.deed is Deed.PLACE and not reasons[each.id] for each in targets)
        return Foresight(len(reasons) - skipped.total(), skipped, moved)

    def start(self, batch_id: str, caller: Caller, wish: Wish | None = None) -> None:
        """Do it; raises :class:`InvalidInput` for what has begun already, and as :meth:`foresee` does."""
        row = self._owned(batch_id, _owner(caller), is_locked=True)
        if row.state != State.READY:
            raise InvalidInput(UNDER_WAY)
        values: dict[str, Any] = {"state": State.RUNNING.value, "expires_at": self.clock() + KEPT}
        if row.kind == Kind.IMPORT:
            _owner(caller, is_full=True)
            self.db.session.execute(sa.delete(_line).where(_line.c.batch_id == batch_id))
            # The file goes an hour after its last turn, whatever happens.
            values |= {"done": 0, "place": 0, "counts": {}, "expires_at": self.clock() + LIFE}
        elif wish is not None:
            self.deeds.require(wish, caller)
            values["wishes"] = wish.facts()
        else:
            raise InvalidInput(UNKNOWN)
        self._update(batch_id, **values)
        self._have_turn(batch_id, caller)

    def give_up(self, batch_id: str, caller: Caller) -> None:
        """Stop it where it is; what was done stays, and a file goes."""
        row = self._owned(batch_id, _owner(caller), is_locked=True)
        if row.state not in {State.DONE, State.STOPPED}:
            self._finish(batch_id, State.STOPPED)

    def one(self, batch_id: str, caller: Caller) -> Batch:
        """A batch of this administrator; raises :class:`NotFound`."""
        return shown(self._owned(batch_id, _owner(caller)))

    def all(self, caller: Caller, limit: int = 50) -> list[Batch]:
        """Those of this administrator, the latest first."""
        theirs = sa.select(*_WHOLE).where(_batch.c.user_id == _owner(caller), _batch.c.expires_at > self.clock())
        return [shown(row) for row in self.db.session.execute(theirs.order_by(_batch.c.created_at.desc()).limit(limit))]

    def lines(self, batch_id: str, caller: Caller, *, after: int = 0, limit: int = MOST_LINES) -> list[BatchLine]:
        """What became of each, in order, behind that number."""
        self._owned(batch_id, _owner(caller))
        query = (
            sa.select(_line, _user.c.email)
            .select_from(_line.outerjoin(_user, _user.c.id == _line.c.user_id))
            .where(_line.c.batch_id == batch_id, _line.c.number > after)
            .order_by(_line.c.number)
            .limit(limit)
        )
        rows = self.db.session.execute(query)
        return [BatchLine(row.number, row.user_id, row.email or "", row.result, tuple(row.reasons)) for row in rows]

    def prepare(self, due: Due) -> Callable[[], None] | None:
        """Do the next part. Commits."""
        batch_id, content = due.content["batch"], due.content
        row = self.db.session.execute(sa.select(*_WHOLE).where(_batch.c.id == batch_id)).first()
        if row is None or row.state not in {State.RUNNING, State.REHEARSING}:
            return None
        caller = Caller(content["ip_address"], content["user_agent"], request_id=batch_id)
        try:
            do = self._import if row.kind == Kind.IMPORT else self._do
            is_over = do(row, caller)
        except PortalError as refusal:
            self.db.rollback()
            problem = refusal.message if isinstance(refusal, InvalidInput) else NO_POWER
            self._finish(batch_id, State.STOPPED, problem)
            is_over = True
        if not is_over:
            self._have_turn(batch_id, caller)
        self.db.commit()
        return None

    def _do(self, row: Any, caller: Caller) -> bool:
        """The next people of a selection, each a transaction of its own; answers whether they were the last."""
        wish = _wish(row.wishes)
        waiting = sa.select(_line.c.id, _line.c.user_id).where(_line.c.batch_id == row.id, _line.c.result == "")
        some = self.db.session.execute(waiting.order_by(_line.c.number).limit(AT_ONCE["selection"])).all()
        for line_id, user_id in some:
            # Asked before each: who is stopped meanwhile does nothing more. First of all rows, as in requests.
            acting = self.administrators.acting(row.user_id, caller, USERS)
            if not self._is_going_on(row.id):
                return True
            self._do_to(line_id, user_id, wish, acting)
            self._count(row.id)
            self.db.commit()
            time.sleep(PAUSE_SECONDS)
        if len(some) == AT_ONCE["selection"]:
            return False
        self._finish(row.id, State.DONE)
        return True

    def _do_to(self, line_id: str, user_id: str, wish: Wish, acting: Caller) -> None:
        reason = ""
        target = self.deeds.targets([user_id], wish).get(user_id)
        try:
            if target is None:
                return
            self.deeds.require(wish, acting)
            reason = self.deeds.against(target, wish, acting) or ""
            if not reason:
                self.deeds.do(target, wish, acting)
        except PortalError as refusal:
            self.db.rollback()
            reason = refusal.message
        result, reasons = (Result.SKIPPED, [{"sentence": reason}]) if reason else (Result.DONE, [])
        told = sa.update(_line).where(_line.c.id == line_id).values(result=result.value, reasons=reasons)
        self.db.session.execute(told)

    def _import(self, row: Any, caller: Caller) -> bool:
        """The next rows of a file; answers whether they were the last."""
        try:
            content = self.sealer.open(
                self.db.session.scalar(sa.select(_batch.c.sealed).where(_batch.c.id == row.id)) or ""
            )
        except Unopenable:
            raise InvalidInput(NOT_READ) from None
        acting = self.administrators.acting(row.user_id, caller)
        acting.require_full_if(True)
        is_rehearsal = row.state == State.REHEARSING
        wishes = Wishes(is_rehearsal, row.wishes["updates"], row.wishes["allows_admins"])
        before = Counter({Action(name): count for name, count in row.counts.items()})
        form = Form(row.wishes["form"])
        if self._seen[0] != row.id:
            self._seen = (row.id, Seen())
        # Finding the place in a long file takes a while, in which nobody has to wait.
        self.db.commit()
        run = self.imports.begin(
            BytesIO(content), form, acting, wishes, after=row.place, before=before, seen=self._seen[1]
        )
        read = 0
        for outcomes in run:
            read += len(outcomes)
            time.sleep(PAUSE_SECONDS)
            if not self._keep(row.id, outcomes, run.counts):
                return True
            time.sleep(PAUSE_SECONDS)
            if read >= AT_ONCE["import"]:
                return False
        if is_rehearsal:
            self._update(row.id, state=State.READY.value, total=run.counts.total(), expires_at=self.clock() + LIFE)
        else:
            self._finish(row.id, State.DONE)
        self._seen = ("", Seen())
        return True

    def _keep(self, batch_id: str, outcomes: Sequence[Outcome], counts: Mapping[Action, int]) -> bool:
        """Put on a batch what became of some rows; answers whether it goes on. Commits."""
        if not self._is_going_on(batch_id):
            return False
        told = self.db.session.scalar(sa.select(sa.func.count()).where(_line.c.batch_id == batch_id)) or 0
        lines = [
            {"number": each.row, "result": each.action.value, "reasons": [asdict(problem) for problem in each.problems]}
            for each in outcomes
            if each.action in {Action.REFUSED, Action.SKIPPED}
        ]
        self._add_lines(batch_id, lines[: max(0, MOST_LINES - told)])
        done, place = sum(counts.values()), outcomes[-1].row
        facts = {action.value: count for action, count in counts.items()}
        self._update(batch_id, done=done, place=place, counts=facts, expires_at=self.clock() + LIFE)
        self.db.commit()
        return True

    def _begin(self, kind: Kind, state: State, caller: Caller, **values: Any) -> str:
        now, batch_id = self.clock(), new_id()
        begun = {"id": batch_id, "user_id": caller.actor, "kind": kind.value, "state": state.value}
        around = {"created_at": now, "expires_at": now + LIFE, "wishes": {}, "counts": {}, "sealed": ""}
        numbers = {"total": 0, "done": 0, "place": 0, "problem": ""}
        self.db.session.execute(sa.insert(_batch).values(**{**begun, **around, **numbers, **values}))
        return batch_id

    def _add_lines(self, batch_id: str, lines: Sequence[Mapping[str, Any]]) -> None:
        empty: dict[str, Any] = {"batch_id": batch_id, "user_id": None, "result": "", "reasons": []}
        if lines:
            self.db.session.execute(sa.insert(_line), [{"id": new_id(), **empty, **each} for each in lines])

    def _count(self, batch_id: str) -> None:
        """How far a selection is."""
        of_batch = sa.and_(_line.c.batch_id == batch_id, _line.c.result != "")
        by_result = sa.select(_line.c.result, sa.func.count()).where(of_batch).group_by(_line.c.result)
        counts = {name: int(count) for name, count in self.db.session.execute(by_result)}
        self._update(batch_id, done=sum(counts.values()), counts=counts)

    def _finish(self, batch_id: str, state: State, problem: str = "") -> None:
        now = self.clock()
        told = {"state": state.value, "problem": problem, "finished_at": now}
        self._update(batch_id, sealed="", expires_at=now + KEPT, **told)

    def _is_going_on(self, batch_id: str) -> bool:
        """Whether nobody stopped it; who would waits until this transaction is over."""
        state = sa.select(_batch.c.state).where(_batch.c.id == batch_id).with_for_update()
        return self.db.session.scalar(state) in {State.RUNNING, State.REHEARSING}

    def _have_turn(self, batch_id: str, caller: Caller) -> None:
        content = {"batch": batch_id, "ip_address": caller.ip_address, "user_agent": caller.user_agent}
        self.outbox.add(TURN, content, life=KEPT)

    def _owned(self, batch_id: str, owner: str, *, is_locked: bool = False) -> Any:
        theirs = sa.select(*_WHOLE).where(
            _batch.c.id == batch_id, _batch.c.user_id == owner, _batch.c.expires_at > self.clock()
        )
        row = self.db.session.execute(theirs.with_for_update() if is_locked else theirs).first()
        if row is None:
            raise NotFound(UNKNOWN)
        return row

    def _update(self, batch_id: str, **values: Any) -> None:
        self.db.session.execute(sa.update(_batch).where(_batch.c.id == batch_id).values(**values))


def _owner(caller: Caller, *, is_full: bool = False) -> str:
    """Whose a batch is or will be; raises ``OutOfPower`` for who administers no people, or not everything."""
    if caller.powers is not None:
        caller.powers.require(*(() if is_full else (USERS,)))
    return caller.actor


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _wish(facts: Mapping[str, Any]) -> Wish:
    return Wish(**{**facts, "deed": Deed(facts["deed"])})
