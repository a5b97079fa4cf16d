"""What is expected of people's rights, as a file of sentences says it; reading one, without judging it.

The file is YAML: a list of sentences, or lists of them under headings. It is read by PyYAML's safe loader as far as its
events, so nothing in it is ever made into anything but text; what is not a plain list of lines is refused by its line.

    - alice@example.com may manage:workflows in MAX
    - bob@example.com may not manage:teams anywhere
    - role member may not admin:access
    - nobody but role admin may admin:access
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

from app.errors import InvalidInput
from app.services.foundation.texts import one_line
from app.services.tenancy.names import permission_name

LONGEST_FILE, MOST_SENTENCES, LONGEST_SENTENCE = 256 * 1024, 1000, 500
"""Bytes of a file; sentences in it; characters of one."""
HOW = (
    "Write: WHO may PERMISSION, role NAME may PERMISSION, or nobody but role NAME may PERMISSION; with not after may,"
    " and in GROUP or anywhere at the end."
)


class Unreadable(Exception):
    """The file cannot be read; ``problems`` has for each line (from 1; 0 for the file) what is wrong there."""

    def __init__(self, problems: list[tuple[int, str]]) -> None:
        super().__init__("; ".join(f"line {line}: {problem}" if line else problem for line, problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Expectation:
    """One sentence. Of ``person`` and ``role`` one is said, or neither where nobody is to be permitted something; then
    ``but`` may be a role that is left out. ``group`` is where; without one, in the primary group, or ``anywhere``.
    """

    line: int
    text: str
    permission: str
    is_allowed: bool
    person: str | None = None
    role: str | None = None
    but: str | None = None
    group: str | None = None
    anywhere: bool = False


def read(data: bytes) -> tuple[Expectation, ...]:
    """The expectations of a file; raises :class:`Unreadable`, with every line that is none."""
    if len(data) > LONGEST_FILE:
        raise Unreadable([(0, f"A file of policies has at most {LONGEST_FILE} bytes.")])
    found, problems = [], []
    for line, text in _taken_apart(data):
        try:
            found.append(parsed(text, line))
        except InvalidInput as refusal:
            problems.append((line, refusal.message))
    if len(found) > MOST_SENTENCES:
        problems.append((found[MOST_SENTENCES].line, f"A file has at most {MOST_SENTENCES} expectations."))
    if problems or not found:
        raise Unreadable(problems or [(0, "The file holds no expectation.")])
    return tuple(found)


def _taken_apart(data: bytes) -> list[tuple[int, str]]:
    """The sentences of a file with their lines; raises :class:`Unreadable`."""
    try:
        return list(_sentences(data.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise Unreadable([(0, "The file is not text in UTF-8.")]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable([(mark.line + 1 if mark else 0, "This is not YAML.")]) from None
    except yaml.YAMLError:
        raise Unreadable([(0, "The file holds characters that YAML does not know.")]) from None


def parsed(text: str, line: int = 0) -> Expectation:
    """The expectation that a sentence is; raises :class:`InvalidInput` for what is none."""
    told = one_line(text)
    words = told.split(" ")
    if len(told) > LONGEST_SENTENCE or "may" not in words:
        raise InvalidInput(HOW)
    place = words.index("may")
    subject, rest = words[:place], words[place + 1 :]
    is_denied = rest[:1] == ["not"]
    if not (rest := rest[is_denied:]):
        raise InvalidInput(HOW)
    about, where = _subject(subject, is_denied=is_denied), _where(rest[1:], of_role=subject[:1] == ["role"])
    is_allowed = not is_denied and subject[:1] != ["nobody"]
    return replace(about, **where, line=line, text=told, permission=permission_name(rest[0]), is_allowed=is_allowed)


def _subject(words: list[str], *, is_denied: bool) -> Expectation:
    """Whom a sentence is about."""
    nothing = Expectation(0, "", "", is_allowed=False)
    match words:
        case ["nobody"] if not is_denied:
            return nothing
        case ["nobody", "but", "role", role] if not is_denied:
            return replace(nothing, but=role)
        case ["role", role]:
            return replace(nothing, role=role)
        case [person] if person not in {"", "nobody", "role"}:
            return replace(nothing, person=person)
    raise InvalidInput(HOW)


def _where(words: list[str], *, of_role: bool) -> dict[str, Any]:
    """In which group; what a role permits it permits wherever it is held."""
    match words:
        case []:
            return {}
        case ["anywhere"] if not of_role:
            return {"anywhere": True}
        case ["in", *group] if group and not of_role:
            return {"group": " ".join(group)}
    raise InvalidInput(HOW)


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Each sentence with its line; raises :class:`Unreadable` for what is neither a list nor lists under headings."""
    events = _events(text)
    for event in events:
        if isinstance(event, yaml.SequenceStartEvent):
            yield from _lines(events)
        elif isinstance(event, yaml.MappingStartEvent):
            yield from _lists(events)
        else:
            raise _unexpected(event)


def _lists(events: Iterator[yaml.Event]) -> Iterator[tuple[int, str]]:
    for heading in events:
        if isinstance(heading, yaml.MappingEndEvent):
            return
        if not isinstance(heading, yaml.ScalarEvent):
            raise _unexpected(heading)
        if not isinstance(below := next(events), yaml.SequenceStartEvent):
            raise _unexpected(below)
        yield from _lines(events)


def _lines(events: Iterator[yaml.Event]) -> Iterator[tuple[int, str]]:
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            return
        if not isinstance(event, yaml.ScalarEvent):
            raise _unexpected(event)
        yield _line_of(event), event.value


def _events(text: str) -> Iterator[yaml.Event]:
    """What the file is made of, one after the other, so that nothing is deeper than who asks goes on for."""
    has_document = False
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = _line_of(event)
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise Unreadable([(line, "Anchors, aliases and tags mean nothing here.")])
        if isinstance(event, yaml.DocumentStartEvent):
            if has_document:
                raise Unreadable([(line, "A file is one document.")])
            has_document = True
        elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            yield event


def _line_of(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _unexpected(event: yaml.Event) -> Unreadable:
    return Unreadable([(_line_of(event), "Expected is a list of sentences, or headings with such lists.")])
