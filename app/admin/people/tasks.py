"""What is done to many people: seen before, begun by a word, watched while it goes on by itself, told of afterwards.

A page of what is under way asks for itself again every few seconds, by a header, so it needs no script.
"""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

from flask import make_response, redirect, url_for
from flask_login import fresh_login_required
from werkzeug import Response

from app.admin.pages import Answer, PlainForm, asked, done, show
from app.admin.people.listing import MOST_NAMES, bp, looking, people_desk
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.services.batches.deeds import Deed, Wish
from app.services.batches.states import Batch, BatchLine, Foresight, Kind, State
from app.wiring import services

REFRESH_SECONDS = 3
SHOWN = 200
"""So many lines are on the page; the file has all of them."""
STOPPED = sentence("It is stopped. What was done until then stays.")
DEEDS: dict[str, str] = {
    Deed.DISABLE: sentence("Disable the accounts"),
    Deed.ENABLE: sentence("Enable the accounts"),
    Deed.LOG_OUT: sentence("Log out everywhere"),
    Deed.RESET: sentence("Mail links for new passwords"),
    Deed.VERIFY: sentence("Count the addresses as verified"),
    Deed.PLAN: sentence("Change the plan"),
    Deed.PLACE: sentence("Add to a group"),
}
RESULTS = {
    "done": sentence("Done"),
    "skipped": sentence("Skipped"),
    "created": sentence("New accounts"),
    "updated": sentence("Changed accounts"),
    "unchanged": sentence("As before"),
    "refused": sentence("Refused"),
    "": sentence("Waits"),
}
STATES = {
    State.REHEARSING: sentence("Is being checked"),
    State.READY: sentence("Waits for your word"),
    State.RUNNING: sentence("Under way"),
    State.DONE: sentence("Done"),
    State.STOPPED: sentence("Stopped"),
}


@bp.get("/tasks")
def tasks() -> str:
    """What whoever is here had done to many, of the last week."""
    return show("people/tasks", tasks=services.batches.all(looking()), deeds=DEEDS, states=STATES)


@bp.route("/tasks/<uuid:task_id>", methods=["GET", "POST"])
def task(task_id: Any) -> Answer:
    """A task in whatever state it is; what the address wishes for is begun."""
    form, own_id = PlainForm(), str(task_id)
    batch, foresight = services.batches.one(own_id, looking()), None
    try:
        wish = _wish()
        if form.is_submitted() and form.validate():
            return _begin(own_id, wish)
        if batch.kind is Kind.SELECTION and batch.state is State.READY and wish:
            foresight = services.batches.foresee(own_id, wish, looking())
    except InvalidInput as refusal:
        form.form_errors.append(_(refusal.message))
    page = make_response(_page(form, batch, foresight), 400 if form.errors else 200)
    if batch.is_under_way:
        page.headers["Refresh"] = str(REFRESH_SECONDS)
    return page


@fresh_login_required
def _begin(own_id: str, wish: Wish | None) -> Answer:
    """Have it done; for whoever has proved who they are a short while ago, since it concerns many."""
    services.batches.start(own_id, people_desk.acting(), wish)
    return redirect(url_for("admin_people.task", task_id=own_id), 303)


@bp.post("/tasks/<uuid:task_id>/stop")
def stop_task(task_id: Any) -> Answer:
    """Go no further; a file that was sent is removed."""
    form, own_id = PlainForm(), str(task_id)
    if not form.validate_on_submit():
        return _page(form, services.batches.one(own_id, looking()), None), 400
    services.batches.give_up(own_id, people_desk.acting())
    return done(STOPPED, "admin_people.task", task_id=own_id)


@bp.get("/tasks/<uuid:task_id>/report.csv")
def report(task_id: Any) -> Response:
    """What became of each, for a spreadsheet."""
    own_id = str(task_id)
    batch, lines = services.batches.one(own_id, looking()), services.batches.lines(own_id, looking())
    page = make_response("\ufeff" + "".join(_rows(batch, lines)))
    page.headers["Content-Type"] = "text/csv; charset=utf-8"
    page.headers["Content-Disposition"] = f'attachment; filename="report-{own_id}.csv"'
    page.headers["Cache-Control"] = "no-store"
    return page


def told(reason: Any) -> str:
    """A reason as people read it: the column of a file that it is about, and what is wrong."""
    said = reason["sentence"]
    text = _(said, **reason.get("facts", {}))
    return f"{reason['column']}: {text}" if reason.get("column") else text


def _rows(batch: Batch, lines: list[BatchLine]) -> Iterator[str]:
    of_people = batch.kind is Kind.SELECTION
    yield _row("e-mail" if of_people else "row", "result", "reasons")
    for line in lines:
        who = line.email if of_people else str(line.number)
        yield _row(who, line.result or "waiting", " / ".join(map(told, line.reasons)))


def _row(*cells: str) -> str:
    """A line of CSV; what a spreadsheet would take for a formula is text."""
    line = StringIO()
    safe = [f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in cells]
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(safe)
    return line.getvalue()


def _wish() -> Wish | None:
    """What the address wishes for; raises :class:`InvalidInput` for a group and a role that there are not."""
    named = asked("deed")
    if named not in set(Deed):
        return None
    group, role = asked("group"), asked("role")
    if named != Deed.PLACE or not group or not role:
        return Wish(Deed(named), plan=asked("plan") or "")
    return Wish(Deed.PLACE, group_id=services.groups.get(group).id, role_id=services.roles.get(role).id)


def _page(form: PlainForm, batch: Batch, foresight: Foresight | None) -> str:
    is_chosen = batch.kind is Kind.SELECTION
    lines = services.batches.lines(batch.id, looking(), limit=SHOWN + 1) if not batch.is_under_way else []
    return show(
        "people/task" if is_chosen else "people/import_task",
        form,
        task=batch,
        state=STATES[batch.state],
        foresight=foresight,
        deeds=DEEDS,
        done_deed=DEEDS.get(batch.wishes.get("deed", "")),
        results=RESULTS,
        chosen={name: asked(name) or "" for name in ("deed", "plan", "group", "role")},
        lines=[(each, [told(reason) for reason in each.reasons]) for each in lines[:SHOWN]],
        has_more=len(lines) > SHOWN,
        plans=[each.name for each in services.plans.all()] if is_chosen else [],
        groups=[each.name for each in services.rights.groups(limit=MOST_NAMES).items] if is_chosen else [],
        roles=[each.name for each in services.rights.roles(limit=MOST_NAMES).items] if is_chosen else [],
    )
