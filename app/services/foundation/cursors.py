"""Places in a list that is sorted by time, the latest first: what a link to the next page carries."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from app.errors import InvalidInput, sentence

LONGEST = 200


def written(moment: datetime, row_id: str) -> str:
    """The place behind a row, as opaque text for an address."""
    return base64.urlsafe_b64encode(f"{moment.astimezone(UTC).isoformat()} {row_id}".encode()).decode().rstrip("=")


def read(cursor: str) -> tuple[datetime, str]:
    """The moment and the id of the row before; raises :class:`InvalidInput` for what :func:`written` never made."""
    try:
        text = base64.b64decode(cursor[:LONGEST] + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
        moment_text, row_id = text.split(" ")
        moment = datetime.fromisoformat(moment_text)
        if moment.tzinfo != UTC or not row_id.isprintable():
            raise ValueError(cursor)
    except (ValueError, binascii.Error):
        raise InvalidInput(sentence("This place in the list does not exist. Begin with the first page.")) from None
    return moment, row_id


def behind(cursor: str, moment: sa.Column[Any], row_id: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """The condition of rows that come after the place; raises as :func:`read` does."""
    at, last_id = read(cursor)
    return sa.and_(moment <= at, sa.or_(moment < at, row_id < last_id))
