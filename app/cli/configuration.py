"""``config``: the settings."""

from dataclasses import asdict

import click

from app.cli.outcome import as_json, over_everything, show, warn
from app.database import UNAVAILABLE
from app.settings import documentation
from app.wiring import services


@click.group()
def config() -> None:
    """Settings."""


@config.command()
@as_json
@over_everything
def check(as_json: bool) -> None:
    """Show every setting, secrets masked. Unusable settings end the command before, one line for each problem."""
    rows = [asdict(row) for row in services.settings.rows()]
    if sentence := _role_sentence():
        warn(sentence)
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


def _role_sentence() -> str | None:
    try:
        return services.db.role_weakness()
    except UNAVAILABLE:
        return "The database does not answer; what its role may do is not known."
