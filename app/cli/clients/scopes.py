"""``scopes``: what applications can be registered for, and what each says to people who are asked."""

from typing import Any

import click

from app.cli.outcome import OPERATOR, as_json, operation, over_everything, said, show, show_one
from app.services.clients.scope_catalogue import ListedScope
from app.wiring import services

ENGLISH = click.option("--en", "english", help="What an application may do by it, in English.")
KOREAN = click.option("--ko", "korean", help="The same in Korean.")


@click.group()
def scopes() -> None:
    """What applications can be registered for, and what it says to people."""


@scopes.command("list")
@as_json
@over_everything
def list_scopes(as_json: bool) -> None:
    """List all scopes, in the order in which people read them, with the applications registered for each."""
    using = services.scope_uses.clients()
    rows = [{**_row(each), "clients": len(using.get(each.name, ()))} for each in services.scope_catalogue.all()]
    show(rows, is_json=as_json)


@scopes.command("show")
@click.argument("name")
@operation
def show_scope(name: str, as_json: bool) -> None:
    """Show one scope, and who is registered for it."""
    found = services.scope_catalogue.get(name)
    using = [each.client_id for each in services.scope_uses.clients().get(found.name, ())]
    show_one({**_row(found), "clients": using if as_json else ", ".join(using)}, is_json=as_json)


@scopes.command()
@click.argument("name")
@ENGLISH
@KOREAN
@operation
def add(name: str, english: str | None, korean: str | None, as_json: bool) -> None:
    """Add a scope, such as read:reports; applications can be registered for it from now on."""
    made = services.scope_catalogue.add(name, english or "", korean or "", OPERATOR)
    said(f"Added {made.name}.", _row(made), is_json=as_json)


@scopes.command()
@click.argument("name")
@ENGLISH
@KOREAN
@operation
def word(name: str, english: str | None, korean: str | None, as_json: bool) -> None:
    """Have a scope say something else to people; what is left out stays. What people allowed stays allowed."""
    before = services.scope_catalogue.get(name)
    english = before.sentence_en if english is None else english
    services.scope_catalogue.word(name, english, before.sentence_ko if korean is None else korean, OPERATOR)
    said(f"Worded {name}.", _row(services.scope_catalogue.get(name)), is_json=as_json)


@scopes.command()
@click.argument("name")
@operation
def remove(name: str, as_json: bool) -> None:
    """Remove a scope that no application is registered for."""
    services.scope_catalogue.remove(name, OPERATOR)
    said(f"Removed {name}.", {"name": name, "removed": True}, is_json=as_json)


def _row(scope: ListedScope) -> dict[str, Any]:
    return {
        "name": scope.name,
        "kind": scope.kind.value,
        "builtin": scope.is_builtin,
        "en": scope.sentence_en,
        "ko": scope.sentence_ko,
    }
