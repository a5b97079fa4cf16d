"""``seed``: the first contents of a portal."""

import logging

import click

from app.cli.outcome import as_json, committed, over_everything, show
from app.wiring import services


@click.command()
@as_json
@over_everything
def seed(as_json: bool) -> None:
    """Fill what is missing: scopes, roles, clients, keys and an administrator. Credentials are shown once."""
    # A newcomer reads this output for the credentials in it, not for the record of each row.
    logging.getLogger("portal.audit").setLevel(logging.WARNING)
    made = committed(services.seeding.run)().made
    if as_json:
        show([{"kind": kind, "name": name, "secret": secret} for kind, name, secret in made], is_json=True)
        return
    if not made:
        click.echo("Everything is there already.")
        return
    click.echo("These credentials were generated. They are shown once and stored nowhere:")
    for kind, name, secret in made:
        word = "password" if kind == "user" else "client secret"
        click.echo(f"  {kind} {name}  {word}: {secret}")
