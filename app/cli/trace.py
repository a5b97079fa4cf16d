"""``trace``: why something came about."""

import json
from dataclasses import asdict

import click

from app.cli.outcome import OPERATOR, operation
from app.services.record.canonical import moment
from app.services.record.forms import visible
from app.wiring import services


@click.command()
@click.argument("subject")
@operation
def trace(subject: str, as_json: bool) -> None:
    """Say why: what is on record about a request, session (sid), grant or person, by id or e-mail, in its order.

    That it was read is on record, too.
    """
    found = services.traces.about(subject, OPERATOR)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2, default=moment))
        return
    click.echo(f"{found.kind} {visible(found.id)}")
    for sentence in found.why:
        click.echo(visible(sentence))
    for each in found.decisions:
        facts = {
            "by": each.by,
            "": "" if each.success else f"refused: {each.reason}",
            "client": each.client_id,
            "session": each.session_id,
            "grant": each.grant_id,
            "request": each.request_id,
        }
        told = " ".join(f"{name} {value}".strip() for name, value in facts.items() if value)
        click.echo(visible(f"{moment(each.at)}  {each.what}  {told}  {each.sentence}".rstrip()))
