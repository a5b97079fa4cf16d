"""``audit``: reading, exporting and verifying the audit trail."""

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click
from flask import current_app

from app.cli.outcome import OPERATOR, as_json, committed, operation, over_everything, said, show
from app.database import ADMINISTRATION, enter, only_reads
from app.errors import NotFound
from app.services.record.canonical import moment
from app.services.record.forms import COLUMNS, canonical, cells_of, kept_checkpoints, known_keys, parsed, visible
from app.services.record.search import Filters
from app.services.record.trail import NoCheckpoint
from app.wiring import services

TRIES = 10
"""How often is tried to sign all that is sealed before something new is."""


class Moment(click.ParamType[datetime]):
    """A time of ISO 8601, in UTC where it says no zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time; ends the command where it is none."""
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("Write it like 2026-01-31 or 2026-01-31T12:30:00+09:00.", param, ctx)


@click.group()
def audit() -> None:
    """The audit trail."""


@audit.command("list")
@click.option(
    "--action", "actions", multiple=True, help="Only this action; account: is all that begin so. Can be repeated."
)
@click.option("--client", help="Only of this client.")
@click.option("--user", "who", help="Only of the account with this e-mail or id.")
@click.option("--actor", help="Only what this person (e-mail or id), client or operator did.")
@click.option("--success/--failure", "success", default=None, help="Only what went well, or what was refused.")
@click.option("--ip", help="Only from this address or network, such as 203.0.113.0/24.")
@click.option("--request", help="Only of the request with this id.")
@click.option("--error", help="Only what was refused with this code.")
@click.option("--since", type=Moment(), help="Not before this time.")
@click.option("--until", type=Moment(), help="Before this time.")
@click.option("--limit", default=100, type=click.IntRange(1, 10_000), help="How many at most.")
@operation
def list_records(
    actions: tuple[str, ...], who: str | None, actor: str | None, limit: int, as_json: bool, **wanted: Any
) -> None:
    """List records, the latest first. That it was read is on record, too."""
    by = _user_id(actor) if actor and "@" in actor else actor
    filters = Filters(actions=actions or None, user=_user_id(who), actor=by, **wanted)
    rows = services.records.page(filters, OPERATOR, limit=limit, is_bounded=False).items
    if as_json:
        # In ASCII, so that nothing in it means anything to a terminal.
        click.echo(json.dumps(rows, indent=2, default=_plain))
        return
    show([{name: _shown(value) for name, value in row.items()} for row in rows], is_json=False)


@audit.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", help="JSON lines, or CSV.")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file that is made; else it is printed."
)
@click.option("--since", type=Moment(), help="An extract, from the last checkpoint before this time on.")
@over_everything
def export(form: str, output: Path | None, since: datetime | None) -> None:
    """Export the trail with all that proves it; first seals and signs what is pending."""
    write = {"jsonl": _json_line, "csv": _csv_line}[form]
    with _made(output) if output else nullcontext(sys.stdout) as file:
        count = committed(_export)(file, write, form, since)
    click.echo(f"Exported {count} records.", err=True)


@audit.command()
@click.option(
    "--keys", type=click.Path(path_type=Path, exists=True), help="Public keys that are trusted, and no others."
)
@click.option("--checkpoint", "kept", type=click.Path(path_type=Path, exists=True), help="Checkpoints that were kept.")
@as_json
@over_everything
def verify(keys: Path | None, kept: Path | None, as_json: bool) -> None:
    """Verify the trail where it is; ends with 1 and names what was changed if something was."""
    try:
        pinned = known_keys(parsed(keys.read_text())["keys"]) if keys else None
        checkpoints = kept_checkpoints(parsed(kept.read_text())) if kept else []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise click.ClickException("The file of keys or checkpoints cannot be read.") from error
    only_reads()
    report, unsealed = services.trail.verify(pinned, checkpoints)
    if as_json:
        findings = [asdict(each) for each in report.findings]
        click.echo(json.dumps({**asdict(report), "whole": report.is_whole, "unsealed": unsealed, "findings": findings}))
    else:
        for line in report.told():
            click.echo(visible(line))
        click.echo(f"{unsealed} records are not sealed yet.")
    if not report.is_whole:
        sys.exit(1)


@audit.command("keys")
@as_json
@over_everything
def list_keys(as_json: bool) -> None:
    """List the keys that sign checkpoints."""
    only_reads()
    names = ("kid", "status", "created_at", "replaced_at")
    show([{name: key[name] for name in names} for key in services.checkpoints.public_keys()], is_json=as_json)


@audit.command("rotate-key")
@operation
def rotate_key(as_json: bool) -> None:
    """Have a new key sign checkpoints; the old one signs that it follows, and its private half is destroyed."""
    kid = services.checkpoints.rotate(OPERATOR)
    said(f"Checkpoints are signed with {kid} from now on.", {"kid": kid}, is_json=as_json)


def _user_id(who: str | None) -> str | None:
    """The id of an account, also of one that is gone."""
    if who is None:
        return None
    try:
        return services.accounts.find(who).id
    except NotFound:
        return who


def _plain(value: object) -> str:
    return moment(value) if isinstance(value, datetime) else str(value)


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        value = canonical(value) if value else ""
    return visible(value) if isinstance(value, str) else value


def _export(file: IO[str], write: Callable[[dict[str, Any]], str], form: str, since: datetime | None) -> int:
    services.trail.prepare()
    services.trail.record_export(OPERATOR, form, since)
    for _ in range(TRIES):
        services.trail.prepare()
        # A unit of work of its own, that sees the trail at one moment.
        with current_app.app_context():
            only_reads()
            enter(ADMINISTRATION)
            if services.trail.is_signed():
                return _written(file, write, form, services.trail.export(since))
    raise NoCheckpoint("Records are sealed faster than they can be signed; try again.")


def _written(file: IO[str], write: Callable[[dict[str, Any]], str], form: str, items: Iterator[dict[str, Any]]) -> int:
    if form == "csv":
        file.write(_row(COLUMNS))
    count = 0
    for item in items:
        file.write(write(item))
        count += item["kind"] == "row"
    file.flush()
    return count


def _json_line(item: dict[str, Any]) -> str:
    return canonical(item) + "\n"


def _csv_line(item: dict[str, Any]) -> str:
    return _row(cells_of(item))


def _row(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return line.getvalue()


def _made(path: Path) -> IO[str]:
    """A new file that its owner alone may read."""
    try:
        return open(path, "x", encoding="utf-8", newline="", opener=_private)
    except OSError as error:
        raise click.ClickException(f"The file cannot be made: {error.strerror}.") from error


def _private(path: str, flags: int) -> int:

    return os.open(path, flags, 0o600)
