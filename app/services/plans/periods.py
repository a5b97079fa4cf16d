"""Months of a quota: each begins on the day and at the time of the first one, or on the last day of a shorter month.

All of it is UTC, so no change of clocks makes a month longer or shorter.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime

from app.errors import InvalidInput

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
"""When something about plans can begin and end: in any time zone these are years of four digits, as are the months
after them, which is what both databases can be asked for."""


def is_usual(moment: datetime | None) -> bool:
    """Whether something about plans can begin or end then; None is no such moment, and fine."""
    return moment is None or EARLIEST <= moment < LATEST


def require_moment(moment: datetime | None, field: str) -> None:
    """Raise :class:`InvalidInput` for a moment at which nothing about plans can begin or end."""
    if not is_usual(moment):
        raise InvalidInput(f"Name a moment of the years {EARLIEST.year} to {LATEST.year - 1}.", field)


@dataclass(frozen=True, slots=True)
class Period:
    """A month: from the first moment on, before the second."""

    began_at: datetime
    resets_at: datetime


def months_after(anchor: datetime, months: int) -> datetime:
    """The same day and time so many months later; in a month without such a day, its last one."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    day = min(anchor.day, calendar.monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)


def period_at(anchor: datetime, now: datetime) -> Period:
    """The month that ``now`` is in, of those that began at ``anchor``.

    Before it, the first one: what a clock that is a little ahead began is under way for those that are behind.
    """
    months = (now.year - anchor.year) * 12 + now.month - anchor.month
    if months_after(anchor, months) > now:
        months -= 1
    months = max(months, 0)
    return Period(months_after(anchor, months), months_after(anchor, months + 1))


def period_of(kept: Period | None, anchor: datetime, now: datetime) -> Period:
    """The month that counts ``now``, where ``kept`` is the one that was counted last.

    It counts until its end, also for a clock by which it has not begun: none goes back to a month that is over, so no
    month is begun twice.
    """
    return kept if kept and now < kept.resets_at else period_at(anchor, now)
