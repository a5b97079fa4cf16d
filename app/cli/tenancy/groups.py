"""``groups``: groups and workspaces, and who is in them."""

from dataclasses import asdict
from typing import Any

import click

from app.cli.outcome import OPERATOR, as_json, confirmed, operation, over_everything, said, show, show_one
from app.cli.tenancy.foresight import Asked, carry_out, foreseen
from app.cli.tenancy.roles import MOST, place_of
from app.services.oversight.rights import ListedGroup
from app.services.tenancy.catalogue import GROUP, KINDS
from app.services.tenancy.group_changes import GroupActing, GroupName, GroupRemoval
from app.services.tenancy.names import group_name
from app.wiring import services


@click.group()
def groups() -> None:
    """Groups and workspaces."""


@groups.command("list")
@click.option("--kind", type=click.Choice(KINDS), help="Only of this kind.")
@click.option("--search", help="A part of the name.")
@click.option("--limit", default=100, type=click.IntRange(1, MOST), help="How many at most.")
@as_json
@over_everything
def list_groups(kind: str | None, search: str | None, limit: int, as_json: bool) -> None:
    """List groups, the newest first."""
    page = services.rights.groups(search=search, kind=kind, limit=limit)
    show([_row(each) for each in page.items], is_json=as_json)


@groups.command("show")
@click.argument("name")
@operation
def show_group(name: str, as_json: bool) -> None:
    """Show one group."""
    show_one(_row(services.rights.group(services.groups.get(name).id)), is_json=as_json)


@groups.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), default=GROUP, help="A workspace stands in its own claim.")
@operation
def create(name: str, kind: str, as_json: bool) -> None:
    """Make a group, or a workspace."""
    made = services.groups.create(name, kind, OPERATOR)
    said(f"Created the {made.kind} {made.name}.", asdict(made), is_json=as_json)


@groups.command()
@click.argument("name")
@click.argument("new")
@operation
@foreseen
def rename(name: str, new: str, asked: Asked, as_json: bool) -> None:
    """Call a group something else; claims say so at the next request."""
    group = services.groups.get(name)
    facts = {"former": group.name, "name": group_name(new)}
    done = f"The group {group.name} is called {facts['name']} now."
    carry_out(GroupName(group.id, new), asked, done=done, facts=facts, is_json=as_json)


@groups.command()
@click.argument("name")
@click.option(
    "--allow-acting/--no-allow-acting",
    "is_allowed",
    required=True,
    help="Whether administrators may see the portal as the people do whose primary group it is.",
)
@operation
@foreseen
def update(name: str, is_allowed: bool, asked: Asked, as_json: bool) -> None:
    """Change what holds in a group; who acts as somebody stops within a minute where it is not allowed any more."""
    group = services.groups.get(name)
    may = "may" if is_allowed else "may not"
    done = f"Administrators {may} act as the people of the group {group.name}."
    change = GroupActing(group.id, is_allowed)
    carry_out(change, asked, done=done, facts={"name": group.name, "allows_acting": is_allowed}, is_json=as_json)


@groups.command()
@click.argument("name")
@click.option("--primary", help="The group that is the primary one then for whom this is it; they are logged out.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@operation
@foreseen
def delete(name: str, primary: str | None, yes: bool, asked: Asked, as_json: bool) -> None:
    """Remove a group; whoever is in it leaves it. See --dry-run for what becomes of them."""
    group = services.groups.get(name)
    change = GroupRemoval(group.id, services.groups.get(primary).id if primary else None)
    if not asked.is_dry_run:
        confirmed(f"Delete the group {group.name}?", is_confirmed=yes)
    carry_out(change, asked, done=f"Deleted the group {group.name}.", facts={"name": group.name}, is_json=as_json)


@groups.command()
@click.argument("name")
@click.option("--search", help="A part of a name or an e-mail, or an id, whole.")
@click.option("--limit", default=100, type=click.IntRange(1, MOST), help="How many at most.")
@click.option("--after", default="", help="Begin after this account, by its e-mail or id.")
@operation
def members(name: str, search: str | None, limit: int, after: str, as_json: bool) -> None:
    """List who is in a group, the newest account first."""
    group_id = services.groups.get(name).id
    page = services.rights.members(group_id, search=search, limit=limit, after=place_of(after))
    show([asdict(each) for each in page.items], is_json=as_json)


def _row(group: ListedGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "id": group.id,
        "kind": group.kind,
        "members": group.members,
        "allows_acting": group.allows_acting,
        "created": group.created_at,
    }
