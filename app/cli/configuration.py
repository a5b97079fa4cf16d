"""``config``: the settings."""

from dataclasses import asdict

import click
from flask.cli import with_appcontext

from app.cli.outcome import as_json, show
from app.settings import documentation
from app.wiring import services


@click.group()
def config() -> None:
    """Settings."""


@config.command()
@as_json
@with_appcontext
def check(as_json: bool) -> None:
    """Show every setting, secrets masked. Unusable settings end the command before, one line for each problem."""
    rows = [asdict(row) for row in services.settings.rows()]
    if as_json:
        show(rows, is_json=True)
        return
    for row in rows:
        click.echo(f"{row['variable']}={row['value']}")
    if services.settings.lacks_proxy:
        click.echo(
            "PUBLIC_URL is https, which a proxy in front must speak, but TRUSTED_PROXIES is 0: everybody behind it "
            "shares its address and its limits. Set it to the number of proxies in front."
        )
    click.echo("The settings are usable.")


@config.command()
def document() -> None:
    """Print docs/configuration.md."""
    click.echo(documentation(), nl=False)
