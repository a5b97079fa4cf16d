"""Runs of the self-check: one at a time of those that pages begin, how far it is, and the reports of the last ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.errors import InvalidInput, NotFound, sentence
from app.models import SelfcheckReport, User, new_id
from app.services.foundation.environment import Caller, Clock, Database
from app.services.record.audit import Event
from app.services.record.parts import parts_of

RUNNING = "running"
LONGEST = timedelta(minutes=12)
"""A run is ended after so long: what was lent to it goes a little later."""
SILENT_AFTER = timedelta(minutes=5)
"""A run of which nothing was heard for so long has ended with its process."""
MOST_KEPT = 30
STOPPED, LEFT, LATE = "stopped", "left", "late"
BUSY = sentence("A self-check is running already.")
_report = cast(sa.Table, SelfcheckReport.__table__)
_user = cast(sa.Table, User.__table__)
_COLUMNS = (
    *(_report.c[name] for name in ("id", "address", "total", "found", "began_at", "ended_at")),
    _report.c.is_command,
    _report.c.begun_by,
    sa.case((_user.c.full_name != "", _user.c.full_name), else_=_user.c.email).label("name"),
)


@dataclass(frozen=True, slots=True)
class SeenReport:
    """A run: ``found`` has, by probe, its ``name``, ``outcome``, ``text`` and ``values``.

    ``problem`` is ``stopped``, ``left``, ``late``, or why nothing could be tried, in English; empty for a run that went
    through. ``name`` is what whoever began it is called, None where that is a command or somebody without an account.
    """

    id: str
    address: str
    total: int
    found: Sequence[dict[str, Any]]
    problem: str
    began_at: datetime
    ended_at: datetime | None
    is_command: bool
    begun_by: str | None
    name: str | None

    def count(self, outcome: str) -> int:
        """How many probes ended so."""
        return sum(each["outcome"] == outcome for each in self.found)

    @property
    def passed(self) -> int:
        """How many of those that were tested passed."""
        return self.count("passed")

    @property
    def tested(self) -> int:
        """How many were tested."""
        return len(self.found) - self.count("not_tested")


class Selfchecks:
    """Begins, notes and ends runs, and keeps what they found."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def begin(self, address: str, total: int, caller: Caller) -> str:
        """A run of ``total`` probes at an address (empty: none); answers its id.

        Raises :class:`InvalidInput` while another one runs.
        """
        _require_power(caller)
        self._end(LEFT, self._is_silent())
        try:
            with self.db.session.begin_nested():
                return self._add(address, total, [], slot=RUNNING, begun_by=caller.user_id or None)
        except IntegrityError:
            raise InvalidInput(BUSY) from None

    def keep(self, address: str, found: Sequence[dict[str, Any]], began_at: datetime) -> None:
        """The report of a command that went through; it may have run beside others."""
        self._add(address, len(found), found, is_command=True, began_at=began_at, ended_at=self.clock())
        self._forget()

    def note(self, report_id: str, found: Sequence[dict[str, Any]]) -> bool:
        """What was found so far; answers whether the run shall go on."""
        values = {"found": list(found), "noted_at": self.clock()}
        is_due = self._change(values, _report.c.id == report_id, _report.c.began_at > self.clock() - LONGEST) == 1
        if not is_due:
            self._end(LATE, _report.c.id == report_id)
        return is_due

    def end(self, report_id: str, problem: str = "") -> None:
        """The run is over; the oldest reports go."""
        self._end(problem[:300], _report.c.id == report_id)
        self._forget()

    def stop(self, caller: Caller) -> None:
        """Have the run end after the probe at hand; nothing happens where none runs."""
        _require_power(caller)
        self._end(STOPPED)

    def running(self) -> SeenReport | None:
        """The run that is under way."""
        return self._first(_report.c.slot == RUNNING, sa.not_(self._is_silent()))

    def history(self) -> list[SeenReport]:
        """The runs that are over, however they ended, the latest first; one whose process went away is among them."""
        return self._all(self._is_over())

    def report(self, report_id: str) -> SeenReport:
        """A run that is over; raises :class:`NotFound`."""
        if (found := self._first(_report.c.id == report_id, self._is_over())) is None:
            raise NotFound
        return found

    def before(self, report: SeenReport) -> SeenReport | None:
        """The run before it that tried as much and went through."""
        is_alike = (_report.c.address == "") if not report.address else (_report.c.address != "")
        return self._first(_report.c.slot.is_(None), _report.c.problem == "", is_alike, _earlier(report))

    def last_whole(self) -> SeenReport | None:
        """The last run that tried everything."""
        return self._first(_report.c.slot.is_(None), _report.c.problem == "", _report.c.address != "")

    def _is_over(self) -> sa.ColumnElement[bool]:
        return sa.or_(_report.c.slot.is_(None), self._is_silent())

    def _is_silent(self) -> sa.ColumnElement[bool]:
        return sa.and_(_report.c.slot == RUNNING, _report.c.noted_at < self.clock() - SILENT_AFTER)

    def _first(self, *conditions: sa.ColumnElement[bool]) -> SeenReport | None:
        return next(iter(self._all(*conditions, most=1)), None)

    def _all(self, *conditions: sa.ColumnElement[bool], most: int = MOST_KEPT) -> list[SeenReport]:
        joined = _report.outerjoin(_user, _user.c.id == _report.c.begun_by)
        problem = sa.case((self._is_silent(), LEFT), else_=_report.c.problem).label("problem")
        query = sa.select(*_COLUMNS, problem).select_from(joined).where(*conditions)
        rows = self.db.session.execute(query.order_by(_report.c.began_at.desc(), _report.c.id).limit(most))
        return [SeenReport(**row._mapping) for row in rows]

    def _add(self, address: str, total: int, found: Sequence[dict[str, Any]], **more: Any) -> str:
        now, report_id = self.clock(), new_id()
        row = {"address": address, "total": total, "found": list(found), "problem": "", "is_command": False}
        times = {"began_at": now, "noted_at": now}
        self.db.session.execute(sa.insert(_report).values({"id": report_id, **row, **times, **more}))
        return report_id

    def _end(self, problem: str, *conditions: sa.ColumnElement[bool]) -> None:
        self._change({"slot": None, "problem": problem, "ended_at": self.clock()}, *conditions)

    def _change(self, values: dict[str, Any], *conditions: sa.ColumnElement[bool]) -> int:
        changed = self.db.session.execute(
            sa.update(_report).where(_report.c.slot == RUNNING, *conditions).values(**values)
        )
        return int(cast(Any, changed).rowcount)

    def _forget(self) -> None:
        kept = sa.select(_report.c.id).order_by(_report.c.began_at.desc(), _report.c.id).limit(MOST_KEPT)
        self.db.session.execute(sa.delete(_report).where(_report.c.slot.is_(None), _report.c.id.not_in(kept)))


def _earlier(report: SeenReport) -> sa.ColumnElement[bool]:
    return sa.and_(_report.c.began_at <= report.began_at, _report.c.id != report.id)


def _require_power(caller: Caller) -> None:
    if caller.powers is not None:
        caller.powers.require(*parts_of(Event.SELFCHECK_RUN))
