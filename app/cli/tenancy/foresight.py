"""``--dry-run`` and ``--policies``: what a change would do, and which expectations it would break; and making it."""

import functools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import click

from app.cli.outcome import OPERATOR, said
from app.database import only_reads
from app.services.oversight.policies import Verdict
from app.services.people.standing import Preview
from app.services.tenancy.changes import Change
from app.services.tenancy.effects import MOST_LISTED, PersonEffect
from app.services.tenancy.expectations import LONGEST_FILE, Expectation, Unreadable, read
from app.services.tenancy.world import World
from app.wiring import services

F = TypeVar("F", bound=Callable[..., Any])
UNREADABLE = 2
"""The exit code for a file of policies that cannot be read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted besides the change: only to be told, and to have expectations looked at."""

    is_dry_run: bool
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change does to expectations: those it breaks, those it mends, and those that hold neither way."""

    broken: list[Verdict]
    mended: list[Verdict]
    failing: list[Verdict]


def expectations(file: str) -> tuple[Expectation, ...]:
    """The expectations of a file (``-`` is standard input); ends the program where it cannot be read."""
    try:
        with click.open_file(file, "rb") as opened:
            return read(opened.read(LONGEST_FILE + 1))
    except OSError:
        click.echo("Error: This file cannot be read.", err=True)
    except Unreadable as unreadable:
        for line, problem in unreadable.problems:
            click.echo(f"Error: {f'line {line}: ' if line else ''}{problem}", err=True)
    sys.exit(UNREADABLE)


def foreseen(command: F) -> F:
    """Give a command that makes a change ``--dry-run`` and ``--policies``; it gets them as ``asked``."""

    @click.option("--dry-run", is_flag=True, help="Say what this would do, and do nothing.")
    @click.option("--policies", metavar="FILE", help="Do nothing where an expectation of this file would break.")
    @functools.wraps(command)
    def run(*args: Any, dry_run: bool, policies: str | None, **kwargs: Any) -> Any:
        if dry_run:
            only_reads()
        asked = Asked(dry_run, expectations(policies) if policies else ())
        return command(*args, asked=asked, **kwargs)

    return run  # type: ignore[return-value]


def carry_out(change: Change, asked: Asked, *, done: str, facts: dict[str, Any], is_json: bool) -> None:
    """Make a change and say so; or say what it would do. Ends with 1 where an expectation would break."""
    difference = Difference([], [], [])
    if asked.is_dry_run or asked.expectations:
        # What is about to be made is held against the expectations while nobody else changes anything.
        world = services.tenancy.world() if asked.is_dry_run else services.tenancy.begin()
        preview = services.standing.preview(change, world)
        difference = _difference(asked.expectations, world, change.after(world))
        if asked.is_dry_run or difference.broken:
            _tell(preview, difference, is_json=is_json)
    if difference.broken:
        services.db.rollback()
        sys.exit(1)
    if asked.is_dry_run:
        return
    while not services.standing.make(change, OPERATOR, in_steps=True).is_finished:
        services.db.commit()
    said(done, facts, is_json=is_json)


def _difference(asked: tuple[Expectation, ...], before: World, after: World) -> Difference:
    verdicts = zip(services.policies.judge(asked, before), services.policies.judge(asked, after), strict=True)
    found = [(old.holds, new) for old, new in verdicts]
    return Difference(
        [new for held, new in found if held and not new.holds],
        [new for held, new in found if new.holds and not held],
        [new for held, new in found if not held and not new.holds],
    )


def _tell(preview: Preview, difference: Difference, *, is_json: bool) -> None:
    if is_json:
        facts = {"effects": preview.facts(), "expectations": asdict(difference)}
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for line in (*told(preview), *_verdicts(difference)):
        click.echo(line)


def told(preview: Preview) -> Iterator[str]:
    """What a change would do, line by line."""
    effects, grants = preview.effects, preview.grants
    yield f"This would concern {_people(effects.people)}, of whom {_people(effects.logged_out)} would be logged out."
    yield from (f"  + {name}: {_people(count)}" for name, count in effects.gains.items())
    yield from (f"  - {name}: {_people(count)}" for name, count in effects.losses.items())
    yield from (f"  {email} becomes an administrator." for email in effects.administrators_come)
    yield from (f"  {email} is an administrator no more." for email in effects.administrators_go)
    yield from (f"  {client}: {count} grants end." for client, count in grants.ended.items())
    for verb, found in (("stops counting", grants.stop), ("counts again", grants.count_again)):
        yield from (f"  {each.client_id}: {each.scope} {verb} in {each.grants} grants." for each in found)
    for person in effects.listed:
        yield from _of_person(person)
    if effects.people > len(effects.listed):
        yield f"  … and {_people(effects.people - MOST_LISTED)} more."


def _of_person(person: PersonEffect) -> Iterator[str]:
    yield f"{person.email}: {_signed(person.gains, person.losses) or 'the same permissions'}"
    for place in person.places:
        roles = f"{place.role_before or 'not in it'} → {place.role_after or 'not in it'}"
        yield f"    {place.group}: {roles} {_signed(place.gains, place.losses)}".rstrip()
    for claim in ("groups", "workspaces"):
        before, after = set(getattr(person.before, claim)), set(getattr(person.after, claim))
        if before != after:
            yield f"    {claim}: {_signed(sorted(after - before), sorted(before - after))}"


def _verdicts(difference: Difference) -> Iterator[str]:
    for sign, meaning, found in (
        ("✗", "would break", difference.broken),
        ("✓", "would hold again", difference.mended),
        ("✗", "does not hold before either", difference.failing),
    ):
        yield from (f"{sign} line {each.line} {meaning}: {each.text} ({each.reason})" for each in found)


def _signed(gains: Any, losses: Any) -> str:
    return " ".join([*(f"+{name}" for name in gains), *(f"-{name}" for name in losses)])


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
