"""Sessions of everybody: where people are logged in or were; one, with what hangs on it, and its end."""

from typing import Any

from flask_login import current_user

from app.admin.lists import PAGE, Filters, person_id
from app.admin.pages import Answer, PlainForm, asked, desk, done, show
from app.admin.people.access import device, is_within_reach
from app.admin.people.sentences import REASONS
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.services.foundation.powers import USERS
from app.services.oversight.grants import State, WantedGrants, WantedSessions
from app.wiring import services

sessions_desk = desk("admin_sessions", "/sessions", USERS)
bp = sessions_desk.bp
ENDED = "ended_by_administrator"
FEW = 50
HAS_ENDED = sentence("The session has ended, with all tokens that hung on it.")
WAS_ENDED = sentence("The session was over before. Nothing was changed.")


@bp.get("")
def sessions() -> Answer:
    """Sessions of which all that the address asks for holds, those that would last longest first."""
    filters, problems = Filters(person=None, client=None, network=None, state=list(State)), {}
    page = None
    try:
        who = person_id(filters["person"]) if filters["person"] else None
    except InvalidInput as refusal:
        problems["person"] = _(refusal.message)
    else:
        wanted = WantedSessions(who, filters["client"], filters["network"], state_of(filters))
        try:
            page = services.grants.sessions(wanted, limit=PAGE, after=asked("after"))
        except InvalidInput as refusal:
            problems["network" if filters["network"] else ""] = _(refusal.message)
    found = page.items if page else []
    shown = show(
        "record/sessions",
        page=page,
        filters=filters,
        problems=problems,
        sessions=[(each, device(each.device_name, each.user_agent)) for each in found],
        names=services.directory.names({each.user_id for each in found}) if found else {},
    )
    return (shown, 400) if problems else shown


@bp.get("/<uuid:session_id>")
def session(session_id: Any) -> str:
    """One session."""
    return _page(str(session_id), PlainForm())


@bp.post("/<uuid:session_id>/end")
def end(session_id: Any) -> Answer:
    """End it, with all that hangs on it."""
    form, own_id = PlainForm(), str(session_id)
    if not form.validate_on_submit():
        return _page(own_id, form), 400
    who = services.grants.session(own_id).user_id
    has_ended = services.sessions.end(own_id, ENDED, sessions_desk.acting_on(who))
    return done(HAS_ENDED if has_ended else WAS_ENDED, "admin_sessions.session", session_id=own_id)


def state_of(filters: Filters) -> State | None:
    """The state that the address asks for."""
    return State(filters["state"]) if filters["state"] else None


def reason(code: str | None) -> str:
    """Why something is over, in words; what has none, as it is on record."""
    return _(REASONS[code]) if code in REASONS else code or ""


def _page(own_id: str, form: PlainForm) -> str:
    found = services.grants.session(own_id)
    wanted = WantedGrants(session_id=own_id)
    grants = services.grants.grants(wanted, limit=FEW)
    return show(
        "record/session",
        form,
        session=found,
        device=device(found.device_name, found.user_agent),
        person=services.directory.names({found.user_id}).get(found.user_id),
        reason=reason(found.end_reason),
        grants=grants.items,
        has_more=grants.next is not None,
        living=services.grants.count_grants(WantedGrants(session_id=own_id, state=State.ACTIVE)),
        is_within_reach=is_within_reach(found.user_id),
        is_own=own_id == current_user.session.id,
    )
