"""The forms of logging in; shape checks only."""

from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.languages import lazy_gettext as _l
from app.services.people.passwords import LONGEST, prepared
from app.web.forms import ADDRESS, CODE, NEW_PASSWORD, Form


class LoginForm(Form):
    """E-mail and password."""

    is_personal = False

    email = StringField(_l("E-mail"), validators=ADDRESS)
    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Enter your password."))])
    remember = BooleanField(_l("Keep me logged in"))


class RegisterForm(Form):
    """What an account needs."""

    is_personal = False

    name = StringField(_l("Name"), validators=[InputRequired(_l("Enter your name."))])
    email = StringField(_l("E-mail"), validators=ADDRESS)
    password = PasswordField(_l("Password"), validators=NEW_PASSWORD)


class ForgotForm(Form):
    """Whose password to set anew."""

    is_personal = False

    email = StringField(_l("E-mail"), validators=ADDRESS)


class LinkForm(Form):
    """What a mailed link carried."""

    is_personal = False

    token = HiddenField()


class ResetForm(LinkForm):
    """A new password, by a mailed link."""

    password = PasswordField(_l("New password"), validators=NEW_PASSWORD)


class ConfirmForm(Form):
    """The password once more."""

    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Enter your password."))])


class CodeForm(Form):
    """A code that was mailed."""

    code = StringField(_l("Code from the mail"), validators=CODE)


class StrengthForm(Form):
    """A password to judge, and what it must not be made of."""

    is_personal = False

    password = PasswordField(filters=[lambda typed: prepared(typed or "")], validators=[Length(max=LONGEST)])
    email = StringField(validators=[Length(max=254)])
    name = StringField(validators=[Length(max=200)])


class PlainForm(Form):
    """A form that only carries its token."""
