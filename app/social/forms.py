"""The forms of people who come in by a provider; shape checks only."""

from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from app.languages import lazy_gettext as _l
from app.web.forms import ADDRESS, CODE, Form


class NameForm(Form):
    """What a new account is called."""

    is_personal = False

    name = StringField(_l("Name"), validators=[InputRequired(_l("Enter your name."))])


class AccountForm(NameForm):
    """The same, where no mail leaves that could prove an address."""

    email = StringField(_l("E-mail"), validators=ADDRESS)


class AddressForm(Form):
    """An address to prove."""

    is_personal = False

    email = StringField(_l("E-mail"), validators=ADDRESS)


class CodeForm(Form):
    """The code that was mailed there."""

    is_personal = False

    code = StringField(_l("Code from the mail"), validators=CODE)


class ProofForm(Form):
    """The password of the account that is there."""

    is_personal = False

    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Enter your password."))])
