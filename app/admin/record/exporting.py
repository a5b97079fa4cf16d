"""Records taken along as a file: a part at a time, so that no request has a million of them in hand.

A browser with scripts asks for the parts one after the other and makes one file of them; another gets the first one.
Each part is on record itself.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import make_response, request, url_for
from flask_login import fresh_login_required

from app.admin.pages import Answer, PlainForm, asked, show
from app.admin.record.audit import audit_desk, bp
from app.admin.record.audit import page as list_page
from app.admin.record.wanted import WantedRecords, wanted_records
from app.errors import InvalidInput
from app.languages import gettext as _
from app.services.record.canonical import moment
from app.services.record.forms import canonical, cell_of
from app.wiring import services

PART = 5000
"""Records of one part."""
FORMS = {"csv": "text/csv", "jsonl": "application/jsonl"}
COLUMNS = (
    *("sequence", "created_at", "action", "success", "error_code", "client_id", "user_id", "id"),
    *("actor", "ip", "user_agent", "details"),
)


@bp.route("/export", methods=["GET", "POST"])
@fresh_login_required
def export() -> Answer:
    """Say how many records that are, and give them."""
    wanted, form = wanted_records(), PlainForm()
    if not wanted.understood():
        return list_page(wanted), 400
    try:
        if not form.is_submitted():
            return _question(wanted, form)
        chosen = request.form.get("format", "")
        if not form.validate() or chosen not in FORMS:
            return _question(wanted, form), 400
        return _part(wanted, chosen, asked("after"))
    except InvalidInput as refusal:
        wanted.problems[""] = _(refusal.message)
        return list_page(wanted), 400


def _question(wanted: WantedRecords, form: PlainForm) -> str:
    count = services.records.count(wanted.records)
    return show("record/export", form, filters=wanted.filters, told=wanted.records.told(), count=count, part=PART)


def _part(wanted: WantedRecords, form: str, after: str | None) -> Answer:
    found = services.records.export(wanted.records, audit_desk.acting(), form, limit=PART, after=after)
    rows = [{name: _plain(row[name]) for name in COLUMNS} for row in found.items]
    response = make_response(_csv(rows, has_heading=after is None) if form == "csv" else _lines(rows))
    response.mimetype = FORMS[form]
    headers = response.headers
    headers["Content-Disposition"] = f'attachment; filename="max-audit-{services.clock().date().isoformat()}.{form}"'
    headers["X-Records"] = str(len(rows))
    if found.next:
        query: dict[str, Any] = {**wanted.filters, "after": found.next}
        headers["X-Next-Part"] = url_for("admin_audit.export", **query)
    return response


def _plain(value: object) -> Any:
    return moment(value) if isinstance(value, datetime) else value


def _lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(f"{canonical(row)}\n" for row in rows)


def _csv(rows: Sequence[Mapping[str, Any]], *, has_heading: bool) -> str:
    """As a spreadsheet reads it, which takes no cell for a formula."""
    file = io.StringIO()
    lines = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    if has_heading:
        lines.writerow(COLUMNS)
    lines.writerows([cell_of(row[name]) for name in COLUMNS] for row in rows)
    return file.getvalue()
