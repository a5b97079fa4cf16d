"""In what a received address differs from a registered one, for whoever has to mend it.

Registered addresses are compared character by character (RFC 9700 section 2.1), so the difference is often one that
eyes pass over. Nothing here decides whether an address is good: that is ``match`` of
:mod:`app.services.clients.redirect_uris`.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

LONGEST_SHOWN = 2000
"""Characters; nothing longer can be registered."""
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_LOOPBACK_ADDRESSES = frozenset({"127.0.0.1", "[::1]"})
# RFC 3986 appendix B; RFC 3986 section 3.2 for the authority.
_PARTS = re.compile(
    r"(?:(?P<scheme>[^:/?#]+):)?(?://(?:(?P<user>[^/?#@]*)@)?(?P<host>\[[^/?#\]]*\]|[^/?#:]*)(?P<port>:[^/?#]*)?)?"
    r"(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?\Z",
    re.DOTALL,
)
_ENDS_OF_PARTS = frozenset("./")
_ESCAPES = re.compile(r"%[0-9A-Fa-f]{2}")
# Letters and signs of other scripts that look like those of ASCII, as far as normalisation leaves them alone.
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d\u04bb\u03bf\u03bd\u03b1\u0131\u0261"
    "\u2010\u2011\u2012\u2013\u2014\u2212\u2044\u2215\u29f8\u3002\u00b7\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425",
    "aeopcyxijsdqwhovaig------///..ABEKMHOPCTX",
)


class Difference(StrEnum):
    """What differs; the first of several is the likeliest cause."""

    LOOKALIKE = "lookalike"
    INVISIBLE = "invisible"
    ENCODING = "encoding"
    FRAGMENT = "fragment"
    USER = "user"
    LOOPBACK = "loopback"
    SCHEME = "scheme"
    HOST = "host"
    PORT = "port"
    CASE = "case"
    TRAILING_SLASH = "trailing slash"
    PATH = "path"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters that follow one another, and whether the other side has others in their place."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both addresses in spans, and the names of what differs, the likeliest cause first."""

    received: tuple[Span, ...]
    registered: tuple[Span, ...]
    names: tuple[Difference, ...]


@dataclass(slots=True)
class _Side:
    """An address as it is, and as it reads: look-alikes plain, what cannot be seen gone, each with its place."""

    given: str
    text: str
    places: list[tuple[int, int]]
    marked: set[int]

    def mark(self, start: int, end: int) -> None:
        for first, last in self.places[start:end]:
            self.marked.update(range(first, last))

    def spans(self) -> tuple[Span, ...]:
        return tuple(_runs(self.given, self.marked))


def differences(received: str, registered: str) -> Comparison:
    """In what ``received`` differs from ``registered``; of both the first :data:`LONGEST_SHOWN` characters count."""
    names: set[Difference] = set()
    asked = _read(received[:LONGEST_SHOWN], names)
    known = _read(registered[:LONGEST_SHOWN], set())
    parts, others = _PARTS.match(asked.text), _PARTS.match(known.text)
    if parts is None or others is None:  # pragma: no cover - every text matches
        return Comparison(asked.spans(), known.spans(), (Difference.PATH,))
    for part in ("scheme", "user", "host", "port", "path", "query", "fragment"):
        one, other = parts[part] or "", others[part] or ""
        if one == other or (part == "port" and _may_vary(others)):
            continue
        names.update(_named(part, one, other))
        _mark(asked, parts.start(part), one, other, is_whole=part in {"scheme", "port"})
        _mark(known, others.start(part), other, one, is_whole=part in {"scheme", "port"})
    return Comparison(asked.spans(), known.spans(), tuple(each for each in Difference if each in names))


def nearest(received: str, registered: Iterable[str]) -> list[Comparison]:
    """How ``received`` differs from each of ``registered``, those it differs least from first."""
    return sorted((differences(received, each) for each in registered), key=_distance)


def unlike(received: str, known: str) -> Comparison:
    """In what two names that are no addresses differ."""
    sides = [_Side(each, each, [(at, at + 1) for at in range(len(each))], set()) for each in (received, known)]
    if received != known:
        _mark(sides[0], 0, received, known, is_whole=False)
        _mark(sides[1], 0, known, received, is_whole=False)
    return Comparison(sides[0].spans(), sides[1].spans(), ())


def visible(text: str) -> str:
    """``text`` with what cannot be seen, or turns what stands beside it, named by its code point."""
    return "".join(each if each == " " or each.isprintable() else f"\u2039U+{ord(each):04X}\u203a" for each in text)


def told(text: str) -> str:
    """:func:`visible`, and what passes for another character has its code point beside it."""
    return "".join(
        f"{each}\u2039U+{ord(each):04X}\u203a" if _passes_for_another(each) else visible(each) for each in text
    )


def _distance(compared: Comparison) -> tuple[bool, int, int]:
    marked = sum(len(span.text) for span in (*compared.received, *compared.registered) if span.differs)
    return Difference.HOST in compared.names, len(compared.names), marked


def _read(given: str, names: set[Difference]) -> _Side:
    """``given`` as it reads, with its places; what had to be read into it is named and marked."""
    side = _Side(given, "", [], set())
    if "://" not in given and "://" in unquote(given):
        names.add(Difference.ENCODING)
        pieces = [(at.start(), at.end(), unquote(at[0])) for at in _ESCAPES.finditer(given)]
    else:
        pieces = []
    read, escaped = [], {start: (end, text) for start, end, text in pieces}
    at = 0
    while at < len(given):
        end, text = escaped.get(at, (at + 1, _plain(given[at])))
        if text != given[at:end]:
            side.marked.update(range(at, end))
            if at not in escaped:
                names.add(Difference.LOOKALIKE if text else Difference.INVISIBLE)
        read.append(text)
        side.places += [(at, end)] * len(text)
        at = end
    side.text = "".join(read)
    return side


def _plain(character: str) -> str:
    """What a character looks like in ASCII; nothing for a space and for what cannot be seen."""
    if character.isascii():
        return "" if character.isspace() or ord(character) < 32 or ord(character) == 127 else character
    if character.isspace() or unicodedata.category(character) in {"Cf", "Cc"}:
        return ""
    plain = unicodedata.normalize("NFKC", character).translate(_LOOKALIKES)
    return plain if plain.isascii() else character


def _passes_for_another(character: str) -> bool:
    """Whether it looks like a character of ASCII, or is a part of what looks like one letter."""
    if character.isascii() or not character.isprintable():
        return False
    is_part = unicodedata.combining(character) or "\u1100" <= character <= "\u11ff"
    return bool(is_part) or _plain(character).isascii()


def _may_vary(registered: re.Match[str]) -> bool:
    # RFC 8252 section 7.3: the port of a loopback address, over http.
    return registered["scheme"] == "http" and registered["host"] in _LOOPBACK_ADDRESSES


def _named(part: str, one: str, other: str) -> Iterator[Difference]:
    if part in {"scheme", "host"} and one.lower() == other.lower():
        yield Difference.CASE
    elif part == "host" and {one.lower(), other.lower()} <= _LOOPBACK_HOSTS:
        yield Difference.LOOPBACK
    elif part == "path":
        yield from _of_paths(one, other)
    else:
        yield Difference[part.upper()]


def _of_paths(one: str, other: str) -> Iterator[Difference]:
    if one.endswith("/") != other.endswith("/"):
        yield Difference.TRAILING_SLASH
        one, other = one.rstrip("/"), other.rstrip("/")
    if one == other:
        return
    once, twice = unquote(one), unquote(other)
    if once != twice and unicodedata.normalize("NFC", once) == unicodedata.normalize("NFC", twice):
        yield Difference.LOOKALIKE
    elif once == twice or unquote(once) == twice or once == unquote(twice):
        yield Difference.ENCODING
    elif one.casefold() == other.casefold():
        yield Difference.CASE
    elif once.casefold() == twice.casefold():
        yield from (Difference.ENCODING, Difference.CASE)
    else:
        yield Difference.PATH


def _mark(side: _Side, start: int, own: str, other: str, *, is_whole: bool) -> None:
    """Mark the letters that differ in case alone, or what of ``own`` lies between what both begin and end with."""
    if start < 0:
        return
    if is_whole:
        side.mark(start, start + len(own))
        return
    if own.endswith("/") and not other.endswith("/"):
        side.mark(start + len(own) - 1, start + len(own))
    own, other = own.rstrip("/"), other.rstrip("/")
    if own.casefold() == other.casefold() and len(own) == len(other):
        for at in (at for at in range(len(own)) if own[at] != other[at]):
            side.mark(start + at, start + at + 1)
    else:
        first, last = _between(own, other)
        side.mark(start + first, start + last)


def _between(own: str, other: str) -> tuple[int, int]:
    shorter = min(len(own), len(other))
    first = next((at for at in range(shorter) if own[at] != other[at]), shorter)
    most = shorter - first
    same = next((at for at in range(most) if own[-1 - at] != other[-1 - at]), most)
    last = len(own) - same
    return _at_a_part(own, first, last) if first + same == len(other) else (first, last)


def _at_a_part(own: str, first: int, last: int) -> tuple[int, int]:
    """The same where letters were only put in, as the eye takes parts: ``[staging.]shop``, not ``s[taging.s]hop``."""
    for back in range(first + 1):
        if own[last - back - 1] in _ENDS_OF_PARTS:
            return first - back, last - back
        if back == first or own[first - back - 1] != own[last - back - 1]:
            break
    return first, last


def _runs(text: str, marked: set[int]) -> Iterator[Span]:
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or (at in marked) != (start in marked):
            yield Span(told(text[start:at]), start in marked)
            start = at
