"""What developers see: the integration of each client, and the playground.

Who that is, the operator says (``DEVELOPER_PAGES``); everybody else finds no trace of these pages on any other.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, abort, render_template, request
from flask_login import current_user
from markupsafe import Markup

from app.errors import PortalError, sentence
from app.portal import libraries
from app.services.clients.clients import ClientRecord
from app.services.clients.scopes import split
from app.services.upkeep.seeding import PLAYGROUND
from app.web.login_manager import lead_to_login
from app.web.presentation import application
from app.web.security import allow_frames_of_own, allow_framing, isolate
from app.wiring import services

bp = Blueprint("developers", __name__)
ENDPOINTS = {
    "discovery": ".well-known/openid-configuration",
    "authorization_endpoint": "api/oauth/authorize",
    "token_endpoint": "api/oauth/token",
    "userinfo_endpoint": "api/oauth/userinfo",
    "revocation_endpoint": "api/oauth/revoke",
    "introspection_endpoint": "api/oauth/introspect",
    "end_session_endpoint": "api/oauth/logout",
    "jwks_uri": ".well-known/jwks.json",
}
TABS = ("kit", "curl", "service", *(library.key for library in libraries.LIBRARIES))
PLAYGROUND_SCOPE = "openid profile email offline_access read:groups"


@bp.app_template_filter("coloured")
def coloured(code: object, language: str) -> Markup:
    """The body of a block of code, in colours."""
    from app.portal import highlighting  # noqa: PLC0415 five megabytes of a worker, which few pages need

    return highlighting.block(code, language)


class AdministratorsOnly(PortalError):
    """The operator keeps a page for administrators."""

    status, code = 403, "administrators_only"
    message = sentence("This page is for administrators of this portal.")


def are_shown() -> bool:
    """Whether whoever looks may see these pages, so that other pages name them."""
    audience = services.settings.server.developer_pages
    return audience == "everyone" or (audience == "admins" and current_user.is_authenticated and current_user.is_admin)


def _for_developers(view: Callable[[], str]) -> Callable[[], Any]:
    """Let in whom ``DEVELOPER_PAGES`` names; without a login lead to it, where one would do."""

    @wraps(view)
    def guarded() -> Any:
        if are_shown():
            return view()
        if services.settings.server.developer_pages == "nobody":
            abort(404)
        if not current_user.is_authenticated:
            return lead_to_login()
        raise AdministratorsOnly

    return guarded


@bp.get("/developers")
@_for_developers
def integration() -> str:
    """Copy-paste integration for each registered client; who is not an administrator sees the listed ones.

    ``?client=`` fills the code in for one of them, ``?library=`` is the tab that is open.
    """
    everything = current_user.is_authenticated and current_user.is_admin
    clients = [each for each in services.clients.all() if each.is_active and (everything or each.is_listed)]
    chosen = next((each for each in clients if each.client_id == request.args.get("client")), None)
    issuer, tab = services.settings.issuer, request.args.get("library")
    return render_template(
        "portal/developers.html",
        clients=clients,
        marks={each.client_id: application(each) for each in clients},
        chosen=chosen,
        client=_integrated(chosen),
        libraries=[(group, [_block(each, chosen) for each in found]) for group, found in libraries.groups()],
        tab=tab if tab in TABS else TABS[0],
        issuer=issuer,
        endpoints={name: f"{issuer}/{path}" for name, path in ENDPOINTS.items()},
    )


def _integrated(client: ClientRecord | None) -> dict[str, Any]:
    """What the code names: the chosen client, or an example of one."""
    if client is None:
        example = libraries.EXAMPLE
        return {
            "client_id": example["client_id"],
            "redirect_uris": [f"{example['app']}/oauth/callback"],
            "scopes": ["openid", "profile", "email"],
            "is_confidential": False,
        }
    return {
        "client_id": client.client_id,
        "redirect_uris": client.redirect_uris,
        "scopes": client.allowed_scopes,
        "is_confidential": client.is_confidential,
    }


def _block(library: libraries.Library, client: ClientRecord | None) -> dict[str, Any]:
    """A library with its code for ``client``, and what that client lacks for it."""
    uris = client.redirect_uris if client else ()
    app = libraries.origin_of(uris)
    algorithm = services.settings.tokens.algorithm
    values = {
        **libraries.EXAMPLE,
        "issuer": services.settings.issuer,
        "client_id": client.client_id if client else libraries.EXAMPLE["client_id"],
        "app": app,
        "algorithm": algorithm if algorithm != "HS256" else "ES256",
    }
    redirect_uri = libraries.redirect_uri(library, app)
    needs_secret = library.needs_secret
    return {
        "library": library,
        "code": render_template(f"portal/libraries/{library.key}.txt", **values),
        "redirect_uri": redirect_uri,
        "is_registered": redirect_uri in uris,
        "is_of_another_kind": client is not None
        and needs_secret is not None
        and (client.signs or needs_secret != client.is_confidential),
    }


@bp.get("/playground")
@_for_developers
def playground() -> str:
    """The browser kit live; it holds silent frames and opens popups."""
    allow_frames_of_own()
    isolate("same-origin-allow-popups")
    client = services.clients.find(PLAYGROUND)
    if client is None or not client.is_active:
        abort(404)
    issuer = services.settings.issuer
    scope = " ".join(name for name in split(PLAYGROUND_SCOPE) if name in client.allowed_scopes)
    config = {
        "issuer": issuer,
        "client_id": PLAYGROUND,
        "redirect_uri": f"{issuer}/playground/callback",
        "scope": scope,
    }
    return render_template("portal/playground.html", config=config)


@bp.get("/playground/callback")
def playground_callback() -> str:
    """The redirect URI of the playground: a popup, a frame or the tab ends here, whoever logged in on the way."""
    if services.settings.server.developer_pages == "nobody":
        abort(404)
    allow_framing("'self'")
    return render_template(
        "portal/playground_callback.html",
        config={
            "issuer": services.settings.issuer,
            "client_id": PLAYGROUND,
            "redirect_uri": f"{services.settings.issuer}/playground/callback",
        },
    )
