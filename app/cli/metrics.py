"""``metrics``: what is measured and counted."""

from dataclasses import asdict

import click

from app.cli.outcome import operation, show_one
from app.server.metrics import families
from app.wiring import services


@click.group()
def metrics() -> None:
    """What is counted."""


@metrics.command()
def document() -> None:
    """Print the table of docs/metrics.md."""
    click.echo(families.documentation(), nl=False)


@metrics.command()
@operation
def figures(as_json: bool) -> None:
    """Show logins, refusals and tokens by the day, what ends within 30 days, and what waits to leave."""
    found = services.statistics_over_time.figures()
    if as_json:
        show_one(asdict(found), is_json=True)
        return
    for day in found.days:
        said = "  ".join(f"{name} {sum(counts.values())}" for name, counts in day.counts.items())
        click.echo(f"{day.begin:%Y-%m-%d}  {said}")
    for each in found.ending:
        click.echo(f"ends {each.at:%Y-%m-%d}: {each.kind} {each.name} of {each.of}")
    for queue in found.queues:
        click.echo(f"waits: {queue.count} {queue.kind}{', failing' if queue.is_failing else ''}")
