"""What can be said about a client: the same options for registering and for changing one, each for one column."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

from app.services.clients.public_keys import LONGEST_SET
from app.services.clients.registration import (
    ACCESS_SECONDS,
    AUTH_METHODS,
    CONSENT_POLICIES,
    GRANT_TYPES,
    REFRESH_SECONDS,
    SIGNING_ALGORITHMS,
    ListChange,
)
from app.services.clients.scopes import split
from app.wiring import services

F = TypeVar("F", bound=Callable[..., Any])
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Duration(click.ParamType[timedelta]):
    """A time in words such as ``90s``, ``30m``, ``24h`` or ``7d``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The time; a usage error for anything else."""
        if isinstance(value, timedelta):
            return value
        if not (found := re.fullmatch(r"([0-9]{1,6})([smhd])", value)):
            self.fail("A time is a number and a unit: s, m, h or d.", param, ctx)
        return timedelta(**{UNITS[found[2]]: int(found[1])})


def _flag(yes: str, no: str, column: str, meaning: str) -> Callable[[F], F]:
    return click.option(f"--{yes}/--{no}", column, default=None, help=meaning)


def _lifetime(option: str, column: str, seconds: tuple[int, int], what: str) -> Callable[[F], F]:
    meaning = f"Life of its {what}, {seconds[0]} to {seconds[1]} seconds; 0: that of the settings."
    return click.option(option, column, type=click.IntRange(0, seconds[1]), metavar="SECONDS", help=meaning)


def _contents(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    """The text of a file that was named; nothing for none, and for an empty name."""
    if not given:
        return given
    try:
        with click.open_file(given, encoding="utf-8") as file:
            return str(file.read(LONGEST_SET + 1))
    except (OSError, ValueError):
        raise click.BadParameter("This file cannot be read.") from None


STATED: tuple[Callable[[Any], Any], ...] = (
    click.option("--name", help="What people see."),
    click.option("--description", help="One line below the name on the start page."),
    click.option("--redirect-uri", "redirect_uris", multiple=True, help="A redirect URI; may be repeated."),
    click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True, help="May be repeated."),
    click.option("--scope", "allowed_scopes", help='The scopes it may have, e.g. "openid profile".'),
    click.option("--optional-scope", "optional_scopes", help="Those of them that people may leave out; empty: none."),
    click.option("--grant", "grant_types", multiple=True, type=click.Choice(GRANT_TYPES), help="May be repeated."),
    click.option("--consent", "consent_policy", type=click.Choice(CONSENT_POLICIES), help="When people are asked."),
    _flag("confidential", "public", "is_confidential", "Whether it can keep a secret."),
    click.option(
        "--auth-method",
        type=click.Choice(["", *AUTH_METHODS]),
        show_choices=True,
        help="How it authenticates; when left out, a secret may come by basic or post.",
    ),
    click.option(
        "--jwks", callback=_contents, metavar="FILE", help="Its public keys, a JSON Web Key Set; -: standard input."
    ),
    click.option("--jwks-uri", help="Where it publishes its public keys, https."),
    _flag("pkce", "no-pkce", "require_pkce", "Whether a confidential client has to use PKCE; a public one always has."),
    click.option(
        "--id-token-alg",
        "id_token_signed_response_alg",
        type=click.Choice(SIGNING_ALGORITHMS),
        help="What its ID tokens are signed with.",
    ),
    _flag(
        "lean-id-token",
        "no-lean-id-token",
        "lean_id_token",
        "Whether its ID tokens say no more of a person than the id, and what a request asks for.",
    ),
    _lifetime("--access-lifetime", "access_token_seconds", ACCESS_SECONDS, "access tokens"),
    _lifetime("--refresh-lifetime", "refresh_token_seconds", REFRESH_SECONDS, "unused refresh tokens"),
    _flag("introspect-any", "no-introspect-any", "can_introspect_any", "Whether it may introspect every token."),
    click.option("--owner", help="The account that answers for it, by its e-mail or id."),
    click.option("--logo", "logo_uri", help="A path on the portal, which pages show, or an https address."),
    click.option("--home", "home_uri", help="Where its tile and links to it lead."),
    click.option("--policy-uri", help="Its privacy policy, https; the consent page leads there."),
    click.option("--tos-uri", help="Its terms of service, https."),
    click.option("--contact", "contacts", multiple=True, help="How to reach who runs it; may be repeated."),
    _flag("listed", "no-listed", "is_listed", "Whether it has a tile on the start page."),
    click.option("--backchannel-logout-uri", help="Where it hears that a session ended."),
    _flag(
        "in-development",
        "no-in-development",
        "in_development",
        "Whether its error pages show anybody what is registered.",
    ),
)
"""One option for each column an operator decides on. What may be absent is taken away by an empty value."""

ABSENT = (
    "access_token_seconds",
    "refresh_token_seconds",
    "logo_uri",
    "home_uri",
    "policy_uri",
    "tos_uri",
    "jwks",
    "jwks_uri",
    "backchannel_logout_uri",
)
"""Columns that may hold nothing."""

LISTS = {
    "redirect_uris": "redirect-uri",
    "post_logout_redirect_uris": "post-logout-redirect-uri",
    "allowed_scopes": "scope",
}
"""Columns whose values can be added and taken away one by one."""


def stated(command: F) -> F:
    """Give a command the options of :data:`STATED`."""
    for option in reversed(STATED):
        command = option(command)
    return command


def edited(command: F) -> F:
    """Give a command ``--add-…`` and ``--remove-…`` for each list."""
    for column, option in reversed(LISTS.items()):
        command = click.option(f"--remove-{option}", f"remove_{column}", multiple=True, help="May be repeated.")(
            command
        )
        command = click.option(f"--add-{option}", f"add_{column}", multiple=True, help="May be repeated.")(command)
    return command


def columns(given: dict[str, Any]) -> dict[str, Any]:
    """The columns that were stated, with their values; what was left out is not among them."""
    stated = {name: value for name, value in given.items() if value is not None and value != ()}
    if "owner" in stated:
        owner = stated.pop("owner")
        stated["owner_id"] = services.accounts.find(owner).id if owner else None
    for name in ("allowed_scopes", "optional_scopes"):
        if name in stated:
            stated[name] = list(split(stated[name]))
    if "contacts" in stated:
        stated["contacts"] = [contact for contact in stated["contacts"] if contact]
    if not stated.get("auth_method", True):
        del stated["auth_method"]
    for name in ABSENT:
        if name in stated:
            stated[name] = stated[name] or None
    return {name: list(value) if isinstance(value, tuple) else value for name, value in stated.items()}


def changes(given: dict[str, Any]) -> dict[str, Any]:
    """The columns that were stated or edited; a list that is edited is a :class:`ListChange`."""
    edits = {name: (given.pop(f"add_{name}"), given.pop(f"remove_{name}")) for name in LISTS}
    stated = columns(given)
    for name, (add, remove) in edits.items():
        if add or remove:
            whole = tuple(stated[name]) if name in stated else None
            stated[name] = ListChange(whole, tuple(add), tuple(remove))
    return stated
