"""Acting as somebody: its beginning, for administrators, and its end, for whoever does it."""

from uuid import UUID

from flask import Blueprint, redirect, url_for
from flask_login import current_user, fresh_login_required
from wtforms import IntegerField, StringField
from wtforms.validators import Optional

from app.admin.pages import Answer
from app.admin.people.listing import bp, people_desk
from app.errors import InvalidInput, sentence
from app.web.forms import Form
from app.web.reach import reach_who_is_there
from app.web.security import caller
from app.web.sessions import act, current_session, leave_acting
from app.wiring import services

NOT_SENT = sentence("The form was not sent as it was shown. Open the page again and try once more.")
ended = Blueprint("acting", __name__)
reach_who_is_there(ended)


class ActForm(Form):
    """Why, and for how many minutes."""

    reason = StringField()
    minutes = IntegerField(validators=[Optional()])


@bp.post("/<uuid:user_id>/act")
@fresh_login_required
def begin_acting(user_id: UUID) -> Answer:
    """See the portal and applications as this person does, for a while."""
    form = ActForm()
    if not form.validate_on_submit():
        raise InvalidInput(NOT_SENT)
    by, own = people_desk.acting(), current_user.session
    act(services.acting.start(own, str(user_id), form.reason.data or "", form.minutes.data, by))
    return redirect(url_for("portal.home"), 303)


@ended.post("/acting/end")
def end() -> Answer:
    """Be there as oneself again. What is over already is no error."""
    session = current_session()
    if session and session.acting:
        if not Form().validate_on_submit():
            raise InvalidInput(NOT_SENT)
        services.acting.end(session, caller())
        leave_acting()
    return redirect(url_for("portal.home"), 303)
