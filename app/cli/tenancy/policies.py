"""``policies``: what is expected of people's rights, held against what they are."""

import json
import sys
from dataclasses import asdict

import click

from app.cli.outcome import as_json, over_everything
from app.cli.tenancy.foresight import expectations
from app.database import only_reads
from app.wiring import services


@click.group()
def policies() -> None:
    """Policies as tests."""


@policies.command()
@click.argument("file")
@as_json
@over_everything
def test(file: str, as_json: bool) -> None:
    """Hold the expectations of a YAML file (-: standard input) against who may do what now.

    Ends with 1 where one does not hold, and with 2 where the file cannot be read.
    """
    expected = expectations(file)
    only_reads()
    verdicts = services.policies.judge(expected)
    failed = [each for each in verdicts if not each.holds]
    if as_json:
        facts = {"passed": len(verdicts) - len(failed), "failed": len(failed)}
        click.echo(json.dumps({**facts, "expectations": [asdict(each) for each in verdicts]}, ensure_ascii=False))
    else:
        for each in verdicts:
            reason = "" if each.holds else f" ({each.reason})"
            click.echo(f"{'✓' if each.holds else '✗'} line {each.line}: {each.text}{reason}")
        click.echo(f"{len(verdicts) - len(failed)} hold, {len(failed)} do not.")
    if failed:
        sys.exit(1)
