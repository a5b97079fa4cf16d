"""``identities``: the logins of other providers that are linked with accounts, and trying such a provider out."""

import json
import sys
from dataclasses import asdict

import click
from flask import current_app

from app.cli.outcome import OPERATOR, operation, said, show, warn
from app.cli.selfcheck import FAILED, show_finding
from app.selfcheck.findings import Finding, Outcome
from app.wiring import services


@click.group()
def identities() -> None:
    """Linked logins of other providers."""


@identities.command("list")
@click.argument("who")
@operation
def list_identities(who: str, as_json: bool) -> None:
    """List what is linked with an account, the oldest link first."""
    found = services.identities.of(services.accounts.find(who).id)
    show([asdict(each) for each in found], is_json=as_json)


@identities.command()
@click.argument("who")
@click.argument("provider")
@click.option("--id", "identity_id", default="", help="This one alone, if several are linked.")
@operation
def unlink(who: str, provider: str, identity_id: str, as_json: bool) -> None:
    """End an account's links with a provider, with the sessions that came of them."""
    account = services.accounts.find(who)
    left = services.identities.remove(account.id, provider, OPERATOR, identity_id=identity_id, may_leave_none=True)
    facts = {"email": account.email, "provider": provider, "ways_left": left}
    said(f"{account.email} is not linked with {provider} any more.", facts, is_json=as_json)
    if not left:
        warn("Nothing is left to log in with. A link for a new password can still be mailed (users recover).")


@identities.command("test-provider")
@click.argument("name")
@operation
def test_provider(name: str, as_json: bool) -> None:
    """Ask a provider whether a login by it would work; nobody is logged in. Exits with 1 if something did not hold."""
    found: list[Finding] = current_app.extensions["provider_trials"](name, OPERATOR)
    services.db.commit()
    if as_json:
        click.echo(json.dumps([each.as_json() for each in found], indent=2, ensure_ascii=False))
    else:
        for each in found:
            show_finding(each)
    sys.exit(FAILED if any(each.outcome is Outcome.FAILED for each in found) else 0)
