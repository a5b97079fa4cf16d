"""The forms of people who come in by a provider; shape checks only."""

from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.languages import lazy_gettext as _l
from app.web.forms import Form

EMAIL = [InputRequired(_l("Enter your e-mail.")), Length(max=254, message=_l("This e-mail is too long."))]


class NameForm(Form):
    """What a new account is called."""

    is_personal = False

    name = StringField(_l("Name"), validators=[InputRequired(_l("Enter your name."))])


class AccountForm(NameForm):
    """The same, where no mail leaves that could prove an address."""

    email = StringField(_l("E-mail"), validators=EMAIL)


class AddressForm(Form):
    """An address to prove."""

    is_personal = False

    email = StringField(_l("E-mail"), validators=EMAIL)


class CodeForm(Form):
    """The code that was mailed there."""

    is_personal = False

    code = StringField(
        _l("Code from the mail"),
        validators=[
            InputRequired(_l("Enter the code from the mail.")),
            Length(max=64, message=_l("Enter the 6 digits.")),
        ],
    )


class ProofForm(Form):
    """The password of the account that is there."""

    is_personal = False

    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Enter your password."))])
