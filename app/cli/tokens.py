"""``tokens``: ending tokens before their time, and removing what is over."""

import sys
from dataclasses import asdict

import click

from app.cli.outcome import OPERATOR, as_json, operation, over_everything, said, show, show_one
from app.services.oversight.grants import WantedDenied
from app.services.upkeep.cleaning import BATCH
from app.wiring import services


@click.group()
def tokens() -> None:
    """Tokens of people and services."""


@tokens.command()
@click.option("--batch", default=BATCH, type=click.IntRange(1, 100_000), help="Rows of one transaction.")
@operation
def cleanup(batch: int, as_json: bool) -> None:
    """Remove rows that decide nothing any more; for cron, may run at any time and be stopped at any time."""
    show_one(dict(services.cleaning.run(batch)), is_json=as_json)


@tokens.command()
@click.option("--user", "who", help="All tokens of the account with this e-mail or id.")
@click.option("--client", "client_id", help="All tokens issued to this client.")
@click.option("--stdin", "is_piped", is_flag=True, help="The access or refresh token that is typed or piped in.")
@operation
def revoke(who: str | None, client_id: str | None, is_piped: bool, as_json: bool) -> None:
    """End tokens at once, everywhere. A refresh token takes everything of its grant along."""
    if [who is not None, client_id is not None, is_piped].count(True) != 1:
        raise click.UsageError("Say which tokens: --user, --client or --stdin.")
    if who is not None:
        ended = services.revocations.end_user(services.accounts.find(who).id, "revoked_by_operator", OPERATOR)
    elif client_id is not None:
        client = services.clients.get(client_id)
        ended = services.revocations.end_client(client.client_id, "revoked_by_operator", OPERATOR)
    else:
        # Not an argument: arguments show in the list of processes and in the history of the shell.
        text = sys.stdin.readline().strip()
        ended = int(services.bearer.revoke_any(text, "revoked_by_operator", OPERATOR))
    said("Nothing was open." if not ended else f"Ended {ended}.", {"ended": ended}, is_json=as_json)


@tokens.command("list")
@click.option("--user", "who", help="Only those of the account with this e-mail or id.")
@click.option("--limit", default=100, type=click.IntRange(1, 10_000), help="How many at most.")
@as_json
@over_everything
def list_denied(who: str | None, limit: int, as_json: bool) -> None:
    """List access tokens that were ended before their time and have not expired, the latest first."""
    user_id = services.accounts.find(who).id if who else None
    denied = services.grants.denied(WantedDenied(user_id=user_id), limit=limit)
    show([asdict(row) for row in denied.items], is_json=as_json)
