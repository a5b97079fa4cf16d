"""What all pages of administrators share: the one door, what they answer, that nobody else may hold their window.

A part of the portal is a blueprint made by :func:`desk`, which names the permission that opens it. What a page changes
is done as :func:`acting` says, which asks the database once more, under a lock.
"""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug import Response

from app.database import ADMINISTRATION
from app.errors import AdministratorsOnly
from app.services.foundation.environment import Caller
from app.services.foundation.powers import Powers
from app.web.forms import Form
from app.web.login_manager import lead_to_login
from app.web.security import caller, isolate
from app.wiring import services

Answer = Response | str | tuple[str, int]


class PlainForm(Form):
    """A form that only carries its token."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The pages of a part of the portal: their blueprint, and the permissions of which one is needed.

    Without any they are for everybody who administers something.
    """

    bp: Blueprint
    parts: tuple[str, ...]

    def admit(self) -> Response | None:
        """Let those in who administer this, and cut every tie to a window that opened this one."""
        if not current_user.is_authenticated:
            return lead_to_login()
        powers: Powers = current_user.powers
        if not powers.is_any:
            raise AdministratorsOnly
        if self.parts:
            powers.require(*self.parts)
        isolate("same-origin")
        services.db.enter(ADMINISTRATION)
        return None

    def acting(self) -> Caller:
        """The administrator who is here, for what is changed in this request; the database says so once more."""
        return services.administrators.acting(current_user.id, caller(), *self.parts)

    def acting_on(self, person_id: str) -> Caller:
        """The same for what is done to a person, whom the administrator's powers have to reach."""
        return services.administrators.acting_on(person_id, current_user.id, caller(), *self.parts)


def desk(name: str, prefix: str, *parts: str) -> Desk:
    """The pages below ``/admin`` + ``prefix`` with endpoints ``name.…``, for whoever administers one of ``parts``."""
    made = Desk(Blueprint(name, __name__, url_prefix=f"/admin{prefix}"), parts)
    made.bp.before_request(made.admit)
    return made


def show(template: str, form: Form | None = None, **context: object) -> str:
    """A page of administrators; it gets ``form``, an empty one by default."""
    return render_template(f"admin/{template}.html", form=form or PlainForm(), **context)


def done(message: str, endpoint: str, **values: Any) -> Response:
    """Lead to a page that says so; ``message`` is an English constant."""
    flash(message)
    return redirect(url_for(endpoint, **values), 303)


def asked(name: str) -> str | None:
    """A parameter of the address, None where it is empty or stands there twice."""
    values = request.args.getlist(name)
    return values[0].strip() or None if len(values) == 1 else None
