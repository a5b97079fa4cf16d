"""Months of quotas: short months, leap years, several at once, and clocks that differ."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.plans.periods import Period, months_after, period_at, period_of


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "now", "began", "resets"),
    [
        # an ordinary day, its first and its last moment
        ("2026-03-15 10:30", "2026-03-15 10:30", "2026-03-15 10:30", "2026-04-15 10:30"),
        ("2026-03-15 10:30", "2026-04-15 10:29:59.999999", "2026-03-15 10:30", "2026-04-15 10:30"),
        ("2026-03-15 10:30", "2026-04-15 10:30", "2026-04-15 10:30", "2026-05-15 10:30"),
        # the 31st: the last day of shorter months, and the 31st again
        ("2026-01-31 09:00", "2026-02-27 23:00", "2026-01-31 09:00", "2026-02-28 09:00"),
        ("2026-01-31 09:00", "2026-02-28 08:59", "2026-01-31 09:00", "2026-02-28 09:00"),
        ("2026-01-31 09:00", "2026-02-28 09:00", "2026-02-28 09:00", "2026-03-31 09:00"),
        ("2026-01-31 09:00", "2026-03-30 09:00", "2026-02-28 09:00", "2026-03-31 09:00"),
        ("2026-01-31 09:00", "2026-04-30 09:00", "2026-04-30 09:00", "2026-05-31 09:00"),
        # a leap year
        ("2027-12-31 00:00", "2028-02-29 00:00", "2028-02-29 00:00", "2028-03-31 00:00"),
        ("2027-12-31 00:00", "2028-02-28 23:59", "2028-01-31 00:00", "2028-02-29 00:00"),
        ("2028-02-29 12:00", "2028-03-29 12:00", "2028-03-29 12:00", "2028-04-29 12:00"),
        ("2028-02-29 12:00", "2029-02-28 12:00", "2029-02-28 12:00", "2029-03-29 12:00"),
        ("2028-02-29 12:00", "2032-02-29 12:00", "2032-02-29 12:00", "2032-03-29 12:00"),
        # 2100 is none
        ("2099-12-30 00:00", "2100-02-28 00:00", "2100-02-28 00:00", "2100-03-30 00:00"),
        # the 30th, the 29th and the 1st
        ("2026-01-30 06:00", "2026-02-28 06:00", "2026-02-28 06:00", "2026-03-30 06:00"),
        ("2026-01-29 06:00", "2026-02-28 06:00", "2026-02-28 06:00", "2026-03-29 06:00"),
        ("2026-01-01 00:00", "2026-12-31 23:59", "2026-12-01 00:00", "2027-01-01 00:00"),
        # years later, at once
        ("2020-05-31 18:00", "2026-11-30 17:59", "2026-10-31 18:00", "2026-11-30 18:00"),
        # clocks of Europe and America go forward or back: nothing happens in UTC
        ("2026-02-28 02:30", "2026-03-29 02:00", "2026-03-28 02:30", "2026-04-28 02:30"),
        ("2026-09-25 01:30", "2026-10-25 01:15", "2026-09-25 01:30", "2026-10-25 01:30"),
        # a clock that is behind the one by which it began: the first month is under way
        ("2026-03-15 10:30", "2026-03-15 10:29", "2026-03-15 10:30", "2026-04-15 10:30"),
    ],
)
def test_a_month(anchor: str, now: str, began: str, resets: str) -> None:
    assert period_at(at(anchor), at(now)) == Period(at(began), at(resets))


MOMENTS = st.timedeltas(timedelta(), timedelta(days=50_000)).map(lambda after: datetime(2000, 1, 1, tzinfo=UTC) + after)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(anchor=MOMENTS, after=st.timedeltas(timedelta(), timedelta(days=20000)), number=st.integers(0, 600))
def test_months_follow_each_other_without_a_gap_and_keep_their_day(
    anchor: datetime, after: timedelta, number: int
) -> None:
    period = period_at(anchor, anchor + after)
    assert period.began_at <= anchor + after < period.resets_at
    assert timedelta(days=28) <= period.resets_at - period.began_at <= timedelta(days=31)
    assert period_at(anchor, period.resets_at).began_at == period.resets_at
    assert period_at(anchor, period.resets_at - timedelta(microseconds=1)) == period
    begun = months_after(anchor, number)
    assert begun.timetz() == anchor.timetz()
    assert begun.day == anchor.day or (begun.day < anchor.day and (begun + timedelta(days=1)).day == 1)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(anchor=MOMENTS, steps=st.lists(st.integers(-60, 3_000_000), max_size=30))
def test_clocks_a_minute_apart_begin_each_month_once(anchor: datetime, steps: list[int]) -> None:
    """However the moments of two nodes follow each other: months only ever go on."""
    kept, begun, now = None, [], anchor
    for step in steps:
        now = max(now + timedelta(seconds=step), anchor - timedelta(seconds=60))
        period = period_of(kept, anchor, now)
        if kept is None or period != kept:
            begun.append(period)
        kept = period
    assert all(former.resets_at <= later.began_at for former, later in itertools.pairwise(begun))
