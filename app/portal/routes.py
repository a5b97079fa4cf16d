"""The launcher, the pages for developers, and how pages are shown."""

import re
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    has_request_context,
    redirect,
    render_template,
    request,
    send_from_directory,
)
from flask_login import current_user
from werkzeug import Response as AnyResponse

from app.languages import COOKIE, SUPPORTED, current_language
from app.portal import libraries
from app.services.clients.clients import ClientRecord
from app.services.clients.scopes import split
from app.services.upkeep.seeding import PLAYGROUND
from app.web.choices import YEAR, keep_choice
from app.web.forms import Form
from app.web.presentation import tile
from app.web.security import allow_frames_of_own, allow_framing, csp_nonce, isolate, safe_path
from app.wiring import services

bp = Blueprint("portal", __name__)
THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"
PLAYGROUND_SCOPE = "openid profile email offline_access read:groups"


@bp.get("/")
def home() -> str:
    """The launcher."""
    tiles = [tile(client, position) for position, client in enumerate(services.clients.all(listed=True))]
    deletes_at = services.profiles.get(current_user.id).deletes_at if current_user.is_authenticated else None
    return render_template("portal/home.html", tiles=tiles, deletes_at=deletes_at)


@bp.get("/developers")
def developers() -> str:
    """Copy-paste integration for each registered client; who is not an administrator sees the listed ones.

    ``?client=`` fills the blocks of client libraries in for one of them.
    """
    everything = current_user.is_authenticated and current_user.is_admin
    clients = [each for each in services.clients.all() if each.is_active and (everything or each.is_listed)]
    chosen = next((each for each in clients if each.client_id == request.args.get("client")), None)
    issuer = services.settings.issuer
    names = {
        "authorization_endpoint": "authorize",
        "token_endpoint": "token",
        "userinfo_endpoint": "userinfo",
        "revocation_endpoint": "revoke",
        "introspection_endpoint": "introspect",
        "end_session_endpoint": "logout",
    }
    endpoints = {name: f"{issuer}/api/oauth/{path}" for name, path in names.items()}
    endpoints["discovery"] = f"{issuer}/.well-known/openid-configuration"
    endpoints["jwks_uri"] = f"{issuer}/.well-known/jwks.json"
    return render_template(
        "portal/developers.html",
        clients=[_shown(each) for each in clients],
        chosen=chosen,
        libraries=[(group, [_block(each, chosen) for each in found]) for group, found in libraries.groups()],
        issuer=issuer,
        endpoints=endpoints,
    )


def _shown(client: ClientRecord) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "redirect_uris": client.redirect_uris,
        "is_confidential": client.is_confidential,
        "requires_pkce": client.require_pkce,
        "scopes": client.allowed_scopes,
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
        "is_of_another_kind": client is not None and needs_secret not in {None, client.is_confidential},
    }


@bp.get("/playground")
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
    """The redirect URI of the playground: a popup, a frame or the tab ends here."""
    allow_framing("'self'")
    return render_template(
        "portal/playground_callback.html",
        config={
            "issuer": services.settings.issuer,
            "client_id": PLAYGROUND,
            "redirect_uri": f"{services.settings.issuer}/playground/callback",
        },
    )


@bp.get("/terms")
def terms() -> str:
    """The terms of use."""
    return render_template("portal/terms.html")


@bp.get("/privacy")
def privacy() -> str:
    """What is stored and why."""
    return render_template("portal/privacy.html", deletion_days=services.settings.accounts.deletion_days)


@bp.post("/language")
def language() -> AnyResponse:
    """Show pages in another language from now on."""
    chosen = request.form.get("lang", "")
    return _remember(COOKIE, chosen if chosen in SUPPORTED else "")


@bp.post("/theme")
def theme() -> AnyResponse:
    """Show pages light, dark, or as the device does."""
    chosen = request.form.get("theme", "")
    return _remember(THEME_COOKIE, chosen if chosen in THEMES else "")


@bp.get("/static/sdk/<version>/<name>")
def sdk(version: str, name: str) -> Response:
    """The browser kit under the address of its version, which never changes what it holds."""
    folder = Path(str(current_app.static_folder)) / "sdk"
    found = re.search(r"VERSION = ['\"]([0-9.]+)['\"]", (folder / "max-auth.js").read_text())
    if found is None or version != found[1] or name not in {"max-auth.js", "max-auth.d.ts"}:
        abort(404)
    response = send_from_directory(folder, name)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response


def describe_page() -> dict[str, Any]:
    """What every template may use."""
    if not has_request_context():
        return {}
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return {
        # First: the language may be the one of this person.
        "current_user": current_user._get_current_object(),
        "lang": current_language(),
        "theme": chosen if chosen in THEMES else "auto",
        "csp_nonce": csp_nonce(),
        "request_id": g.get("request_id", ""),
        "popup": bool(g.get("is_popup", False)),
        "can_mail": services.mail.is_possible,
        "portal_name": "MAX Platform",
    }


def _remember(cookie: str, value: str) -> AnyResponse:
    target = safe_path(request.form.get("next"))
    response = redirect(target, 303)
    if Form().validate_on_submit() and value:
        keep_choice(response, cookie, value)
    return response
