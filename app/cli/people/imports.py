"""``users import``: people of another system, from a file."""

import json
import sys
from dataclasses import asdict
from pathlib import PurePath
from typing import IO, Any

import click

from app.cli.outcome import OPERATOR, operation
from app.cli.people.users import users as users
from app.database import only_reads
from app.errors import InvalidInput
from app.services.imports.imports import Run, Wishes
from app.services.imports.judging import Action, Outcome
from app.services.imports.sheets import Form
from app.wiring import services

UNREADABLE = 2
SUFFIXES = {".csv": Form.CSV, ".jsonl": Form.JSONL, ".ndjson": Form.JSONL}
DONE = {
    Action.CREATED: "created",
    Action.UPDATED: "updated",
    Action.UNCHANGED: "unchanged",
    Action.SKIPPED: "there already",
    Action.REFUSED: "refused",
}
FORESEEN = {**DONE, Action.CREATED: "would be created", Action.UPDATED: "would be updated"}


@users.command("import")
@click.argument("file")
@click.option(
    "--format", "form", type=click.Choice([form.value for form in Form]), help="By the file's name when left out."
)
@click.option("--dry-run", is_flag=True, help="Say of each row what would become of it, and do nothing.")
@click.option("--update", "updates", is_flag=True, help="Change name, plan and groups of those who are there already.")
@click.option("--allow-admin", "allows_admins", is_flag=True, help="Let the file make administrators.")
@operation
def import_people(
    file: str, form: str | None, dry_run: bool, updates: bool, allows_admins: bool, as_json: bool
) -> None:
    """Make accounts of the rows of a file (-: standard input), with the password hashes of another system.

    Ends with 1 where a row was refused, and with 2 where the file cannot be read at all.
    """
    if dry_run:
        only_reads()
    wishes = Wishes(is_rehearsal=dry_run, updates=updates, allows_admins=allows_admins)
    chosen = Form(form) if form else SUFFIXES.get(PurePath(file).suffix.lower())
    if chosen is None:
        raise click.UsageError("Say with --format how the file is written.")
    try:
        with click.open_file(file, "rb") as stream:
            run = _begun(stream, chosen, wishes)
            for outcomes in run:
                for outcome in outcomes:
                    _tell(outcome, dry_run=dry_run, as_json=as_json)
    except OSError:
        click.echo("Error: This file cannot be read.", err=True)
        sys.exit(UNREADABLE)
    _conclude(run, as_json=as_json)


def _begun(stream: IO[bytes], form: Form, wishes: Wishes) -> Run:
    try:
        return services.imports.begin(stream, form, OPERATOR, wishes)
    except InvalidInput as refusal:
        click.echo(f"Error: {refusal.message}", err=True)
        sys.exit(UNREADABLE)


def _tell(outcome: Outcome, *, dry_run: bool, as_json: bool) -> None:
    """One row: all of them in a rehearsal and for programs, else those that were refused."""
    problems = [{"column": each.column, "problem": each.text} for each in outcome.problems]
    if as_json:
        click.echo(json.dumps({**asdict(outcome), "problems": problems}, ensure_ascii=False))
        return
    words = (FORESEEN if dry_run else DONE)[outcome.action]
    if outcome.action is Action.REFUSED:
        for each in outcome.problems:
            click.echo(f"row {outcome.row}: {words}: {f'{each.column}: ' if each.column else ''}{each.text}")
    elif dry_run:
        changed = f" ({', '.join(outcome.changed)})" if outcome.changed else ""
        click.echo(f"row {outcome.row}: {words}{changed}: {outcome.email}")


def _conclude(run: Run, *, as_json: bool) -> None:
    """The sum, which is the last line; ends the program with 1 where a row was refused."""
    counts: dict[str, Any] = {action.value: run.counts[action] for action in Action}
    if as_json:
        click.echo(json.dumps({**counts, "rehearsal": run.wishes.is_rehearsal, "run": run.id, "sha256": run.sha256}))
    else:
        words = FORESEEN if run.wishes.is_rehearsal else DONE
        told = ", ".join(f"{run.counts[action]} {words[action]}" for action in Action)
        click.echo(f"{sum(run.counts.values())} rows: {told}. SHA-256 of the file: {run.sha256}")
    if run.counts[Action.REFUSED]:
        sys.exit(1)
