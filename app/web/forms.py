"""What every form of a page is built on."""

from typing import Any

from flask import request
from flask_wtf import FlaskForm


class Form(FlaskForm):
    """A form as browsers send it. JSON in its place is an empty one: Flask-WTF would take values of any kind."""

    class Meta(FlaskForm.Meta):
        """How what was sent is read."""

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """The fields of the request, unless others are given."""
            return super().wrap_formdata(form, request.form if request.is_json else formdata)

        def render_field(self, field: Any, render_kw: dict[str, Any]) -> Any:
            """Without a length at which browsers cut off what is pasted and say nothing: the validators say it."""
            return super().render_field(field, {"maxlength": False, **render_kw})
