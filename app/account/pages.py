"""What all account pages share: how they look, what they answer, and that nobody else may hold their window."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user
from werkzeug import Response

from app.account.signs import DEVICES
from app.languages import gettext as _
from app.services.sessions.policy import SUPPORT
from app.services.sessions.user_agents import UNKNOWN, device_kind, device_name
from app.web.forms import Form
from app.web.reach import reach_who_is_there
from app.web.security import isolate
from app.wiring import services

bp = Blueprint("account", __name__, url_prefix="/account")
reach_who_is_there(bp)
Answer = Response | str | tuple[str, int] | tuple[str, int, dict[str, str]]


class PlainForm(Form):
    """A form that only carries its token."""


@bp.before_request
def stand_alone() -> None:
    """Cut every tie to a window that opened this one."""
    isolate("same-origin")


def show(template: str, form: Form | None = None, **context: object) -> str:
    """An account page; it gets ``form`` (an empty one by default) and the person's ``profile``."""
    profile = services.profiles.get(current_user.id)
    return render_template(f"account/{template}.html", form=form or PlainForm(), profile=profile, **context)


def done(endpoint: str, message: str) -> Response:
    """Lead to a page of the account that says so; ``message`` is an English constant."""
    flash(message)
    return redirect(url_for(endpoint), 303)


@dataclass(frozen=True, slots=True)
class Device:
    """A device in words, the icon of its kind, and what it says of itself."""

    name: str
    sign: str
    user_agent: str


def device(user_agent: str, name: str = "") -> Device:
    """A device as it is shown; a session bears the ``name`` it was given when it began."""
    name = name or device_name(user_agent)
    return Device(_(name) if name in {UNKNOWN, SUPPORT} else name, DEVICES[device_kind(user_agent)], user_agent)
