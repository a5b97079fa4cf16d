"""One's data: to read, to take along, and to have deleted."""

import json
from typing import Any

from flask import make_response, redirect, render_template, url_for
from flask_login import current_user, fresh_login_required, login_required
from werkzeug import Response

from app.account.forms import EmailForm
from app.account.pages import Answer, PlainForm, bp, done, show
from app.account.sentences import SECTIONS
from app.errors import InvalidInput, sentence
from app.web.cookies import clear_all
from app.web.forms import put_beside
from app.web.security import caller
from app.web.sessions import end_one
from app.wiring import services

SHOWN = 500


@bp.get("/data")
@login_required
def data() -> str:
    """What can be done with one's data."""
    return _page(PlainForm())


@bp.get("/data/export")
@fresh_login_required
def export() -> Answer:
    """Everything that is stored, as a page."""
    made = services.exports.make(current_user.id, caller())
    account = made["account"]
    for photo in made["photo"]:
        del photo["jpeg"]  # the address beside it shows it
    sections = [
        {"title": title, "rows": made[name][:SHOWN], "total": len(made[name])} for name, title in SECTIONS.items()
    ]
    return show("export", account=account, sections=sections, shown=SHOWN, exported_at=made["exported_at"])


@bp.get("/data/export.json")
@fresh_login_required
def export_file() -> Answer:
    """Everything that is stored, as one file."""
    made: dict[str, Any] = services.exports.make(current_user.id, caller())
    response = make_response(json.dumps(made, ensure_ascii=False, indent=2))
    response.mimetype = "application/json"
    day = services.clock().date().isoformat()
    response.headers["Content-Disposition"] = f'attachment; filename="max-account-{day}.json"'
    return response


@bp.route("/data/delete", methods=["GET", "POST"])
@fresh_login_required
def delete() -> Answer:
    """Ask for the end of the account by typing its address."""
    form = EmailForm()
    if not form.is_submitted():
        return _question(form)
    if not form.validate():
        return _question(form), 400
    try:
        is_gone = services.deletions.request(
            current_user.id, form.email.data or "", caller(), keep_session_id=current_user.session.id
        )
    except InvalidInput as refusal:
        put_beside(form, refusal, "email")
        return _question(form), 400
    return _gone() if is_gone else redirect(url_for("account.data"), 303)


@bp.post("/data/keep")
@login_required
def keep() -> Answer:
    """Keep the account after all."""
    form = PlainForm()
    if not form.validate_on_submit():
        return _page(form), 400
    services.deletions.cancel(current_user.id, caller())
    return done("account.data", sentence("Your account stays."))


@bp.get("/deleted")
def deleted() -> str:
    """The end."""
    return render_template("account/deleted.html")


def _gone() -> Response:
    end_one(current_user.session.id, "account_deleted")
    response = redirect(url_for("account.deleted"), 303)
    clear_all(response)
    return response


def _question(form: EmailForm) -> str:
    return show("delete", form, days=services.settings.accounts.deletion_days)


def _page(form: PlainForm) -> str:
    return show("data", form, days=services.settings.accounts.deletion_days)
