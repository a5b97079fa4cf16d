"""The form in which records enter the chain; specified in docs/audit.md. Written for speed, for every record is sealed.

A row is as the database's driver gives it, with ``details`` as the text of its JSON.

:mod:`app.services.record.forms` says the same in plain words, and a table of vectors holds both to it.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii
from typing import Any

BEGINNING = "0" * 64
"""What the first row follows."""
_quoted = encode_basestring_ascii
_json = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode


def new_salts(many: int) -> list[str]:
    """128 random bits each, hex."""
    bits = secrets.token_hex(16 * many)
    return [bits[place : place + 32] for place in range(0, len(bits), 32)]


def moment(value: datetime | str) -> str:
    """``2026-01-31T12:30:01.000000Z``; a text is SQLite's, which differs from that in two places."""
    if isinstance(value, str):
        if len(value) == len("2026-01-31 12:30:01.000000"):
            return f"{value[:10]}T{value[11:]}Z"
        value = time_of(value)
    return value.astimezone(UTC).replace(tzinfo=None).isoformat("T", "microseconds") + "Z"


def time_of(value: datetime | str) -> datetime:
    """The time of which SQLite has a text."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value


def personal_hash(salt: str, row: Any) -> str:
    """What stays of actor, address, browser and details when they are erased together with the salt."""
    details = "{}" if row.details == "{}" else _json(json.loads(row.details))
    text = f"[{_quoted(row.actor)},{_quoted(row.ip)},{_quoted(row.user_agent)},{details}]"
    return hashlib.sha256(f"max-audit-personal-1\n{salt}\n{text}".encode()).hexdigest()


def row_hash(previous: str, sequence: int, row: Any, personal: str, added_at: str) -> str:
    """The hash of a row at its place, behind the row of the ``previous`` hash."""
    text = (
        f"[{sequence},{_quoted(row.id)},{_quoted(row.action)},{_or_null(row.client_id)},{_or_null(row.user_id)},"
        f"{'true' if row.success else 'false'},{_or_null(row.error_code)},{_quoted(moment(row.created_at))},"
        f'"{personal}","{added_at}"]'
    )
    return hashlib.sha256(f"max-audit-row-1\n{previous}\n{text}".encode()).hexdigest()


def checkpoint_text(values: Sequence[str | int]) -> bytes:
    """What is signed: issuer, number, sequence, hash, time, key, its successor, the hash of the one before."""
    return f"max-audit-checkpoint-1\n{_json(list(values))}".encode()


def _or_null(text: str | None) -> str:
    return "null" if text is None else _quoted(text)
