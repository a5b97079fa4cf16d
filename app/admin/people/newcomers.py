"""Somebody new: an account made for them, which they enter by a link in a mail or by a password that is shown once."""

import secrets

from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than the stubs

from app.admin.pages import Answer, done, show
from app.admin.people.listing import bp, people_desk
from app.errors import InvalidInput, sentence
from app.languages import current_language
from app.languages import lazy_gettext as _l
from app.services.people.password_resets import NO_MAIL
from app.web.forms import ADDRESS, Form, put_beside
from app.wiring import services

INVITED = sentence("The account is made, and the invitation is on its way.")
INVITE, PASSWORD = "invite", "password"
BYTES_OF_PASSWORD = 15
LANGUAGES = [SelectChoice("ko", "한국어"), SelectChoice("en", "English")]


class NewcomerForm(Form):
    """Who it is and how they come in."""

    email = StringField(_l("E-mail"), validators=ADDRESS)
    full_name = StringField(_l("Name"))
    locale = SelectField(_l("Language"), choices=LANGUAGES)
    way = RadioField(
        _l("How they come in"),
        choices=[
            SelectChoice(INVITE, _l("By a link in a mail, good for a week, to choose a password")),
            SelectChoice(PASSWORD, _l("By a password that is shown here once")),
        ],
    )
    is_verified = BooleanField(_l("The e-mail address is known to be theirs"))


@bp.route("/new", methods=["GET", "POST"])
def new() -> Answer:
    """Make an account for somebody."""
    form = NewcomerForm()
    if not form.is_submitted():
        form.locale.data = form.locale.data or current_language()
        form.way.data = form.way.data or (INVITE if services.mail.is_possible else PASSWORD)
        return _page(form)
    if not form.validate():
        return _page(form), 400
    caller, is_invited = people_desk.acting(), form.way.data == INVITE
    if is_invited and not services.mail.reaches((form.email.data or "").strip()):
        put_beside(form, InvalidInput(NO_MAIL, "way"), "way")
        return _page(form), 400
    password = None if is_invited else secrets.token_urlsafe(BYTES_OF_PASSWORD)
    try:
        user_id = services.accounts.create(
            form.email.data or "",
            password,
            name=form.full_name.data or "",
            is_verified=form.is_verified.data and not is_invited,
            locale=form.locale.data,
            caller=caller,
        )
    except InvalidInput as refusal:
        put_beside(form, refusal, "email")
        return _page(form), 400
    if is_invited:
        services.password_resets.invite(user_id, caller)
        return done(INVITED, "admin_people.person", user_id=user_id)
    return show("people/created", person=services.directory.one(user_id).entry, password=password)


def _page(form: NewcomerForm) -> str:
    return show("people/new", form, can_mail=services.mail.is_possible)
