"""What a row may say of a person, each value by the rule of the door where people or operators give it themselves."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import regex

from app.errors import InvalidInput, sentence
from app.services.foundation.texts import holds_controls, one_line
from app.services.hashes.origins import kept
from app.services.people.email_names import normalised
from app.services.people.profiles import require_language, require_name, require_picture, require_timezone
from app.services.plans.periods import is_usual

TRUE, FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
BETWEEN_GROUPS, BEFORE_ROLE = ";", ":"
MOST_GROUPS = 50
LONGEST_ID = 255
MISSING = sentence("An account needs an e-mail.")
NOT_TEXT = sentence("This holds characters that are no text. The file has to be in UTF-8, without NUL.")
OTHER_TYPE = sentence("This is not of the right type.")
NO_TRUTH = sentence("Write true or false.")
NO_MOMENT = sentence(
    "Write a moment that has passed, since the year 2000, like 2026-01-31 or 2026-01-31T12:30:00+09:00."
)
NO_ID = sentence("An id of another system has 1 to 255 characters that can be seen.")
TOO_MANY_GROUPS = sentence("A row names at most 50 groups, and each once.")
_EASTERN = regex.compile(r"[\p{Hangul}\p{Han}\p{Hiragana}\p{Katakana} ]+")
GroupNamed = tuple[str, str]
"""The names of a group and of the role there, which may be empty."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a column of a row, or with all of it where ``column`` is empty: an English constant.

    ``facts`` fill its places.
    """

    column: str
    sentence: str
    facts: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sentence in English."""
        return self.sentence % self.facts


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says; None or nothing where it is silent."""

    email: str
    name: str | None = None
    email_verified: bool = False
    locale: str = ""
    timezone: str | None = None
    picture: str | None = None
    password_hash: str | None = field(default=None, repr=False)
    plan: str | None = None
    groups: tuple[GroupNamed, ...] = ()
    disabled: bool = False
    external_id: str = ""
    created_at: datetime | None = None


def read(values: Mapping[str, Any], now: datetime) -> tuple[Row | None, str, list[Problem]]:
    """The row, or what is wrong with it; and its e-mail as accounts keep it, empty where it has none."""
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for column, value in values.items():
        try:
            found[column] = _RULES[column](_clean(value))
        except InvalidInput as refusal:
            problems.append(Problem(column, refusal.message))
    if "email" not in values:
        problems.append(Problem("email", MISSING))
    created_at = found.get("created_at")
    if created_at is not None and created_at > now:
        problems.append(Problem("created_at", NO_MOMENT))
    email = str(found.get("email", ""))
    given, family = found.pop("given_name", ""), found.pop("family_name", "")
    if (given or family) and not found.get("name"):
        try:
            found["name"] = require_name(full_name(given, family))
        except InvalidInput as refusal:
            problems.append(Problem("given_name", refusal.message))
    if "zoneinfo" in found:
        found["timezone"] = found.pop("zoneinfo")
    return (None, email, problems) if problems else (Row(**found), email, [])


def email_of(values: Mapping[str, Any]) -> str:
    """The e-mail of a row as accounts keep it, empty where it has none; nothing else of it is read."""
    try:
        return str(_RULES["email"](_clean(values.get("email"))))
    except InvalidInput:
        return ""


def full_name(given: str, family: str) -> str:
    """The two names together, in the order of their script: 김민수, Ada King."""
    if given and family and _EASTERN.fullmatch(given + family):
        return f"{family}{given}"
    return f"{given} {family}".strip()


def _clean(value: Any) -> Any:
    """A value of the file; raises :class:`InvalidInput` where a text in it is none."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidInput(NOT_TEXT) from None
        if "\x00" in value:
            raise InvalidInput(NOT_TEXT)
    elif isinstance(value, list):
        for each in value:
            _clean(each)
    return value


def _text(rule: Callable[[str], Any]) -> Callable[[Any], Any]:
    def read_text(value: Any) -> Any:
        if not isinstance(value, str):
            raise InvalidInput(OTHER_TYPE)
        return rule(value)

    return read_text


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:LONGEST_ID]).strip().lower()


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = _plain(value) if isinstance(value, str) else ""
    if text not in TRUE | FALSE:
        raise InvalidInput(NO_TRUTH)
    return text in TRUE


def _language(text: str) -> str:
    """Other systems name a country as well (``ko-KR``, ``en_US``)."""
    return require_language(_plain(text).replace("_", "-").partition("-")[0])


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(_plain(text).upper())
        moment = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(NO_MOMENT) from None
    if not is_usual(moment):
        raise InvalidInput(NO_MOMENT)
    return moment


def _external_id(text: str) -> str:
    line = one_line(text[: 2 * LONGEST_ID])
    if not line or len(text) > LONGEST_ID or holds_controls(text):
        raise InvalidInput(NO_ID)
    return line


def _hash(value: Any) -> str | None:
    if not isinstance(value, str | Mapping):
        raise InvalidInput(OTHER_TYPE)
    return kept(value)


def _groups(value: Any) -> tuple[GroupNamed, ...]:
    """``a;b:editor`` or a list of such names; what stands behind the last colon is the role."""
    names = value.split(BETWEEN_GROUPS) if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidInput(OTHER_TYPE)
    found = [_group(name) for name in names if name.strip()]
    if len(found) > MOST_GROUPS:
        raise InvalidInput(TOO_MANY_GROUPS)
    return tuple(found)


def _group(text: str) -> GroupNamed:
    group, colon, role = text.rpartition(BEFORE_ROLE)
    return (group.strip(), role.strip()) if colon else (text.strip(), "")


_RULES: Mapping[str, Callable[[Any], Any]] = {
    "email": _text(normalised),
    "name": _text(require_name),
    "given_name": _text(require_name),
    "family_name": _text(require_name),
    "email_verified": _truth,
    "locale": _text(_language),
    "zoneinfo": _text(require_timezone),
    "picture": _text(require_picture),
    "password_hash": _hash,
    "plan": _text(_plain),
    "groups": _groups,
    "disabled": _truth,
    "external_id": _text(_external_id),
    "created_at": _text(_moment),
}
COLUMNS = tuple(_RULES)
"""What a row may say."""
