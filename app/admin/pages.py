"""What all pages of administrators share: the one door, what they answer, that nobody else may hold their window."""

from flask import Blueprint
from flask_login import current_user
from werkzeug import Response

from app.database import ADMINISTRATION
from app.errors import AdministratorsOnly
from app.services.foundation.environment import Caller
from app.web.forms import Form
from app.web.login_manager import lead_to_login
from app.web.security import caller, isolate
from app.wiring import services

bp = Blueprint("admin", __name__, url_prefix="/admin")
Answer = Response | str | tuple[str, int]


class PlainForm(Form):
    """A form that only carries its token."""


@bp.before_request
def admit() -> Response | None:
    """Let administrators in, and cut every tie to a window that opened this one."""
    if not current_user.is_authenticated:
        return lead_to_login()
    if not current_user.is_admin:
        raise AdministratorsOnly
    isolate("same-origin")
    services.db.enter(ADMINISTRATION)
    return None


def acting() -> Caller:
    """The administrator who is here, for what is changed in this request; the database says so once more."""
    return services.administrators.acting(current_user.id, caller())
