"""What all account pages share: they need a session, and know whose account they are about."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug import Response
from wtforms import Field

from app.errors import InvalidFields, InvalidInput, NotFound
from app.languages import gettext as _
from app.services.sessions.sessions import ActiveSession
from app.services.sessions.user_agents import UNKNOWN
from app.web.security import isolate
from app.web.sessions import current_session
from app.wiring import services

bp = Blueprint("account", __name__, url_prefix="/account")
Answer = Response | str | tuple[str, int] | tuple[str, int, dict[str, str]]
WITHOUT_SESSION = frozenset({"account.deleted"})


class PlainForm(FlaskForm):
    """A form that only carries its token."""


@bp.before_request
def require_session() -> Response | None:
    """Lead who is not logged in to the login page and back here; cut every tie to a window that opened this one."""
    isolate("same-origin")
    if request.endpoint in WITHOUT_SESSION or current_session() is not None:
        return None
    is_shown = request.method in {"GET", "HEAD"}
    return redirect(url_for("login.login", next=request.full_path.rstrip("?") if is_shown else _page_of_form()), 303)


def _page_of_form() -> str:
    """Where the form stood that was sent: what was typed was typed for a session that is over."""
    section = f"{bp.name}.{request.path.split('/')[2]}"
    return url_for(section if section in current_app.view_functions else "account.overview")


def me() -> ActiveSession:
    """The session of who asks."""
    session = current_session()
    if session is None:
        raise NotFound
    return session


def show(template: str, form: FlaskForm | None = None, **context: object) -> str:
    """An account page; it gets ``form`` (an empty one by default) and the person's ``profile``."""
    profile = services.profiles.get(me().user_id)
    return render_template(f"account/{template}.html", form=form or PlainForm(), profile=profile, **context)


def done(endpoint: str, message: str) -> Response:
    """Lead to a page of the account that says so; ``message`` is an English constant."""
    flash(message)
    return redirect(url_for(endpoint), 303)


def put_beside(form: FlaskForm, refusal: InvalidInput, fallback: str) -> None:
    """Say what a service refused beside the fields it is about."""
    problems = refusal.problems if isinstance(refusal, InvalidFields) else {refusal.field: refusal.message}
    for name, message in problems.items():
        field: Field = form[name] if name in form else form[fallback]
        field.errors = [*field.errors, _(message)]


def device(name: str) -> str:
    """A device's name as it is shown."""
    return _(UNKNOWN) if name in {"", UNKNOWN} else name
