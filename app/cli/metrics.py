"""``metrics``: what is measured."""

import click

from app.server.metrics import families


@click.group()
def metrics() -> None:
    """What /metrics tells."""


@metrics.command()
def document() -> None:
    """Print the table of docs/metrics.md."""
    click.echo(families.documentation(), nl=False)
