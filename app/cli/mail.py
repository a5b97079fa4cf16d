"""``mail``: what waits to leave the portal, and trying it now. Notices to applications wait in the same queue."""

import click
from flask import current_app

from app.cli.outcome import as_json, operation, over_everything, said, show
from app.services.delivery.mail import MAIL
from app.wiring import services

STATES = ("waiting", "failing", "done", "given_up")


@click.group()
def mail() -> None:
    """Mails, and whatever else waits to leave the portal."""


@mail.command()
@as_json
@over_everything
def status(as_json: bool) -> None:
    """Count by kind: what waits, what waits after a failure, what arrived and was given up in the last week."""
    counts = {MAIL: {}, **services.outbox.counts()}
    rows = [{"kind": kind, **{state: of.get(state, 0) for state in STATES}} for kind, of in sorted(counts.items())]
    show(rows, is_json=as_json)


@mail.command()
@operation
def retry(as_json: bool) -> None:
    """Have the serving processes try at once, within seconds, what waits after a failure."""
    count = services.outbox.retry()
    said(f"{count} will be tried now.", {"retried": count}, is_json=as_json)


@mail.command()
@operation
def deliver(as_json: bool) -> None:
    """Deliver here and now what is due; for a host whose web processes cannot reach the mail server."""
    arrived = current_app.extensions["background"].deliver()
    said(f"Delivered {arrived}.", {"delivered": arrived}, is_json=as_json)
