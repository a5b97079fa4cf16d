"""``sessions``: signed-in browsers."""

from dataclasses import asdict

import click

from app.cli.outcome import OPERATOR, operation, said, show
from app.errors import NotFound
from app.wiring import services


@click.group()
def sessions() -> None:
    """Signed-in browsers."""


@sessions.command("list")
@click.argument("who")
@click.option("--limit", default=100, type=click.IntRange(1, 10_000), help="How many at most.")
@operation
def list_sessions(who: str, limit: int, as_json: bool) -> None:
    """List the open sessions of an account, the latest used first."""
    found = services.sessions.page(services.accounts.find(who).id, limit=limit)
    show([asdict(each) for each in found.items], is_json=as_json)


@sessions.command("acting")
@operation
def list_acting(as_json: bool) -> None:
    """List the sessions in which an administrator acts as somebody, the latest first."""
    show([asdict(each) for each in services.acting.current()], is_json=as_json)


@sessions.command("end-acting")
@click.option("--administrator", "who", help="Only those of the administrator with this e-mail or id.")
@operation
def end_acting(who: str | None, as_json: bool) -> None:
    """Have nobody act as anybody any more, with every token that came of it; one alone ends as any session does."""
    administrator_id = services.accounts.find(who).id if who is not None else None
    count = services.acting.end_all(OPERATOR, administrator_id=administrator_id)
    said(f"Ended {count}.", {"ended": count}, is_json=as_json)


@sessions.command()
@click.argument("session_id", required=False)
@click.option("--user", "who", help="All sessions of the account with this e-mail or id.")
@operation
def end(session_id: str | None, who: str | None, as_json: bool) -> None:
    """End a session, or all of an account, with every token that came of it."""
    if (session_id is None) == (who is None):
        raise click.UsageError("Say which session: its id, or --user.")
    if who is not None:
        account = services.accounts.find(who)
        count = services.sessions.end_all(account.id, "ended_by_operator", OPERATOR)
        said(f"Ended {count}.", {"email": account.email, "ended": count}, is_json=as_json)
        return
    if not services.sessions.end(session_id or "", "ended_by_operator", OPERATOR):
        raise NotFound("There is no open session of that id.")
    said(f"Ended {session_id}.", {"session_id": session_id, "ended": 1}, is_json=as_json)
