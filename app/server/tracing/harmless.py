"""What a span may say: attributes of these names and no others, and of their values nothing that looks like a secret.

Callers give constants, templates, numbers and hosts from the settings; this is the net below them, as for log lines.
"""

import re
from collections.abc import Mapping

from app.server import logs

NAMES = frozenset(
    {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "portal.request_id",
        "portal.delivery.kind",
        "db.system.name",
        "db.query.text",
        "server.address",
        "error.type",
    }
)
LONGEST = 1000
EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
LITERAL = re.compile(r"'(?:[^']|'')*'")
LONG_RANDOM = re.compile(r"[A-Za-z0-9_-]{43,}")
"""What 256 random bits look like, and no word does."""
Value = str | int


def attributes(given: Mapping[str, Value]) -> dict[str, Value]:
    """Those of the attributes that may leave."""
    return {name: _value(name, value) for name, value in given.items() if name in NAMES}


def statement(sql: str) -> str:
    """A statement without anything that stands in it as a value; what it is run with is never told."""
    return LITERAL.sub("?", sql)


def _value(name: str, value: Value) -> Value:
    if isinstance(value, int):
        return value
    if name == "db.query.text":
        return statement(value)[:LONGEST]
    text = EMAIL.sub(logs.REDACTED, str(logs.harmless("", value).partition("?")[0]))
    return LONG_RANDOM.sub(logs.REDACTED, text)[:LONGEST]
