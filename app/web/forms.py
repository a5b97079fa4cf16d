"""What every form of a page is built on."""

from datetime import timedelta
from typing import Any

from flask import g, request
from flask_wtf import FlaskForm
from wtforms import Field
from wtforms.validators import InputRequired, Length

from app.errors import FormOfAnother, InvalidFields, InvalidInput
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.people.passwords import LONGEST_TYPED
from app.services.sessions.owners import is_marked_for
from app.web.drafts import draft_of_this_page, sent_form
from app.web.sessions import current_session

JUST_SHOWN = timedelta(minutes=30)
ADDRESS = [InputRequired(_l("Enter your e-mail.")), Length(max=254, message=_l("This e-mail is too long."))]
NEW_PASSWORD = [
    InputRequired(_l("Enter a password.")),
    Length(max=LONGEST_TYPED, message=_l("Use at most 1024 characters.")),
]
CODE = [InputRequired(_l("Enter the code from the mail.")), Length(max=64, message=_l("Enter the 6 digits."))]
"""Shapes of what is typed in several places; the services judge it."""


class Form(FlaskForm):
    """A form as browsers send it. JSON in its place is an empty one: Flask-WTF would take values of any kind.

    What was typed before and could not be carried out stands in it again (``is_draft``). A form that ``is_personal``
    acts for who is logged in; one that was shown to somebody else raises :class:`FormOfAnother` when it is validated.
    """

    is_personal = True
    is_draft = False
    has_no_cookies = False
    """The browser sent none back with a form it was shown just now."""

    class Meta(FlaskForm.Meta):
        """How what was sent is read."""

        def wrap_formdata(self, form: "Form", formdata: Any) -> Any:
            """The fields of the request, else those of a draft, unless others are given."""
            found = super().wrap_formdata(form, request.form if request.is_json else formdata)
            if found is None and form.is_typed:
                found = draft_of_this_page()
                form.is_draft = found is not None
            return found

        def render_field(self, field: Any, render_kw: dict[str, Any]) -> Any:
            """Without a length at which browsers cut off what is pasted and say nothing: the validators say it."""
            return super().render_field(field, {"maxlength": False, **render_kw})

    def __init__(self, *arguments: Any, **values: Any) -> None:
        super().__init__(*arguments, **values)
        if self.is_submitted() and self.is_typed:
            g.typed_form = True

    @property
    def is_typed(self) -> bool:
        """Whether it has fields besides the token that protects it."""
        return any(name != "csrf_token" for name, _unbound in self._unbound_fields or ())

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether it can be carried out; ``errors`` say why not. Raises :class:`FormOfAnother`."""
        is_good = bool(super().validate(extra_validators))
        if "csrf_token" in self and self.csrf_token.errors:
            self._explain()
        return is_good

    def _explain(self) -> None:
        """Find out why the token does not fit: the form is another person's, or the browser keeps no cookies."""
        if (sent := sent_form()) is None:
            return
        session = current_session()
        if self.is_personal and session and sent.mark and not is_marked_for(sent.mark, session.user_id):
            raise FormOfAnother
        self.has_no_cookies = not request.cookies and sent.age < JUST_SHOWN


class OpenForm(Form):
    """A form of one button that means whoever is named on its page, or nobody: logging out, the language."""

    is_personal = False


def put_beside(form: Form, refusal: InvalidInput, fallback: str, **named: str) -> None:
    """Say what a service refused beside the fields it is about; ``named`` are those the form calls otherwise."""
    problems = refusal.problems if isinstance(refusal, InvalidFields) else {refusal.field: refusal.message}
    for name, message in problems.items():
        own = named.get(name, name)
        field: Field = form[own] if own in form else form[fallback]
        field.errors = [*field.errors, _(message)]
