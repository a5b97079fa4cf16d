"""The self-check: begin it, see how far it is, read what it found and what the runs before found."""

from typing import Any

from flask import make_response
from flask_login import current_user, fresh_login_required
from werkzeug import Response
from wtforms import RadioField

from app.admin.pages import Answer, PlainForm, desk, done, show
from app.admin.system import running
from app.errors import InvalidInput, sentence
from app.languages import current_language
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.selfcheck.findings import Outcome
from app.selfcheck.reports import changes, read
from app.services.foundation.powers import SYSTEM, USERS
from app.services.upkeep.selfchecks import LATE, LEFT, MOST_KEPT, STOPPED, SeenReport
from app.web.forms import Form
from app.wiring import services

selfcheck_desk = desk("admin_selfcheck", "/self-check", SYSTEM)
bp = selfcheck_desk.bp
REFRESH_SECONDS = "4"
PUBLIC, OWN, INSIDE = "public", "own", "inside"
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
BEGUN = sentence("The self-check runs. This page shows how far it is.")
READ = sentence("What can be read from inside was looked at.")
STOPS = sentence("The self-check stops after what it tries just now.")
PROBLEMS = {
    STOPPED: sentence("This run was stopped."),
    LEFT: sentence("This run ended with the process it ran in."),
    LATE: sentence("This run took too long and was ended."),
}
WORDS = {
    PUBLIC: sentence("Everything, by the address people use: %(address)s"),
    OWN: sentence("Everything, without what stands in front: %(address)s"),
    INSIDE: sentence("Only what is read from the settings and the database"),
}
ORDER = (Outcome.FAILED, Outcome.WARNED, Outcome.NOT_TESTED, Outcome.PASSED)


class WayForm(Form):
    """What is tried, and by which address."""

    way = RadioField(_l("What is tried"), default=PUBLIC)


@bp.get("")
def selfcheck() -> Answer:
    """The run under way, the last report, and those before."""
    return _page(PlainForm())


@bp.get("/<uuid:report_id>")
def report(report_id: Any) -> str:
    """What one run found."""
    return show("system/selfcheck_report", **_told(services.selfchecks.report(str(report_id))))


@bp.route("/new", methods=["GET", "POST"])
@fresh_login_required
def new() -> Answer:
    """What a run does, and beginning one."""
    form = WayForm()
    addresses = _addresses()
    form.way.choices = [(way, _(WORDS[way], address=address)) for way, address in addresses.items()]
    if not form.is_submitted():
        return show("system/selfcheck_new", form)
    if not form.validate():
        return show("system/selfcheck_new", form), 400
    address = addresses[form.way.data]
    try:
        running.begin(address, selfcheck_desk.acting())
    except InvalidInput as refusal:
        form.form_errors.append(_(refusal.message))
        return show("system/selfcheck_new", form), 400
    return done(BEGUN if address else READ, "admin_selfcheck.selfcheck")


@bp.post("/stop")
def stop() -> Answer:
    """End the run under way."""
    form = PlainForm()
    if not form.validate_on_submit():
        return _page(form, 400)
    services.selfchecks.stop(selfcheck_desk.acting())
    return done(STOPS, "admin_selfcheck.selfcheck")


def _page(form: PlainForm, status: int = 200) -> Response:
    now, history = services.selfchecks.running(), services.selfchecks.history()
    told = _told(history[0]) if history else {}
    page = show("system/selfcheck", form, now=now, history=history, most=MOST_KEPT, problems=PROBLEMS, **told)
    response = make_response(page, status)
    if now:
        response.headers["Refresh"] = REFRESH_SECONDS
    return response


def _told(report: SeenReport) -> dict[str, Any]:
    """What the page of a report shows."""
    found, before = read(report.found), services.selfchecks.before(report)
    return {
        "report": report,
        "problem": PROBLEMS.get(report.problem),
        "groups": [(outcome.value, [each for each in found if each.outcome is outcome]) for outcome in ORDER],
        "before": before,
        "changes": changes(found, before.found) if before else [],
        "sees_people": current_user.powers.cover(USERS),
        "language": current_language(),
    }


def _addresses() -> dict[str, str]:
    """By way, the address that is asked, of those that the settings name; empty for none."""
    server = services.settings.server
    host = ANYWHERE.get(server.host, server.host)
    found = {PUBLIC: services.settings.issuer}
    if not host.startswith("unix:"):
        own = f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"
        found[OWN] = own
    return {**found, INSIDE: ""}
