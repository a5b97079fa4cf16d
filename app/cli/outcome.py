"""What commands share: one commit at the end, refusals and outages as one line, lists as JSON or as a table."""

import copy
import functools
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import click
from flask.cli import with_appcontext

from app.database import ADMINISTRATION, UNAVAILABLE, enter, is_of_the_schema, reason
from app.errors import PortalError
from app.services.foundation.environment import Caller
from app.stores import StoreUnavailable
from app.wiring import services

P = ParamSpec("P")
R = TypeVar("R")
OPERATOR = Caller(actor="operator")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def told_in_one_line(command: click.Command) -> click.Command:
    """The command, or the group with its commands, where a database or store that cannot be used is one line."""
    told = copy.copy(command)
    if isinstance(told, click.Group):
        told.commands = {name: told_in_one_line(each) for name, each in told.commands.items()}
    if command.callback:
        told.callback = _without_traceback(command.callback)
    return told


def _without_traceback(command: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if not _is_text(kwargs.values()):
            raise click.UsageError("What was typed is not text in the encoding of this terminal.")
        try:
            return command(*args, **kwargs)
        except UNAVAILABLE as error:
            raise click.ClickException(_why(error)) from error
        except StoreUnavailable as error:
            raise click.ClickException(str(error)) from error

    return run


def _is_text(typed: Iterable[Any]) -> bool:
    """Whether all of it can be kept; bytes that are no text reach Python as halves of surrogate pairs."""
    texts = (text for value in typed for text in (value if isinstance(value, tuple) else (value,)))
    try:
        "".join(text for text in texts if isinstance(text, str)).encode()
    except UnicodeEncodeError:
        return False
    return True


def _why(error: Exception) -> str:
    """What an operator can do about a database that cannot be used, or what it said."""
    if is_of_the_schema(getattr(error, "orig", None)):
        with suppress(*UNAVAILABLE):
            services.db.rollback()
            if not (fit := services.db.schema_fit()).is_usable:
                return fit.sentence
    return f"The database cannot be used: {reason(error, services.settings.storage.database_url)}."


def over_everything(command: Callable[P, R]) -> Callable[P, R]:
    """A command that may reach the rows of everybody."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        enter(ADMINISTRATION)
        return command(*args, **kwargs)

    return with_appcontext(run)


def operation(command: Callable[P, R]) -> Callable[P, R]:
    """A command that is one transaction, and prints JSON where that is asked for."""
    return as_json(over_everything(committed(command)))


def committed(command: Callable[P, R]) -> Callable[P, R]:
    """Run something as one transaction; a refusal takes everything back and exits with 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            result = command(*args, **kwargs)
            services.db.commit()
        except PortalError as refusal:
            services.db.rollback()
            raise click.ClickException(refusal.message) from refusal
        return result

    return run


def said(sentence: str, facts: dict[str, Any], *, is_json: bool) -> None:
    """Print what was done: one line for people, or the facts of it as a JSON object."""
    click.echo(json.dumps(facts, default=_text, ensure_ascii=False) if is_json else sentence)


def warn(sentence: str) -> None:
    """Say something beside the result, which programs read alone."""
    click.echo(f"Warning: {sentence}", err=True)


def confirmed(question: str, *, is_confirmed: bool) -> None:
    """Ask whoever sits at a terminal; a script means what it says."""
    if not is_confirmed and sys.stdin.isatty():
        click.confirm(question, abort=True, err=True)


def show(rows: Sequence[dict[str, Any]], *, is_json: bool) -> None:
    """Print rows, one line each or as a JSON array."""
    if is_json:
        click.echo(json.dumps(rows, indent=2, default=_text, ensure_ascii=False))
        return
    if not rows:
        click.echo("(none)")
        return
    table = [list(rows[0]), *([_text(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def show_one(row: dict[str, Any], *, is_json: bool) -> None:
    """Print one row as a JSON object or as ``name: value`` lines."""
    if is_json:
        click.echo(json.dumps(row, indent=2, default=_text, ensure_ascii=False))
        return
    for name, value in row.items():
        click.echo(f"{name}: {_text(value)}")


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dict):
        return json.dumps(value)
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
