"""``users set-role``, ``add-to-group``, ``remove-from-group``, ``set-primary-group``: who is where."""

import click

from app.cli.outcome import operation
from app.cli.people.imports import users as users
from app.cli.tenancy.foresight import Asked, carry_out, foreseen
from app.services.tenancy.member_changes import Displacement, Placement
from app.wiring import services


@users.command("set-role")
@click.argument("who")
@click.argument("role")
@click.option("--group", default="", help="In this group; when left out, in the primary group.")
@operation
@foreseen
def set_role(who: str, role: str, group: str, asked: Asked, as_json: bool) -> None:
    """Give an account a role, such as admin or member; in the primary group its sessions and tokens end at once."""
    account = services.accounts.find(who)
    change = services.administration.role_change(account.id, role, group)
    facts = {"email": account.email, "role": role, **({"group": group} if group else {})}
    done = f"{account.email} has the role {role}{f' in {group}' if group else ''}."
    carry_out(change, asked, done=done, facts=facts, is_json=as_json)


@users.command("add-to-group")
@click.argument("who")
@click.argument("group")
@click.option("--role", help="The role there; when left out, the one the account has there, or member.")
@click.option("--primary", is_flag=True, help="Make it the primary group, which logs the account out.")
@operation
@foreseen
def add_to_group(who: str, group: str, role: str | None, primary: bool, asked: Asked, as_json: bool) -> None:
    """Have an account be in a group."""
    account, found = services.accounts.find(who), services.groups.get(group)
    role_id = services.roles.get(role).id if role else None
    change = Placement(account.id, found.id, role_id, becomes_primary=primary)
    facts = {"email": account.email, "group": found.name}
    carry_out(change, asked, done=f"{account.email} is in {found.name}.", facts=facts, is_json=as_json)


@users.command("remove-from-group")
@click.argument("who")
@click.argument("group")
@click.option("--primary", help="The primary group from now on, if this one was it.")
@operation
@foreseen
def remove_from_group(who: str, group: str, primary: str | None, asked: Asked, as_json: bool) -> None:
    """Have an account not be in a group; if it is the primary one, the account is logged out."""
    account, found = services.accounts.find(who), services.groups.get(group)
    change = Displacement(account.id, found.id, services.groups.get(primary).id if primary else None)
    facts = {"email": account.email, "group": found.name}
    carry_out(change, asked, done=f"{account.email} is not in {found.name}.", facts=facts, is_json=as_json)


@users.command("set-primary-group")
@click.argument("who")
@click.argument("group")
@operation
@foreseen
def set_primary_group(who: str, group: str, asked: Asked, as_json: bool) -> None:
    """Have one of an account's groups be the primary one, whose role counts; the account is logged out."""
    account, found = services.accounts.find(who), services.groups.get(group)
    change = Placement(account.id, found.id, becomes_primary=True, joins=False)
    facts = {"email": account.email, "group": found.name}
    done = f"The primary group of {account.email} is {found.name}."
    carry_out(change, asked, done=done, facts=facts, is_json=as_json)
