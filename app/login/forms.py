"""The forms of logging in; shape checks only."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.languages import lazy_gettext as _l
from app.services.passwords import LONGEST

EMAIL = [InputRequired(_l("Enter your e-mail.")), Length(max=254, message=_l("This e-mail is too long."))]


class LoginForm(FlaskForm):
    """E-mail and password."""

    email = StringField(_l("E-mail"), validators=EMAIL)
    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Enter your password."))])
    remember = BooleanField(_l("Keep me logged in"))


class RegisterForm(FlaskForm):
    """What an account needs."""

    name = StringField(
        _l("Name"),
        validators=[InputRequired(_l("Enter your name.")), Length(max=200, message=_l("This name is too long."))],
    )
    email = StringField(_l("E-mail"), validators=EMAIL)
    password = PasswordField(
        _l("Password"),
        validators=[
            InputRequired(_l("Enter a password.")),
            Length(max=LONGEST, message=_l("Use at most 1024 characters.")),
        ],
    )


class PlainForm(FlaskForm):
    """A form that only carries its token."""
