"""``users``: accounts."""

import secrets

import click
from flask.cli import with_appcontext

from app.cli.outcome import OPERATOR, as_json, committed, show
from app.services.people.accounts import PLANS
from app.wiring import services


@click.group()
def users() -> None:
    """Accounts of people."""


@users.command()
@click.argument("email")
@click.option("--password", help="The password; made and shown when left out.")
@click.option("--name", default="", help="The full name.")
@click.option("--admin", is_flag=True, help="Make an administrator.")
@click.option("--verified", is_flag=True, help="The e-mail is known to be the person's.")
@with_appcontext
@committed
def create(email: str, password: str | None, name: str, admin: bool, verified: bool) -> None:
    """Make an account."""
    chosen = password or secrets.token_urlsafe(15)
    user_id = services.accounts.create(email, chosen, name=name, is_admin=admin, is_verified=verified, caller=OPERATOR)
    click.echo(f"Created {email} ({user_id})." + ("" if password else f" Password: {chosen}"))


@users.command("list")
@click.option("--limit", default=100, type=click.IntRange(1, 10000), help="How many at most.")
@click.option("--after", default="", help="Begin after this e-mail.")
@as_json
@with_appcontext
def list_users(limit: int, after: str, as_json: bool) -> None:
    """List accounts by e-mail."""
    rows = [
        {
            "email": row.email,
            "id": row.id,
            "name": row.full_name,
            "active": row.is_active,
            "admin": row.is_admin,
            "verified": row.email_verified,
            "plan": row.plan,
            "created": row.created_at,
            "last_login": row.last_login_at,
        }
        for row in services.accounts.page(limit=limit, after=after)
    ]
    show(rows, is_json=as_json)


@users.command()
@click.argument("email")
@with_appcontext
@committed
def disable(email: str) -> None:
    """Stop an account; its sessions and tokens end at once."""
    services.accounts.disable(email, OPERATOR)
    click.echo(f"Disabled {email}.")


@users.command("set-password")
@click.argument("email")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for when left out.")
@with_appcontext
@committed
def set_password(email: str, password: str) -> None:
    """Give an account a new password; its sessions and tokens end."""
    services.accounts.set_password(email, password, OPERATOR)
    click.echo(f"Set the password of {email}.")


@users.command("set-plan")
@click.argument("email")
@click.argument("plan", type=click.Choice(PLANS))
@with_appcontext
@committed
def set_plan(email: str, plan: str) -> None:
    """Put an account on a plan."""
    services.accounts.set_plan(email, plan, OPERATOR)
    click.echo(f"{email} is on the plan {plan}.")


@users.command()
@with_appcontext
def purge() -> None:
    """Delete the accounts whose days for taking it back are over."""
    click.echo(f"Deleted {services.deletions.run()}.")
