"""``users``: accounts."""

import secrets
from typing import Any

import click

from app.cli.outcome import OPERATOR, as_json, confirmed, operation, over_everything, said, show, show_one
from app.cli.plans import OF_USERS
from app.services.foundation.pages import Place, written
from app.services.oversight.directory import ORDERS, Entry, Sort, Wanted
from app.services.people.accounts import AccountSummary
from app.services.people.email_names import fold
from app.services.people.profiles import LANGUAGES
from app.services.tenancy.catalogue import ADMIN_ROLE
from app.wiring import services

LAST_ID = "~"
"""Behind every id."""


@click.group()
def users() -> None:
    """Accounts of people."""


for about_plans in OF_USERS:
    users.add_command(about_plans)


@users.command()
@click.argument("email")
@click.option("--password", help="The password; made and shown when left out.")
@click.option("--name", default="", help="The full name.")
@click.option("--admin", is_flag=True, help="Make an administrator.")
@click.option("--verified", is_flag=True, help="The e-mail is known to be the person's.")
@operation
def create(email: str, password: str | None, name: str, admin: bool, verified: bool, as_json: bool) -> None:
    """Make an account."""
    chosen = password or secrets.token_urlsafe(15)
    user_id = services.accounts.create(email, chosen, name=name, is_admin=admin, is_verified=verified, caller=OPERATOR)
    shown = {} if password else {"password": chosen}
    kept = services.accounts.find(email).email
    sentence = f"Created {kept} ({user_id})." + ("" if password else f" Password: {chosen}")
    said(sentence, {"email": kept, "id": user_id, **shown}, is_json=as_json)


@users.command()
@click.argument("email")
@click.option("--name", default="", help="The full name.")
@click.option("--locale", type=click.Choice(LANGUAGES), default="ko", help="The language of the mail and of pages.")
@operation
def invite(email: str, name: str, locale: str, as_json: bool) -> None:
    """Make an account without a password, and mail its person a link to set one, good for a week."""
    user_id = services.accounts.create(email, None, name=name, locale=locale, caller=OPERATOR)
    services.password_resets.invite(user_id, OPERATOR)
    kept = services.accounts.find(email).email
    said(f"Invited {kept} ({user_id}).", {"email": kept, "id": user_id}, is_json=as_json)


@users.command("list")
@click.option("--limit", default=100, type=click.IntRange(1, 10000), help="How many at most.")
@click.option("--after", default="", help="Begin after this e-mail.")
@click.option("--search", help="A part of an e-mail or a name; an id, or that at a provider, whole.")
@click.option("--active/--disabled", "is_active", default=None, help="Only who may log in, or who was stopped.")
@click.option("--verified/--unverified", "is_verified", default=None, help="Whether the e-mail is proven.")
@click.option("--leaving", "is_leaving", flag_value=True, default=None, help="Only accounts that will be deleted.")
@click.option("--never-logged-in", "has_logged_in", flag_value=False, default=None, help="Only who never came.")
@click.option("--role", help="Only who holds this role; with --group, there.")
@click.option("--group", help="Only who is in this group.")
@click.option("--provider", help="Only who comes in by this provider.")
@click.option("--plan", help="Only those of this plan.")
@operation
def list_users(limit: int, after: str, as_json: bool, **wanted: Any) -> None:
    """List accounts by e-mail: those of which all that is said is true."""
    begin = written(Place(fold(after), LAST_ID), ORDERS[Sort.EMAIL]) if after else None
    found = services.directory.page(Wanted(**wanted), limit=limit, after=begin, sort=Sort.EMAIL)
    show([_row(account) for account in found.items], is_json=as_json)


@users.command("show")
@click.argument("who")
@operation
def show_user(who: str, as_json: bool) -> None:
    """Show one account whole, without its password."""
    show_one(_whole(who), is_json=as_json)


@users.command()
@click.argument("who")
@click.option("--name", "full_name", help="The full name.")
@click.option("--username", help="The name that is unique on the platform.")
@click.option("--picture", "avatar_url", help="The https address of a picture.")
@click.option("--bio", help="What the person says about themselves.")
@click.option("--locale", type=click.Choice(LANGUAGES), help="The language of pages and mails.")
@click.option("--timezone", help="A name such as Asia/Seoul.")
@click.option("--verified/--unverified", default=None, help="Whether the e-mail is known to be the person's.")
@operation
def update(who: str, verified: bool | None, as_json: bool, **given: str | None) -> None:
    """Change an account: what is named replaces what there is, everything else stays."""
    changes = {column: value for column, value in given.items() if value is not None}
    if not changes and verified is None:
        raise click.UsageError("Say what to change.")
    account = services.accounts.find(who)
    services.administration.change(account.id, changes, OPERATOR)
    if verified is not None:
        services.administration.vouch(account.id, verified, OPERATOR)
    said(f"Changed {account.email}.", _whole(account.id), is_json=as_json)


@users.command("remove-photo")
@click.argument("who")
@operation
def remove_photo(who: str, as_json: bool) -> None:
    """Take away the photo somebody uploaded; the picture of another host that it covered counts again."""
    account = services.accounts.find(who)
    is_removed = services.administration.remove_photo(account.id, OPERATOR)
    sentence = f"Removed the photo of {account.email}." if is_removed else f"{account.email} has no photo."
    said(sentence, {"email": account.email, "removed": is_removed}, is_json=as_json)


@users.command()
@click.argument("who")
@operation
def disable(who: str, as_json: bool) -> None:
    """Stop an account; its sessions and tokens end at once."""
    account = services.accounts.find(who)
    services.administration.disable(account.id, OPERATOR)
    said(f"Disabled {account.email}.", {"email": account.email, "active": False}, is_json=as_json)


@users.command()
@click.argument("who")
@operation
def enable(who: str, as_json: bool) -> None:
    """Let an account that was stopped log in again."""
    account = services.accounts.find(who)
    services.administration.enable(account.id, OPERATOR)
    said(f"Enabled {account.email}.", {"email": account.email, "active": True}, is_json=as_json)


@users.command("set-email")
@click.argument("who")
@click.argument("new")
@click.option("--verified", is_flag=True, help="The new e-mail is known to be the person's.")
@operation
def set_email(who: str, new: str, verified: bool, as_json: bool) -> None:
    """Give an account another e-mail; its sessions go on, and the old e-mail is told if it was proven."""
    account = services.accounts.find(who)
    kept = services.email_addresses.assign(account.id, new, OPERATOR, is_verified=verified)
    facts = {"email": kept, "id": account.id, "former": account.email, "verified": verified}
    said(f"{account.email} has the e-mail {kept} now.", facts, is_json=as_json)


@users.command("set-password")
@click.argument("who")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for when left out.")
@operation
def set_password(who: str, password: str, as_json: bool) -> None:
    """Give an account a new password; its sessions and tokens end."""
    account = services.accounts.find(who)
    services.administration.set_password(account.id, password, OPERATOR)
    said(f"Set the password of {account.email}.", {"email": account.email, "password_set": True}, is_json=as_json)


@users.command()
@click.argument("who")
@click.option("--password", help="The new password; made and shown when left out.")
@click.option("--admin", is_flag=True, help="Make an administrator again.")
@operation
def recover(who: str, password: str | None, admin: bool, as_json: bool) -> None:
    """Let somebody in who is locked out: a new password, no longer disabled, no longer to be deleted."""
    chosen = password or secrets.token_urlsafe(15)
    account = services.accounts.find(who)
    services.administration.recover(account.id, chosen, OPERATOR, role=ADMIN_ROLE if admin else "")
    shown = {} if password else {"password": chosen}
    sentence = f"{account.email} can log in." + ("" if password else f" Password: {chosen}")
    said(sentence, {"email": account.email, "active": True, **shown}, is_json=as_json)


@users.command()
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
@operation
def delete(who: str, yes: bool, as_json: bool) -> None:
    """Remove an account and everything about it at once, without the days for taking that back."""
    account = services.accounts.find(who)
    confirmed(f"Delete {account.email} and everything about the person?", is_confirmed=yes)
    services.administration.delete(account.id, OPERATOR)
    said(f"Deleted {account.email}.", {"email": account.email, "deleted": True}, is_json=as_json)


@users.command()
@as_json
@over_everything
def purge(as_json: bool) -> None:
    """Delete the accounts whose days for taking it back are over."""
    count = services.deletions.run()
    said(f"Deleted {count}.", {"deleted": count}, is_json=as_json)


def _row(account: AccountSummary | Entry) -> dict[str, Any]:
    return {
        "email": account.email,
        "id": account.id,
        "name": account.full_name,
        "active": account.is_active,
        "admin": account.is_admin,
        "verified": account.email_verified,
        "plan": account.plan,
        "effective_plan": account.effective_plan,
        "created": account.created_at,
        "last_login": account.last_login_at,
    }


def _whole(who: str) -> dict[str, Any]:
    account = services.accounts.find(who)
    profile, subject = services.profiles.get(account.id), services.claims.subject(account.id)
    return {
        **_row(account),
        "username": profile.username,
        "picture": profile.avatar_url,
        "bio": profile.bio,
        "locale": profile.locale,
        "timezone": profile.timezone,
        "group": subject.group_name if subject else None,
        "role": subject.role_name if subject else None,
        "deletes": profile.deletes_at,
        "updated": profile.updated_at,
    }
