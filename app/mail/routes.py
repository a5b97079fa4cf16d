"""The pages of kept mails: on a developer's own machine, and for its own browser alone."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, has_request_context, render_template, request

from app.mail import kept
from app.mail.kept import KeptMail
from app.settings import is_loopback
from app.web.security import allow_frames_of_own, quarantine
from app.wiring import services

bp = Blueprint("kept_mail", __name__, url_prefix="/dev/mail")


def may_read() -> bool:
    """Whether this request comes from this machine, and to it by a name of its own.

    Whoever reads these pages can take over any account. The name is asked for because a foreign page may let its own
    name point here (DNS rebinding) and would then read them from the developer's browser.
    """
    if not has_request_context() or not is_loopback(request.remote_addr or ""):
        return False
    name = urlsplit(f"//{request.host}").hostname or ""
    return is_loopback(name) or name == urlsplit(services.settings.issuer).hostname


@bp.before_request
def hide_from_others() -> None:
    """To anybody else the pages do not exist."""
    if not may_read():
        abort(404)


@bp.get("")
def list_all() -> str:
    """What was kept."""
    folder = kept.directory(services.settings)
    return render_template("kept_mail/list.html", mails=list(kept.all_kept(folder)), folder=folder)


@bp.get("/<name>")
def show(name: str) -> str:
    """One mail, as a mail program shows it and as text."""
    allow_frames_of_own()
    return render_template("kept_mail/mail.html", mail=_found(name))


@bp.get("/<name>/html")
def html(name: str) -> Response:
    """The HTML part, whose links open windows of their own."""
    quarantine()
    return Response(_found(name).html.replace("<head>", '<head><base target="_blank">', 1), mimetype="text/html")


def _found(name: str) -> KeptMail:
    return kept.find(kept.directory(services.settings), name) or abort(404)
