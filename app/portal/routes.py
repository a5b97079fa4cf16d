"""The texts, and how pages are shown."""

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
    url_for,
)
from flask_login import current_user
from werkzeug import Response as AnyResponse

from app.languages import COOKIE, SUPPORTED, current_language
from app.portal import developers
from app.web.cookies import YEAR, keep_choice
from app.web.drafts import keep_draft
from app.web.forms import OpenForm
from app.web.protocol.paths import within_protocol
from app.web.reach import reach_who_is_there
from app.web.security import csp_nonce, page_at_hand, safe_path
from app.wiring import services

bp = Blueprint("portal", __name__)
reach_who_is_there(bp)
THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"
OF_OWN_FORMS = (None, "logout/confirm")
"""What of the protocol the portal's own forms lead to, besides all that is none of it."""


@bp.get("/terms")
def terms() -> str:
    """The terms of use."""
    return render_template("portal/terms.html")


@bp.get("/privacy")
def privacy() -> str:
    """What is stored and why."""
    return render_template("portal/privacy.html", deletion_days=services.settings.accounts.deletion_days)


@bp.get("/.well-known/change-password")
def change_password() -> AnyResponse:
    """Where password managers send people (W3C, A Well-Known URL for Changing Passwords)."""
    return redirect(url_for("account.password"), 303)


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
    if found is None or version != found[1]:
        # Earlier versions stand in folders of their own.
        folder = folder / version
    if not re.fullmatch(r"\d+\.\d+\.\d+", version) or name not in {"max-auth.js", "max-auth.d.ts"}:
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
        "page_address": page_at_hand(),
        "replaces_address": "page_address" in g or _answers_own_form(),
        "can_mail": services.mail.is_possible,
        "portal_name": "MAX Platform",
        "support_url": services.settings.server.support_url,
        "shows_developer_pages": developers.are_shown,
    }


def _answers_own_form() -> bool:
    return request.method == "POST" and within_protocol(request.path) in OF_OWN_FORMS


def _remember(cookie: str, value: str) -> AnyResponse:
    """Remember a choice and go back. The button may stand below a form: what was typed there stays."""
    target = safe_path(request.form.get("next"))
    response = redirect(target, 303)
    keep_draft(target)
    if OpenForm().validate_on_submit() and value:
        keep_choice(response, cookie, value)
    return response
