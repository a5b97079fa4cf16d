"""Times in words: in both languages, where the person is, and never with a particle on a full stop."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask, g
from flask_babel import force_locale

from app.languages import times

NOW = datetime(2026, 11, 30, 6, 5, tzinfo=UTC)  # 15:05 in Seoul


@contextmanager
def reading(app: Flask, language: str, zone: str = "") -> Iterator[None]:
    """Somebody reads pages of ``app`` at :data:`NOW`."""
    app.extensions[times.CLOCK] = lambda: NOW
    with app.app_context(), force_locale(language):
        g.person_timezone = zone
        yield


@pytest.mark.parametrize(
    ("zone", "korean", "english"),
    [
        ("Asia/Seoul", "2026년 11월 30일 오후 3:05(KST)", "Nov 30, 2026, 3:05\u202fPM KST"),
        ("America/New_York", "2026년 11월 30일 오전 1:05(EST)", "Nov 30, 2026, 1:05\u202fAM EST"),
        ("America/Sao_Paulo", "2026년 11월 30일 오전 3:05(UTC-03)", "Nov 30, 2026, 3:05\u202fAM UTC-03"),
        ("Pacific/Honolulu", "2026년 11월 29일 오후 8:05(HST)", "Nov 29, 2026, 8:05\u202fPM HST"),
        ("Nowhere/At all", "2026년 11월 30일 오후 3:05(KST)", "Nov 30, 2026, 3:05\u202fPM KST"),
    ],
)
def test_a_moment_names_day_minute_and_zone(app: Flask, zone: str, korean: str, english: str) -> None:
    with reading(app, "ko", zone):
        assert times.moment_text(NOW) == korean
    with reading(app, "en", zone):
        assert times.moment_text(NOW) == english


@pytest.mark.parametrize(
    ("passed", "korean", "english"),
    [
        (timedelta(), "방금", "just now"),
        (timedelta(seconds=59), "방금", "just now"),
        (timedelta(seconds=-9), "방금", "just now"),  # another node's clock is a little ahead
        (timedelta(seconds=60), "1분 전", "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59분 전", "59 minutes ago"),
        (timedelta(hours=1), "1시간 전", "1 hour ago"),
        (timedelta(minutes=119), "1시간 전", "1 hour ago"),
        (timedelta(hours=2), "2시간 전", "2 hours ago"),
        (timedelta(hours=23, minutes=59), "23시간 전", "23 hours ago"),
        (timedelta(days=1), "1일 전", "1 day ago"),
        (timedelta(days=6, hours=23), "6일 전", "6 days ago"),
        (timedelta(days=7), "2026년 11월 23일", "Nov 23, 2026"),
        (timedelta(days=700), "2024년 12월 30일", "Dec 30, 2024"),
        (timedelta(seconds=-30), "1분 후", "in 1 minute"),
        (timedelta(minutes=-90), "1시간 후", "in 1 hour"),
        (timedelta(days=-3), "3일 후", "in 3 days"),
        (timedelta(days=-7), "2026년 12월 7일", "Dec 7, 2026"),
    ],
)
def test_how_long_ago_counts_full_units_and_ends_after_a_week(
    app: Flask, passed: timedelta, korean: str, english: str
) -> None:
    with reading(app, "ko"):
        assert times.ago_text(NOW - passed) == korean
    with reading(app, "en"):
        assert times.ago_text(NOW - passed) == english


@pytest.mark.parametrize(
    ("day", "korean", "english"),
    [
        (date(2026, 11, 30), "오늘", "Today"),
        (date(2026, 11, 29), "어제", "Yesterday"),
        (date(2026, 11, 28), "11월 28일 토요일", "Saturday, November 28"),
        (date(2026, 12, 1), "12월 1일 화요일", "Tuesday, December 1"),
        (date(2025, 11, 28), "2025년 11월 28일 금요일", "Friday, November 28, 2025"),
    ],
)
def test_days_have_headings(app: Flask, day: date, korean: str, english: str) -> None:
    with reading(app, "ko"):
        assert times.heading_text(day) == korean
    with reading(app, "en"):
        assert times.heading_text(day) == english


def test_today_is_that_of_the_persons_zone(app: Flask) -> None:
    with reading(app, "en", "Pacific/Honolulu"):
        assert times.local_day(NOW) == date(2026, 11, 29)
        assert times.heading_text(date(2026, 11, 29)) == "Today"


@pytest.mark.parametrize("show", [times.show_ago, times.show_clock])
def test_what_is_short_carries_the_moment(app: Flask, show: Callable[[datetime], str]) -> None:
    with reading(app, "en"):
        shown = show(NOW - timedelta(hours=2))
    assert 'datetime="2026-11-30T04:05:00+00:00"' in shown
    assert 'title="Nov 30, 2026, 1:05\u202fPM KST"' in shown
    assert re.fullmatch(r"<time [^>]*>(2 hours ago|1:05\u202fPM)</time>", shown)


def test_no_korean_date_ends_in_a_full_stop(app: Flask) -> None:
    with reading(app, "ko"):
        for show in (times.day_text, times.moment_text, times.ago_text, times.clock_text):
            for days in (0, 3, 400):
                assert not show(NOW - timedelta(days=days)).endswith(".")
