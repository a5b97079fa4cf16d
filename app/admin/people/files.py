"""People of another system, from a file: what it would do is said first. For administrators of everything."""

from flask import redirect, request, url_for
from flask_login import current_user, fresh_login_required
from flask_wtf.file import FileField
from werkzeug.exceptions import RequestEntityTooLarge
from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than the stubs

from app.admin.pages import Answer, show
from app.admin.people.listing import bp, people_desk
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.server.uploads import expect_file_of_people
from app.services.batches.batches import MOST_BYTES, TOO_LARGE
from app.services.imports.sheets import Form as FileForm
from app.web.forms import Form, put_beside
from app.wiring import services

NO_FILE = sentence("Choose a file.")


class FileOfPeopleForm(Form):
    """The file, how it is written, and what it may do."""

    file = FileField(_l("File"))
    written = RadioField(
        _l("How it is written"),
        choices=[
            SelectChoice(FileForm.CSV.value, _l("CSV, with the names of the columns in the first row")),
            SelectChoice(FileForm.JSONL.value, _l("JSON lines, one object a line")),
        ],
        default=FileForm.CSV.value,
    )
    updates = BooleanField(_l("Change name, plan and groups of those who are there already"))
    allows_admins = BooleanField(_l("The file may make administrators"))


def take_a_file() -> None:
    """Let the form hold its file."""
    if request.endpoint == "admin_people.import_file":
        expect_file_of_people()


# First of all: what was typed is kept for who has to log in again, and so the form is read.
bp.before_request_funcs[None].insert(0, take_a_file)


@bp.route("/import", methods=["GET", "POST"])
@fresh_login_required
def import_file() -> Answer:
    """Send a file; what it would do is said on the page that follows."""
    current_user.powers.require()
    try:
        form = FileOfPeopleForm()
    except RequestEntityTooLarge:
        form = FileOfPeopleForm(formdata=None)
        form.file.errors = [_(TOO_LARGE)]
        return _page(form), 413
    if not form.is_submitted():
        return _page(form)
    if not form.validate():
        return _page(form), 400
    content = form.file.data.read() if form.file.data else b""
    try:
        if not content:
            raise InvalidInput(NO_FILE, "file")
        task = services.batches.read(
            content,
            FileForm(form.written.data),
            people_desk.acting(),
            updates=form.updates.data,
            allows_admins=form.allows_admins.data,
        )
    except InvalidInput as refusal:
        put_beside(form, refusal, "file")
        return _page(form), 400
    return redirect(url_for("admin_people.task", task_id=task), 303)


def _page(form: FileOfPeopleForm) -> str:
    return show("people/import", form, most=MOST_BYTES // 2**20, most_bytes=MOST_BYTES, too_large=TOO_LARGE)
