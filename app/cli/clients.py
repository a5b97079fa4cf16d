"""``clients``: client applications."""

import json
from typing import Any

import click
from flask.cli import with_appcontext

from app.cli.outcome import OPERATOR, as_json, committed, show, show_one
from app.services.clients.clients import AUTH_METHODS, CONSENT_POLICIES, GRANT_TYPES, ClientRecord
from app.services.clients.scopes import split
from app.wiring import services


@click.group()
def clients() -> None:
    """Client applications."""


@clients.command()
@click.argument("client_id")
@click.option("--name", default="", help="What people see.")
@click.option("--redirect-uri", "redirects", multiple=True, help="A redirect URI; may be repeated.")
@click.option("--post-logout-redirect-uri", "post_logout", multiple=True, help="May be repeated.")
@click.option("--scope", default="", help='The scopes it may have, e.g. "openid profile".')
@click.option("--confidential", is_flag=True, help="It can keep a secret.")
@click.option(
    "--auth-method",
    default="",
    type=click.Choice(["", *AUTH_METHODS]),
    show_choices=True,
    help="How it authenticates; when left out, a secret may come by basic or post.",
)
@click.option("--grant", "grants", multiple=True, type=click.Choice(GRANT_TYPES), help="May be repeated.")
@click.option("--consent", default="once", type=click.Choice(CONSENT_POLICIES), help="When people are asked.")
@click.option("--introspect-any", is_flag=True, help="It may introspect tokens of every client.")
@click.option("--backchannel-logout-uri", default="", help="Where it hears that a session ended.")
@click.option(
    "--lean-id-token/--no-lean-id-token",
    default=False,
    help="Whether its ID tokens say no more of a person than the id, and what a request asks for.",
)
@as_json
@with_appcontext
@committed
def create(
    client_id: str,
    name: str,
    redirects: tuple[str, ...],
    post_logout: tuple[str, ...],
    scope: str,
    confidential: bool,
    auth_method: str,
    grants: tuple[str, ...],
    consent: str,
    introspect_any: bool,
    backchannel_logout_uri: str,
    lean_id_token: bool,
    as_json: bool,
) -> None:
    """Register a client; the secret is shown once."""
    secret = services.clients.create(
        client_id,
        name=name,
        redirects=redirects,
        post_logout=post_logout,
        scopes=split(scope),
        is_confidential=confidential,
        auth_method=auth_method,
        grants=grants,
        consent_policy=consent,
        can_introspect_any=introspect_any,
        backchannel_logout_uri=backchannel_logout_uri,
        lean_id_token=lean_id_token,
        caller=OPERATOR,
    )
    _show_secret(client_id, secret, is_json=as_json, done="Created")


@clients.command("list")
@as_json
@with_appcontext
def list_clients(as_json: bool) -> None:
    """List all clients."""
    show([_row(client) for client in services.clients.all()], is_json=as_json)


@clients.command("show")
@click.argument("client_id")
@as_json
@with_appcontext
@committed
def show_client(client_id: str, as_json: bool) -> None:
    """Show one client whole, without its secret."""
    client = services.clients.get(client_id)
    show_one(
        {
            **_row(client),
            "description": client.description,
            "redirect_uris": client.redirect_uris,
            "post_logout_redirect_uris": client.post_logout_redirect_uris,
            "scopes": client.allowed_scopes,
            "grant_types": client.grant_types,
            "require_pkce": client.require_pkce,
            "id_token_signed_response_alg": client.id_token_signed_response_alg,
            "lean_id_token": client.lean_id_token,
            "introspect_any": client.can_introspect_any,
            "backchannel_logout_uri": client.backchannel_logout_uri,
            "created": client.created_at,
            "updated": client.updated_at,
        },
        is_json=as_json,
    )


@clients.command("set-backchannel-logout")
@click.argument("client_id")
@click.argument("uri", default="")
@with_appcontext
@committed
def set_backchannel_logout(client_id: str, uri: str) -> None:
    """Say where a client hears that a session ended; without a URI it no longer does."""
    services.clients.set_backchannel_logout(client_id, uri, OPERATOR)
    click.echo(f"{client_id} hears of logouts at {uri}." if uri else f"{client_id} hears of no logouts.")


@clients.command("rotate-secret")
@click.argument("client_id")
@as_json
@with_appcontext
@committed
def rotate_secret(client_id: str, as_json: bool) -> None:
    """Replace a client's secret at once; the new one is shown once."""
    _show_secret(client_id, services.clients.rotate_secret(client_id, OPERATOR), is_json=as_json, done="Rotated")


@clients.command()
@click.argument("client_id")
@as_json
@with_appcontext
@committed
def disable(client_id: str, as_json: bool) -> None:
    """Stop a client; its tokens end at once."""
    services.clients.disable(client_id, OPERATOR)
    click.echo(json.dumps({"client_id": client_id, "active": False}) if as_json else f"Disabled {client_id}.")


def _row(client: ClientRecord) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "active": client.is_active,
        "confidential": client.is_confidential,
        "auth_method": client.auth_method,
        "consent": client.consent_policy,
    }


def _show_secret(client_id: str, secret: str | None, *, is_json: bool, done: str) -> None:
    if is_json:
        click.echo(json.dumps({"client_id": client_id, "client_secret": secret}))
        return
    click.echo(f"{done} {client_id}." + (f" Client secret, shown once: {secret}" if secret else ""))
