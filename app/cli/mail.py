"""``mail``: what waits to leave the portal, and trying it now. Notices to applications wait in the same queue."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import click
from flask import current_app

from app.cli.audit import Moment
from app.cli.outcome import OPERATOR, as_json, operation, over_everything, said, show
from app.services.delivery.mail import MAIL
from app.services.oversight.deliveries import DeliveryState, WantedDeliveries
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


@mail.command("list")
@click.option("--kind", help="Only of this kind, such as mail.")
@click.option("--state", type=click.Choice(STATES), help="Only what has become so.")
@click.option("--user", "who", help="Only to the account with this e-mail or id.")
@click.option("--since", type=Moment(), help="Only what was to be sent from this time on.")
@click.option("--limit", default=100, type=click.IntRange(1, 10_000), help="How many at most.")
@operation
def list_deliveries(
    kind: str | None, state: str | None, who: str | None, since: datetime | None, limit: int, as_json: bool
) -> None:
    """List what waits, and what arrived or was given up in the last week, the latest first; never what it says."""
    user_id = services.accounts.find(who).id if who else None
    wanted = WantedDeliveries(kind, DeliveryState(state) if state else None, user_id, None, since)
    show([asdict(each) for each in services.deliveries.page(wanted, limit=limit).items], is_json=as_json)


@mail.command()
@click.option("--id", "delivery_id", type=click.UUID, help="Only this one.")
@operation
def retry(delivery_id: UUID | None, as_json: bool) -> None:
    """Have the serving processes try at once, within seconds, what waits after a failure."""
    if delivery_id:
        services.dispatch.retry(str(delivery_id), OPERATOR)
        count = 1
    else:
        count = services.dispatch.retry_all(OPERATOR)
    said(f"{count} will be tried now.", {"retried": count}, is_json=as_json)


@mail.command()
@click.argument("delivery_id", type=click.UUID)
@operation
def drop(delivery_id: UUID, as_json: bool) -> None:
    """Take one out of the queue for good; what it says is forgotten at once."""
    seen = services.deliveries.one(str(delivery_id))
    services.dispatch.drop(seen.id, OPERATOR, kind=seen.kind, user_id=seen.user_id, client_id=seen.client_id)
    said("It will not be sent.", {"dropped": seen.id}, is_json=as_json)


@mail.command()
@click.argument("who")
@operation
def test(who: str, as_json: bool) -> None:
    """Queue a test mail to the verified address of the account with this e-mail or id; `mail list` says its fate."""
    sent = services.dispatch.test(services.accounts.find(who).id, OPERATOR)
    said(f"A test mail is on its way: {sent}", {"id": sent}, is_json=as_json)


@mail.command()
@operation
def deliver(as_json: bool) -> None:
    """Deliver here and now what is due; for a host whose web processes cannot reach the mail server."""
    arrived = current_app.extensions["background"].deliver()
    said(f"Delivered {arrived}.", {"delivered": arrived}, is_json=as_json)
