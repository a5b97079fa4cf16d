"""Filters of the audit log that an administrator keeps: a name for what the address of the list asks.

They are bookmarks, nobody else's, and stand as links above the list. One that is removed can be kept again: what it
was goes along in the address.
"""

from typing import Any

from flask_login import current_user
from wtforms import StringField

from app.admin.pages import Answer, PlainForm, asked, done, show
from app.admin.record.audit import audit_desk, bp, links
from app.admin.record.audit import page as list_page
from app.admin.record.wanted import wanted_records
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.record.saved import ASKS_NOTHING, MOST
from app.web.forms import Form, put_beside
from app.wiring import services

SAVED = sentence("The filter is saved. It stands above the log from now on, for you alone.")
REMOVED = sentence("The filter is removed.")


class SaveForm(Form):
    """What a filter is called."""

    name = StringField(_l("Name of the filter"))


@bp.get("/saved")
def saved() -> Answer:
    """All of them; the way back for the one that was removed just now."""
    return _page(PlainForm())


@bp.route("/saved/new", methods=["GET", "POST"])
def save() -> Answer:
    """Keep what the address asks."""
    wanted, form = wanted_records(), SaveForm()
    if not wanted.understood():
        return list_page(wanted), 400
    if not wanted.filters.are_any:
        wanted.problems[""] = _(ASKS_NOTHING)
        return list_page(wanted), 400
    if not form.is_submitted() and (name := asked("name")):
        form.name.data, form.is_draft = name, False
    if form.validate_on_submit():
        try:
            kept = services.saved_filters.save(form.name.data or "", wanted.kept(), audit_desk.acting())
            return done(SAVED, "admin_audit.audit", **kept.asks)
        except InvalidInput as refusal:
            put_beside(form, refusal, "name")
    shown = show("record/save", form, filters=wanted.filters, told=wanted.records.told())
    return shown, 400 if form.is_submitted() else 200


@bp.post("/saved/<uuid:filter_id>/remove")
def remove(filter_id: Any) -> Answer:
    """Keep one no longer."""
    form = PlainForm()
    if not form.validate():
        return _page(form), 400
    was = services.saved_filters.remove(str(filter_id), audit_desk.acting())
    return done(REMOVED, "admin_audit.saved", removed=was.name, **was.asks)


def _page(form: PlainForm) -> str:
    wanted = wanted_records()
    kept = links(services.saved_filters.all(current_user.id), wanted)
    return show("record/saved", form, saved=kept, most=MOST, removed=asked("removed"), filters=wanted.filters)
