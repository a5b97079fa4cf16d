"""``selfcheck``: the running portal, attacked by itself."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import Any

import click

from app.cli.outcome import OPERATOR, as_json, over_everything
from app.selfcheck.findings import Finding, Outcome, Score
from app.selfcheck.reports import kept
from app.selfcheck.run import CannotRun, names, origin_of, run
from app.wiring import services

FAILED, CANNOT_RUN = 1, 2
ENGLISH = "en"
SIGNS = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.WARNED: "warning", Outcome.NOT_TESTED: "not tested"}


@click.command()
@click.argument("url", default="")
@click.option("--only", multiple=True, metavar="NAME", help="Try this one alone; may be repeated.")
@as_json
@over_everything
def selfcheck(url: str, only: tuple[str, ...], as_json: bool) -> None:
    """Attack the running portal at URL (PUBLIC_URL) as a stranger would, and say what held.

    A whole run is kept for the administrators' page. Exits with 1 if something did not hold, with 2 if nothing could be
    tried.
    """
    if unknown := [name for name in only if name not in names()]:
        raise click.UsageError(f"There is no probe {unknown[0]}. Probes are {', '.join(names())}.")
    found: list[Finding] = []
    began_at = services.clock()
    try:
        with _ended_in_order(), closing(run(services, url, only=only, caller=OPERATOR)) as findings:
            for finding in findings:
                found.append(finding)
                if not as_json:
                    show_finding(finding)
    except CannotRun as reason:
        click.echo(f"Error: {reason}", err=True)
        sys.exit(CANNOT_RUN)
    if not only:
        address = origin_of(url or services.settings.issuer)
        services.selfchecks.keep(address, [kept(each) for each in found], began_at)
        services.db.commit()
    score = Score.of(found)
    if as_json:
        click.echo(json.dumps(_whole(found, score), indent=2, ensure_ascii=False))
    else:
        click.echo(f"{score.passed} of {score.tested} passed.")
    sys.exit(FAILED if any(each.outcome is Outcome.FAILED for each in found) else 0)


def show_finding(finding: Finding) -> None:
    """Print a line of a report, with what to do below it."""
    seen = finding.seen.in_language(ENGLISH)
    click.echo(f"{SIGNS[finding.outcome]:10}  {finding.name}: {finding.title.in_language(ENGLISH)}. {seen}")
    if finding.advice:
        click.echo(f"{'':10}  {finding.advice.in_language(ENGLISH)} ({finding.reference})")


def _whole(found: list[Finding], score: Score) -> dict[str, Any]:
    return {"passed": score.passed, "tested": score.tested, "findings": [each.as_json() for each in found]}


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Have SIGTERM end the command as Ctrl+C does, so that what was made for the run is removed."""

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not in the main thread, where no signal arrives
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
