"""What is written about somebody: name, address, language, picture; changed for them."""

from typing import Any

from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than the stubs

from app.admin.pages import Answer, PlainForm, done, show
from app.admin.people.listing import bp, people_desk
from app.admin.people.newcomers import LANGUAGES
from app.errors import InvalidInput, NotFound, sentence
from app.languages import lazy_gettext as _l
from app.services.people.email_names import fold
from app.web.forms import ADDRESS, Form, put_beside
from app.wiring import services

CHANGED = sentence("The details are changed.")
NO_PHOTO = sentence("There is no photo that was uploaded.")
PHOTO_REMOVED = sentence("The photo is removed.")
SAID = ("full_name", "username", "bio", "locale", "timezone")


class DetailsForm(Form):
    """Names as in :data:`app.services.people.profiles.RULES`, and the address."""

    full_name = StringField(_l("Name"))
    username = StringField(_l("Username"))
    bio = TextAreaField(_l("About the person"))
    locale = SelectField(_l("Language"), choices=LANGUAGES, validate_choice=False)
    timezone = StringField(_l("Time zone"))
    email = StringField(_l("E-mail"), validators=ADDRESS)
    is_verified = BooleanField(_l("The new e-mail address is known to be theirs"))


@bp.route("/<uuid:user_id>/edit", methods=["GET", "POST"])
def edit(user_id: Any) -> Answer:
    """Change what is written about somebody; all of it or, where something cannot be used, nothing."""
    who = str(user_id)
    present = services.profiles.get(who)
    form = DetailsForm(obj=present)
    if not present.locale:
        form.locale.choices = [SelectChoice("", _l("Not chosen")), *LANGUAGES]
    if not form.is_submitted():
        return _page(form, who)
    if not form.validate():
        return _page(form, who), 400
    caller = people_desk.acting_on(who)
    try:
        services.administration.change(who, {name: form[name].data or "" for name in SAID}, caller)
    except InvalidInput as problems:
        put_beside(form, problems, "full_name")
    try:
        if fold(form.email.data or "") != present.email:
            services.email_addresses.assign(who, form.email.data or "", caller, is_verified=form.is_verified.data)
    except InvalidInput as refusal:
        put_beside(form, refusal, "email")
    if form.errors:
        services.db.rollback()
        return _page(form, who), 400
    return done(CHANGED, "admin_people.person", user_id=who)


@bp.post("/<uuid:user_id>/remove-photo")
def remove_photo(user_id: Any) -> Answer:
    """Take away the photo somebody uploaded."""
    form, who = PlainForm(), str(user_id)
    if not form.validate_on_submit():
        return _page(DetailsForm(formdata=None, obj=services.profiles.get(who)), who), 400
    if not services.administration.remove_photo(who, people_desk.acting_on(who)):
        raise NotFound(NO_PHOTO)
    return done(PHOTO_REMOVED, "admin_people.edit", user_id=who)


def _page(form: DetailsForm, who: str) -> str:
    return show("people/edit", form, person=services.directory.one(who).entry, photo=services.profiles.get(who).photo)
