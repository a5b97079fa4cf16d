"""Values that the commands about plans take."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import click

from app.services.plans.catalogue import MOST

UNLIMITED = "unlimited"
FORMS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


class Limit(click.ParamType[int]):
    """A whole number, or ``unlimited``, which is -1."""

    name = "limit"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        if value == UNLIMITED:
            return -1
        if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(MOST))):
            self.fail(f"a limit is a whole number from 0 to {MOST}, or {UNLIMITED}.", param, ctx)
        return int(value)


class Moment(click.ParamType[datetime]):
    """A date, or a date and a time, UTC."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment, aware."""
        moment = value if isinstance(value, datetime) else _moment(str(value))
        if moment is None:
            self.fail("a moment is like 2027-01-31 or 2027-01-31T12:00, in UTC.", param, ctx)
        return moment


def _moment(text: str) -> datetime | None:
    for form in FORMS:
        with suppress(ValueError):
            return datetime.strptime(text.removesuffix("Z"), form).replace(tzinfo=UTC)
    return None
