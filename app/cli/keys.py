"""``keys``: signing keys."""

import sys
from dataclasses import asdict
from datetime import timedelta

import click

from app.cli.outcome import OPERATOR, as_json, committed, operation, over_everything, said, show, warn
from app.services.tokens.keys import FRESH_SECONDS, PUBLISHED_SECONDS
from app.wiring import services


@click.group()
def keys() -> None:
    """Signing keys."""


@keys.command("list")
@as_json
@over_everything
def list_keys(as_json: bool) -> None:
    """List all keys with their states."""
    show([asdict(key) for key in services.keys.describe()], is_json=as_json)


@keys.command()
@click.option("--algorithm", default=None, help="Only this algorithm's keys.")
@operation
def rotate(algorithm: str | None, as_json: bool) -> None:
    """Let the next key sign; the current one goes on verifying until its last token has expired."""
    young = timedelta(seconds=PUBLISHED_SECONDS)
    fresh = [
        key
        for key in services.keys.describe()
        if key.status == "next"
        and key.algorithm == (algorithm or key.algorithm)
        and services.clock() - key.created_at < young
    ]
    services.keys.rotate(algorithm, OPERATOR)
    if fresh:
        click.echo(
            f"The new key was published less than {PUBLISHED_SECONDS} seconds ago; clients that keep the key "
            "set may have to fetch it once more.",
            err=True,
        )
    show([asdict(key) for key in services.keys.describe()], is_json=as_json)
    if not as_json:
        click.echo(f"Running workers notice within {FRESH_SECONDS:.0f} seconds.")


# One key id in 64 begins with a dash.
@keys.command(context_settings={"ignore_unknown_options": True})
@click.argument("kid")
@operation
def retire(kid: str, as_json: bool) -> None:
    """Withdraw a key at once: what it signed is accepted no longer, neither as a token nor as a hint."""
    services.keys.retire(kid, OPERATOR)
    said(f"Retired {kid}.", {"kid": kid, "status": "retired"}, is_json=as_json)


@keys.command()
@as_json
@over_everything
def reseal(as_json: bool) -> None:
    """Seal with the first of ENCRYPTION_KEYS what an older one sealed, so that the older ones may go."""
    counts = committed(services.resealing.run)(OPERATOR)
    show([asdict(count) for count in counts], is_json=as_json)
    if any(count.unopenable for count in counts):
        warn("What is unopenable was sealed with a key that is not among ENCRYPTION_KEYS, or is damaged.")
        sys.exit(1)
    if not as_json:
        click.echo("Everything is sealed with the first of ENCRYPTION_KEYS; no other one is needed.")
