"""Acting as somebody: its beginning, for administrators, and its end, for whoever does it."""

from uuid import UUID

from flask import Blueprint, redirect, url_for
from flask_login import current_user, fresh_login_required
from wtforms import IntegerField, TextAreaField
from wtforms.validators import Optional

from app.admin.pages import Answer, show
from app.admin.people.listing import bp
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.sessions.acting import LONGEST_MINUTES, MINUTES
from app.web.forms import Form, put_beside
from app.web.reach import reach_who_is_there
from app.web.security import caller
from app.web.sessions import act, current_session, leave_acting
from app.wiring import services

NOT_SENT = sentence("The form was not sent as it was shown. Open the page again and try once more.")
ended = Blueprint("acting", __name__)
reach_who_is_there(ended)


class ActForm(Form):
    """Why, and for how many minutes."""

    reason = TextAreaField(_l("Reason"))
    minutes = IntegerField(_l("Minutes"), validators=[Optional()])


@bp.route("/<uuid:user_id>/act", methods=["GET", "POST"])
@fresh_login_required
def begin_acting(user_id: UUID) -> Answer:
    """See the portal and applications as this person does, for a while."""
    form, who, own = ActForm(), str(user_id), current_user.session
    if not form.is_submitted():
        if not form.is_draft:
            form.minutes.data = services.settings.session.acting_minutes
        return _page(who, form)
    # Without a part named, for administrators of the platform alone.
    by = services.administrators.acting(own.user_id, caller())
    if form.validate():
        try:
            act(services.acting.start(own, who, form.reason.data or "", form.minutes.data, by))
            return redirect(url_for("portal.home"), 303)
        except InvalidInput as refusal:
            put_beside(form, refusal, "reason")
    elif form.minutes.errors:
        form.minutes.errors = [_(MINUTES)]
    return _page(who, form), 400


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


def _page(who: str, form: ActForm) -> str:
    entry = services.directory.one(who).entry
    current_user.powers.require()
    return show(
        "people/act",
        form,
        person=entry,
        hindrance=services.acting.hindrance(current_user.session, who),
        most_minutes=LONGEST_MINUTES,
    )
