"""What lists are searched by: a part of what is kept, however it is typed, spans of time, networks."""

import ipaddress
import unicodedata
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.errors import InvalidInput, sentence
from app.services.foundation.networks import address

NO_NETWORK = sentence(
    "This is neither an address nor a network such as 203.0.113.0/24 (at least 8 bits) or 2001:db8:1::/48"
    " (16, 32, 48 or 64 bits)."
)
SHORTEST_IPV4 = 8
LIKE_ESCAPE = "\\"


class alike(FunctionElement[bool]):  # noqa: N801 named as functions of SQL are
    """Whether a text has the form of a pattern, in any case of letters."""

    type = sa.Boolean()
    inherit_cache = True


@compiles(alike, "sqlite")
def _of_sqlite(element: alike, compiler: SQLCompiler, **options: Any) -> str:
    # As it is: LIKE there asks for no case of ASCII's letters.
    text, pattern = (compiler.process(each, **options) for each in element.clauses)
    return f"({text} LIKE {pattern} ESCAPE '{LIKE_ESCAPE}')"


@compiles(alike, "postgresql")
def _of_postgresql(element: alike, compiler: SQLCompiler, **options: Any) -> str:
    text, pattern = (compiler.process(each, **options) for each in element.clauses)
    return f"({text} ILIKE {pattern} ESCAPE '{LIKE_ESCAPE}')"


def holds(column: "sa.ColumnElement[Any]", text: str, *, is_small: bool = False) -> "sa.ColumnElement[bool]":
    """Whether ``text`` stands somewhere in the column, in any case of letters.

    Texts are kept composed and otherwise as they were typed (:mod:`app.services.foundation.texts`), addresses in their
    plain form; so both are looked for. ``is_small`` says that the column holds small letters alone, which spares
    PostgreSQL most of its work, as a text without any case does. SQLite knows the cases of ASCII alone: beyond it a
    letter is found as it was typed, small or capital.
    """
    composed, plain = (unicodedata.normalize(form, text) for form in ("NFC", "NFKC"))
    if is_small or text.lower() == text.upper():
        spelled = dict.fromkeys((composed.lower(), plain.lower()))
        return sa.or_(*(column.like(f"%{_literally(each)}%", escape=LIKE_ESCAPE) for each in spelled))
    spelled = dict.fromkeys((composed, plain))
    if not text.isascii():
        spelled |= dict.fromkeys(change(each) for each in (composed, plain) for change in (str.lower, str.upper))
    return sa.or_(*(alike(column, f"%{_literally(each)}%") for each in spelled))


def begins(column: "sa.ColumnElement[Any]", text: str) -> "sa.ColumnElement[bool]":
    """Whether the column, which holds small letters, begins with ``text`` as it is kept there."""
    return column.like(f"{_literally(text)}%", escape=LIKE_ESCAPE)


def between(
    column: "sa.ColumnElement[Any]", since: datetime | None, until: datetime | None
) -> "list[sa.ColumnElement[bool]]":
    """Whether the column's time is not before the one and before the other, where they are given."""
    return [*([column >= since] if since else []), *([column < until] if until else [])]


def is_within(column: "sa.ColumnElement[Any]", text: str) -> "sa.ColumnElement[bool]":
    """Whether the column holds the address that ``text`` names, or one of the network; raises :class:`InvalidInput`."""
    whole, beginnings = addresses_of(text)
    alike = [column.like(f"{each}%") for each in beginnings]
    return sa.or_(*([column.in_(whole)] if whole else []), *alike) if alike or len(whole) > 1 else column == whole[0]


def addresses_of(text: str) -> tuple[list[str], list[str]]:
    """The addresses that ``text`` names, and what those of a network begin with, as they are spelled on record."""
    if (single := address(text)) is not None:
        return [single], []
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise InvalidInput(NO_NETWORK) from None
    if isinstance(network, ipaddress.IPv6Network):
        return [], _beginnings(network)
    if network.prefixlen < SHORTEST_IPV4:
        raise InvalidInput(NO_NETWORK)
    octets = -(-network.prefixlen // 8)
    parts = [str(each.network_address).split(".")[:octets] for each in network.subnets(new_prefix=octets * 8)]
    return ([".".join(each) for each in parts], []) if octets == 4 else ([], [".".join(each) + "." for each in parts])


def _beginnings(network: ipaddress.IPv6Network) -> list[str]:
    """What the addresses of an IPv6 network begin with, ``::`` being where the network's part ends in zeros."""
    words, rest = divmod(network.prefixlen, 16)
    parts = [f"{int(word, 16):x}" for word in network.network_address.exploded.split(":")[:words]]
    trailing = next((number for number, part in enumerate(reversed(parts)) if part != "0"), len(parts))
    # Of more zeros at the end, :: could stand for some of them; a zero within can be left out with its neighbours.
    if rest or not 1 <= words <= 4 or trailing > 2 or "0" in parts[: len(parts) - trailing] or trailing == words:
        raise InvalidInput(NO_NETWORK)
    whole = ":".join(parts) + ":"
    return [whole, ":".join(parts[: len(parts) - trailing]) + "::"] if trailing else [whole]


def _literally(text: str) -> str:
    for special in (LIKE_ESCAPE, "%", "_"):
        text = text.replace(special, LIKE_ESCAPE + special)
    return text
