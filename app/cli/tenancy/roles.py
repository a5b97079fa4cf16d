"""``roles`` and ``permissions``: what can be permitted, and who is permitted what."""

import json
from dataclasses import asdict
from typing import Any

import click

from app.cli.outcome import OPERATOR, as_json, confirmed, operation, over_everything, said, show, show_one
from app.cli.tenancy.foresight import Asked, carry_out, foreseen
from app.services.foundation.pages import Place, written
from app.services.oversight.rights import NEWEST, ListedRole, Why
from app.services.tenancy.names import role_name
from app.services.tenancy.role_changes import RoleName, RolePermissions, RoleRemoval
from app.wiring import services

MOST = 10_000


@click.group()
def permissions() -> None:
    """What can be permitted; roles carry it."""


@permissions.command("list")
@as_json
@over_everything
def list_permissions(as_json: bool) -> None:
    """List all permissions with what they allow."""
    found = services.permissions.all()
    rows = [
        {"name": each.name, "builtin": each.is_builtin, "en": each.sentence_en, "ko": each.sentence_ko}
        for each in found
    ]
    show(rows, is_json=as_json)


@permissions.command()
@click.argument("name")
@click.option("--en", "english", required=True, help="What it allows, in English.")
@click.option("--ko", "korean", required=True, help="What it allows, in Korean.")
@operation
def declare(name: str, english: str, korean: str, as_json: bool) -> None:
    """Declare a permission, such as manage:reports; roles can carry it from now on."""
    made = services.permissions.declare(name, english, korean, OPERATOR)
    said(f"Declared {made.name}.", {"name": made.name}, is_json=as_json)


@permissions.command("remove")
@click.argument("name")
@operation
def remove_permission(name: str, as_json: bool) -> None:
    """Remove a permission that no role carries."""
    services.permissions.remove(name, OPERATOR)
    said(f"Removed {name}.", {"name": name, "removed": True}, is_json=as_json)


@click.group()
def roles() -> None:
    """Roles, and what they permit."""


@roles.command("list")
@as_json
@over_everything
def list_roles(as_json: bool) -> None:
    """List all roles."""
    found = sorted(services.rights.roles(limit=MOST).items, key=lambda role: role.name)
    show([_row(role) for role in found], is_json=as_json)


@roles.command("show")
@click.argument("name")
@operation
def show_role(name: str, as_json: bool) -> None:
    """Show one role."""
    show_one(_row(services.rights.role(services.roles.get(name).id)), is_json=as_json)


@roles.command()
@click.argument("name")
@click.option("--permission", "carried", multiple=True, help="What it permits; may be repeated.")
@operation
def create(name: str, carried: tuple[str, ...], as_json: bool) -> None:
    """Make a role."""
    made = services.roles.create(name, carried, OPERATOR)
    facts = {"name": made.name, "id": made.id, "permissions": sorted(made.permissions)}
    said(f"Created the role {made.name}.", facts, is_json=as_json)


@roles.command("set")
@click.argument("name")
@click.option("--permission", "to", multiple=True, help="What it permits, and nothing else; may be repeated.")
@click.option("--add", multiple=True, help="What it permits as well; may be repeated.")
@click.option("--remove", multiple=True, help="What it permits no more; may be repeated.")
@operation
@foreseen
def set_permissions(
    name: str, to: tuple[str, ...], add: tuple[str, ...], remove: tuple[str, ...], asked: Asked, as_json: bool
) -> None:
    """Change what a role permits; it counts at the next request. An empty --permission takes everything away."""
    if not (to or add or remove):
        raise click.UsageError("Say what to change.")
    role = services.roles.get(name)
    wanted = frozenset(each for each in to if each) if to else None
    change = RolePermissions.of(role.id, to=wanted, add=add, remove=remove)
    carry_out(
        change, asked, done=f"Changed what the role {role.name} permits.", facts={"name": role.name}, is_json=as_json
    )


@roles.command()
@click.argument("name")
@click.argument("new")
@operation
@foreseen
def rename(name: str, new: str, asked: Asked, as_json: bool) -> None:
    """Call a role something else; it stays the same to whoever holds it."""
    role = services.roles.get(name)
    facts = {"former": role.name, "name": role_name(new)}
    done = f"The role {role.name} is called {facts['name']} now."
    carry_out(RoleName(role.id, new), asked, done=done, facts=facts, is_json=as_json)


@roles.command()
@click.argument("name")
@click.option("--replace-by", "replacement", help="The role that its holders get.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@operation
@foreseen
def delete(name: str, replacement: str | None, yes: bool, asked: Asked, as_json: bool) -> None:
    """Remove a role that nobody holds, or whose holders get another one; in their primary group they are logged out."""
    role = services.roles.get(name)
    change = RoleRemoval(role.id, services.roles.get(replacement).id if replacement else None)
    if not asked.is_dry_run:
        confirmed(f"Delete the role {role.name}?", is_confirmed=yes)
    carry_out(change, asked, done=f"Deleted the role {role.name}.", facts={"name": role.name}, is_json=as_json)


@roles.command()
@click.argument("permission")
@click.option("--group", help="By the role in this group; when left out, in the primary group.")
@click.option("--limit", default=100, type=click.IntRange(1, MOST), help="How many at most.")
@click.option("--after", default="", help="Begin after this account, by its e-mail or id.")
@operation
def who(permission: str, group: str | None, limit: int, after: str, as_json: bool) -> None:
    """List who may do something, the newest account first."""
    name = services.permissions.get(permission).name
    group_id = services.groups.get(group).id if group else None
    page = services.rights.who(name, group_id=group_id, limit=limit, after=place_of(after))
    show([asdict(each) for each in page.items], is_json=as_json)


@roles.command()
@click.argument("person")
@click.argument("permission")
@operation
def why(person: str, permission: str, as_json: bool) -> None:
    """Say why somebody may do something, or may not."""
    account, name = services.accounts.find(person), services.permissions.get(permission).name
    found = services.rights.why(account.id, name)
    if as_json:
        click.echo(json.dumps({"email": account.email, **asdict(found)}, indent=2, ensure_ascii=False))
        return
    click.echo(f"{account.email} {'may' if found.is_allowed else 'may not'} {name}.{_stopped(found)}")
    for reason in found.reasons:
        kind = "primary group" if reason.is_primary else reason.kind
        verb = "carries it" if reason.carries else "does not carry it"
        click.echo(f"  {reason.group} ({kind}): the role {reason.role} {verb}.")


def place_of(after: str) -> str | None:
    """The place behind an account in lists that begin with the newest one."""
    if not after:
        return None
    account = services.accounts.find(after)
    return written(Place(account.created_at, account.id), NEWEST)


def _stopped(found: Why) -> str:
    return "" if found.is_active else " The account is disabled."


def _row(role: ListedRole) -> dict[str, Any]:
    return {
        "name": role.name,
        "id": role.id,
        "builtin": role.is_builtin,
        "holders": role.holders,
        "permissions": role.permissions,
    }
