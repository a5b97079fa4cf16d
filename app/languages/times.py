"""Times in words, in the shown language and the person's zone.

Where it matters how long ago something was, a page says that (:func:`show_ago`) and, in the details of the same row,
the moment itself (:func:`show_moment`): what only hovering tells, neither a finger nor a key finds. Korean dates are
written with 년, 월 and 일, so that no particle hangs on a full stop.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import flask_babel
from babel import Locale
from babel.dates import format_date, format_timedelta
from flask import Flask, current_app
from markupsafe import Markup

MINUTE: Final = timedelta(minutes=1)
WEEK: Final = timedelta(days=7)
AHEAD: Final = timedelta(seconds=10)
"""So far ahead the clock of another node may be without the past becoming the future."""
UNITS: Final = (timedelta(days=1), timedelta(hours=1), MINUTE)
CLOCK: Final = "portal_clock"


def _locale() -> Locale:
    return flask_babel.get_locale() or Locale("ko")


def _is_korean() -> bool:
    return bool(_locale().language == "ko")


def _now() -> datetime:
    clock: Callable[[], datetime] = current_app.extensions[CLOCK]
    return clock()


def typed_moment(text: str) -> datetime:
    """The aware time that a field of date and time says, where the person is; raises :class:`ValueError`."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError(text)
    try:
        utc: datetime = flask_babel.to_utc(found).replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(text) from None
    return utc


def local_day(moment: datetime) -> date:
    """The day of an aware time where the person is."""
    local: datetime = flask_babel.to_user_timezone(moment)
    return local.date()


def today() -> date:
    """The day it is where the person is."""
    return local_day(_now())


def day_text(moment: datetime) -> str:
    """The day of an aware time: «2026년 11월 30일», «Nov 30, 2026»."""
    return format_date(local_day(moment), "long" if _is_korean() else "medium", locale=_locale())


def short_day_text(day: date) -> str:
    """A day of this year: «11월 30일», «Nov 30»."""
    return format_date(day, "MMM d일" if _is_korean() else "MMM d", locale=_locale())


def clock_text(moment: datetime) -> str:
    """The minute of an aware time: «오후 3:05», «3:05 PM»."""
    # The short form of Korean says AM and PM in Latin letters.
    text: str = flask_babel.format_time(moment, "aaaa h:mm" if _is_korean() else "short")
    return text


def moment_text(moment: datetime) -> str:
    """An aware time to the minute, with its zone: «2026년 11월 30일 오후 3:05(KST)», «Nov 30, 2026, 3:05 PM KST»."""
    zone = flask_babel.to_user_timezone(moment).tzname() or ""
    zone = f"UTC{zone}" if zone[:1] in {"+", "-"} else zone
    day, minute = day_text(moment), clock_text(moment)
    return f"{day} {minute}({zone})" if _is_korean() else f"{day}, {minute} {zone}"


def ago_text(moment: datetime) -> str:
    """How long ago an aware time was, or how long it is until then; beyond a week the day.

    Full units count: 119 minutes are one hour.
    """
    passed = _now() - moment
    if -AHEAD < passed < MINUTE:
        return str(flask_babel.gettext("just now"))
    if abs(passed) >= WEEK:
        return day_text(moment)
    unit = next((unit for unit in UNITS if abs(passed) >= unit), MINUTE)
    whole = max(abs(passed) // unit, 1) * unit
    return format_timedelta(
        -whole if passed > timedelta() else whole,
        granularity="minute",
        threshold=1,
        add_direction=True,
        locale=_locale(),
    )


def heading_text(day: date) -> str:
    """A day as the heading of what happened in it: «오늘», «어제», «11월 28일 토요일», «Saturday, November 28»."""
    now = today()
    if day == now:
        return str(flask_babel.gettext("Today"))
    if day == now - timedelta(days=1):
        return str(flask_babel.gettext("Yesterday"))
    if day.year != now.year:
        return format_date(day, "full", locale=_locale())
    return format_date(day, "MMMM d일 EEEE" if _is_korean() else "EEEE, MMMM d", locale=_locale())


def _shown(moment: datetime, text: str, **attributes: str) -> Markup:
    given = "".join(Markup(' {}="{}"').format(name, value) for name, value in attributes.items())
    return Markup('<time datetime="{}"{}>{}</time>').format(moment.isoformat(), Markup(given), text)  # noqa: S704


def show_moment(moment: datetime) -> Markup:
    """:func:`moment_text` as ``<time>``."""
    return _shown(moment, moment_text(moment))


def show_day(moment: datetime) -> Markup:
    """:func:`day_text` as ``<time>``."""
    return _shown(moment, day_text(moment))


def show_clock(moment: datetime) -> Markup:
    """:func:`clock_text` as ``<time>``, the whole moment on hovering."""
    return _shown(moment, clock_text(moment), title=moment_text(moment))


def show_ago(moment: datetime) -> Markup:
    """:func:`ago_text` as ``<time>``, the whole moment on hovering."""
    return _shown(moment, ago_text(moment), title=moment_text(moment))


def init_app(app: Flask, clock: Callable[[], datetime]) -> None:
    """Give the templates of ``app`` the filters ``moment``, ``day``, ``clock``, ``ago`` and ``heading``."""
    filters: dict[str, Callable[[Any], str]] = {
        "moment": show_moment,
        "day": show_day,
        "clock": show_clock,
        "ago": show_ago,
        "heading": heading_text,
    }
    app.extensions[CLOCK] = clock
    app.jinja_env.filters.update(filters)
