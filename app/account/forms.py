"""The forms of the account pages. They carry what was typed; the services judge it."""

from flask_wtf.file import FileField
from wtforms import BooleanField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than the stubs
from wtforms.validators import InputRequired

from app.languages import lazy_gettext as _l
from app.web.forms import ADDRESS, NEW_PASSWORD, Form

LANGUAGES = [SelectChoice("ko", "한국어"), SelectChoice("en", "English")]


class ProfileForm(Form):
    """Who one is; names as in :data:`app.services.people.profiles.RULES`, and the photo.

    A time zone is typed as people call it; ``picked_timezone`` is one of those that were proposed for what was typed.
    """

    photo = FileField(_l("Photo"))
    remove_photo = BooleanField(_l("Remove the photo"))
    full_name = StringField(_l("Name"))
    username = StringField(_l("Username"))
    avatar_url = StringField(_l("Address of a picture"))
    bio = TextAreaField(_l("About you"))
    locale = SelectField(_l("Language"), choices=LANGUAGES, validate_choice=False)
    timezone = StringField(_l("Time zone"))
    picked_timezone = StringField()


class PasswordForm(Form):
    """The present password and the one to come."""

    current = PasswordField(_l("Current password"), validators=[InputRequired(_l("Enter your password."))])
    password = PasswordField(_l("New password"), validators=NEW_PASSWORD)


class FirstPasswordForm(Form):
    """The password of an account that has none yet."""

    password = PasswordField(_l("New password"), validators=NEW_PASSWORD)


class EmailForm(Form):
    """The account's e-mail address, typed to confirm something."""

    email = StringField(_l("E-mail"), validators=ADDRESS)


class NewEmailForm(Form):
    """An e-mail address that the account is to have."""

    email = StringField(_l("New e-mail"), validators=ADDRESS)
