"""``clients``: client applications."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from app.cli.clients import options as client_options
from app.cli.outcome import OPERATOR, as_json, confirmed, operation, over_everything, said, show, show_one, warn
from app.services.clients.clients import ClientRecord
from app.services.clients.redirect_advice import ApplicationType, Verdict
from app.services.clients.redirect_uris import is_on_network
from app.services.clients.registration import CREATED_AS, ListChange, is_own_path
from app.services.oversight.client_health import Failures
from app.services.upkeep.seeding import SEEDED
from app.web.protocol.refusals import explained
from app.wiring import services


@click.group()
def clients() -> None:
    """Client applications."""


@clients.command()
@click.argument("client_id")
@client_options.stated
@operation
def create(client_id: str, as_json: bool, **given: Any) -> None:
    """Register a client; the secret is shown once."""
    stated = client_options.columns(given)
    named = {CREATED_AS.get(column, column): value for column, value in stated.items()}
    secret = services.clients.create(client_id, **named, caller=OPERATOR)
    _advise(stated)
    _show_secret(client_id, secret, is_json=as_json, done="Created")


@clients.command()
@click.argument("client_id")
@client_options.stated
@client_options.edited
@operation
def update(client_id: str, as_json: bool, **given: Any) -> None:
    """Change a client: what is named replaces what there is, everything else stays. It counts at once.

    An empty value takes an address, an owner, the contacts or the optional scopes away.
    """
    changes = client_options.changes(given)
    if not changes:
        raise click.UsageError("Say what to change.")
    change = services.clients.update(client_id, changes, OPERATOR)
    _advise(changes)
    if as_json:
        row = {**_whole(services.clients.get(client_id)), "changed": list(change.names)}
        show_one({**row, **({"client_secret": change.secret} if change.secret else {})}, is_json=True)
    elif not change.names:
        click.echo(f"{client_id} is so already.")
    else:
        click.echo(f"Changed {client_id}: {', '.join(change.names)}.{_shown_once(change.secret)}")


@clients.command("list")
@as_json
@over_everything
def list_clients(as_json: bool) -> None:
    """List all clients."""
    show([_row(client) for client in services.clients.all()], is_json=as_json)


@clients.command("show")
@click.argument("client_id")
@operation
def show_client(client_id: str, as_json: bool) -> None:
    """Show one client whole, without its secret."""
    show_one(_whole(services.clients.get(client_id)), is_json=as_json)


@clients.command("set-backchannel-logout")
@click.argument("client_id")
@click.argument("uri", default="")
@operation
def set_backchannel_logout(client_id: str, uri: str, as_json: bool) -> None:
    """Say where a client hears that a session ended; without a URI it no longer does."""
    services.clients.update(client_id, {"backchannel_logout_uri": uri or None}, OPERATOR)
    sentence = f"{client_id} hears of logouts at {uri}." if uri else f"{client_id} hears of no logouts."
    said(sentence, {"client_id": client_id, "backchannel_logout_uri": uri or None}, is_json=as_json)


@clients.command("rotate-secret")
@click.argument("client_id")
@click.option(
    "--overlap",
    type=client_options.Duration(),
    metavar="TIME",
    help="How long the secret before it still counts, e.g. 30m, 24h, 7d; when left out, it ends at once.",
)
@operation
def rotate_secret(client_id: str, overlap: timedelta | None, as_json: bool) -> None:
    """Give a client a new secret, which is shown once."""
    secret = services.clients.rotate_secret(client_id, OPERATOR, overlap=overlap or timedelta())
    _show_secret(client_id, secret, is_json=as_json, done="Rotated")


@clients.command("secrets")
@click.argument("client_id")
@operation
def list_secrets(client_id: str, as_json: bool) -> None:
    """List when each secret of a client was made and until when it counts; never the secret."""
    found = services.clients.secrets_of(client_id)
    show([{"id": each.id, "created": each.created_at, "expires": each.expires_at} for each in found], is_json=as_json)


@clients.command("end-secret")
@click.argument("client_id")
@click.argument("secret_id")
@operation
def end_secret(client_id: str, secret_id: str, as_json: bool) -> None:
    """End one of two secrets at once, by its id; the other one stays and counts without an end."""
    services.clients.end_secret(client_id, secret_id, OPERATOR)
    said(f"Ended a secret of {client_id}.", {"client_id": client_id, "ended": secret_id}, is_json=as_json)


@clients.command()
@click.argument("client_id")
@operation
def disable(client_id: str, as_json: bool) -> None:
    """Stop a client; its tokens end at once."""
    services.clients.disable(client_id, OPERATOR)
    said(f"Disabled {client_id}.", {"client_id": client_id, "active": False}, is_json=as_json)


@clients.command()
@click.argument("client_id")
@operation
def enable(client_id: str, as_json: bool) -> None:
    """Let a client that was stopped ask again; tokens it held before stay ended."""
    services.clients.enable(client_id, OPERATOR)
    said(f"Enabled {client_id}.", {"client_id": client_id, "active": True}, is_json=as_json)


@clients.command()
@click.argument("client_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@operation
def delete(client_id: str, yes: bool, as_json: bool) -> None:
    """Remove a client for good, with its consents and tokens, which end at once."""
    services.clients.get(client_id)
    confirmed(f"Delete {client_id} with all its consents and tokens?", is_confirmed=yes)
    services.clients.delete(client_id, OPERATOR)
    if client_id in SEEDED:
        warn("The next seed makes this client anew. To keep it away, disable it instead.")
    said(f"Deleted {client_id}.", {"client_id": client_id, "deleted": True}, is_json=as_json)


@clients.command("check-uri")
@click.argument("uri")
@click.option(
    "--type",
    "kind",
    type=click.Choice([each.value for each in ApplicationType]),
    required=True,
    help="What kind of application it is for.",
)
@click.option("--client", "client_id", metavar="ID", help="Beside the addresses of this client.")
@operation
def check_uri(uri: str, kind: str, client_id: str | None, as_json: bool) -> None:
    """Say what to think of a redirect URI, and how silent login works from there; registers nothing."""
    verdict = services.redirect_advice.about(uri, ApplicationType(kind), client_id)
    if as_json:
        show_one(asdict(verdict), is_json=True)
    else:
        click.echo("\n".join(_lines(verdict)))


@clients.command("preview")
@click.argument("client_id")
@click.argument("who")
@click.option("--scope", default="", help="What the request would ask for, such as 'openid email'.")
@operation
def preview(client_id: str, who: str, scope: str, as_json: bool) -> None:
    """Show what the tokens of a person (e-mail or id) would say, unsigned; nothing is issued, looking is on record."""
    shown = services.token_previews.of(client_id, who, scope, OPERATOR)
    if as_json:
        show_one(asdict(shown), is_json=True)
        return
    click.echo(shown.note)
    click.echo(
        f"next step: {shown.next_step}" + (f" ({shown.error}: {shown.error_description})" if shown.error else "")
    )
    click.echo(f"granted: {' '.join(shown.granted) or '-'}")
    for each in shown.left_out:
        click.echo(f"left out: {each.scope}: {each.sentence}")
    for line in shown.consent:
        click.echo(f"asks: {line.scope}{' (optional)' if line.is_optional else ''}: {line.sentence}")
    for name in ("access_token", "id_token", "userinfo", "lifetimes"):
        if found := asdict(shown)[name]:
            click.echo(f"{name}: {json.dumps(found, indent=2, ensure_ascii=False)}")


@clients.command("health")
@click.argument("client_id")
@operation
def health(client_id: str, as_json: bool) -> None:
    """Say how a client fares: what succeeded and failed, what of its registration nobody uses, and what to change."""
    found = services.client_health.of(client_id)
    if as_json:
        show_one(asdict(found), is_json=True)
        return
    success, failure = found.last_success, found.last_failure
    since = f"{found.counted_since:%Y-%m-%d}" if found.counted_since else "-"
    click.echo(f"counted since: {since}")
    click.echo(f"last success: {f'{success.last_at:%Y-%m-%d %H:%M} {success.name}' if success else '-'}")
    click.echo(f"last failure: {f'{failure.last_at:%Y-%m-%d %H:%M} {_why(failure)}' if failure else '-'}")
    for name, span in found.spans.items():
        click.echo(f"{name}: {span.successes} succeeded, {span.failed} failed")
    for each in found.spans["30d"].failures:
        click.echo(f"  {each.count} × {_why(each)}")
    for fetch in found.key_fetches:
        click.echo(f"keys: {fetch.last_at:%Y-%m-%d %H:%M} {fetch.name}")
    click.echo(f"consents: {found.consents}, grants: {found.living_grants}, open sessions: {found.open_sessions}")
    for recommendation in found.recommendations:
        names = " ".join(name for values in recommendation.remove.values() for name in values)
        click.echo(f"{recommendation.code}: {recommendation.sentence}" + (f" ({names})" if names else ""))


def _why(failures: Failures) -> str:
    return f"{failures.endpoint} {failures.error}: {explained(failures.cause) or failures.cause}"


def _lines(verdict: Verdict) -> list[str]:
    found = [f"{each.level}: {each.sentence}" + (f" ({each.value})" if each.value else "") for each in verdict.advice]
    return [*found, f"silent login: {verdict.site.sentence}"]


def _row(client: ClientRecord) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "active": client.is_active,
        "confidential": client.is_confidential,
        "auth_method": client.auth_method,
        "consent": client.consent_policy,
    }


def _whole(client: ClientRecord) -> dict[str, Any]:
    owner = services.accounts.at(client.owner_id) if client.owner_id else None
    return {
        **_row(client),
        "description": client.description,
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "scopes": client.allowed_scopes,
        "optional_scopes": client.optional_scopes,
        "grant_types": client.grant_types,
        "require_pkce": client.require_pkce,
        "id_token_signed_response_alg": client.id_token_signed_response_alg,
        "lean_id_token": client.lean_id_token,
        "jwks": json.loads(client.jwks) if client.jwks else None,
        "jwks_uri": client.jwks_uri,
        "access_token_seconds": client.access_token_seconds,
        "refresh_token_seconds": client.refresh_token_seconds,
        "introspect_any": client.can_introspect_any,
        "owner": owner.email if owner else None,
        "logo_uri": client.logo_uri,
        "home_uri": client.home_uri,
        "policy_uri": client.policy_uri,
        "tos_uri": client.tos_uri,
        "contacts": client.contacts,
        "listed": client.is_listed,
        "in_development": client.in_development,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "created": client.created_at,
        "updated": client.updated_at,
    }


def _advise(stated: dict[str, Any]) -> None:
    """Say what is allowed and may not be what was meant."""
    if (logo := stated.get("logo_uri")) and not is_own_path(logo):
        warn("Pages load no pictures from elsewhere: they show letters in place of this logo.")
    addresses = [stated.get(name) for name in ("redirect_uris", "post_logout_redirect_uris")]
    lists = [each.add + (each.to or ()) if isinstance(each, ListChange) else each for each in addresses if each]
    if any(is_on_network(uri) for uris in lists for uri in uris):
        warn("Neighbours on the network can read what http carries. Production does not take such an address.")
    if stated.get("require_pkce") is False:
        warn("Without PKCE nothing ties a code to the browser that asked for it but the application's own nonce.")


def _show_secret(client_id: str, secret: str | None, *, is_json: bool, done: str) -> None:
    facts = {"client_id": client_id, "client_secret": secret}
    said(f"{done} {client_id}.{_shown_once(secret)}", facts, is_json=is_json)


def _shown_once(secret: str | None) -> str:
    return f" Client secret, shown once: {secret}" if secret else ""
