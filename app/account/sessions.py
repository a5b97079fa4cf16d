"""Where one is logged in, and the end of it."""

from dataclasses import dataclass
from uuid import UUID

from flask import redirect, request, url_for
from flask_login import current_user, login_required

from app.account.pages import Answer, Device, PlainForm, bp, device, done, show
from app.errors import sentence
from app.services.sessions.sessions import OpenSession
from app.web.security import caller
from app.web.sessions import end_one as leave
from app.wiring import services

PAGE = 20
REASON = "ended_by_person"


@dataclass(frozen=True, slots=True)
class Listed:
    """A session, and the device it is on."""

    session: OpenSession
    device: Device


@bp.get("/sessions")
@login_required
def sessions() -> str:
    """The open sessions, the latest used first."""
    return _page(PlainForm())


@bp.post("/sessions/<uuid:session_id>/end")
@login_required
def end_one(session_id: UUID) -> Answer:
    """End one of one's own sessions; ending this one is logging out."""
    form = PlainForm()
    if not form.validate_on_submit():
        return _page(form), 400
    if str(session_id) == current_user.session.id:
        leave(current_user.session.id, "logout")
        return redirect(url_for("login.logged_out"), 303)
    services.sessions.end_own(current_user.id, str(session_id), REASON, caller())
    return done("account.sessions", sentence("That device is logged out. Applications on it lose their access now."))


@bp.post("/sessions/end-others")
@login_required
def end_others() -> Answer:
    """End every session but this one."""
    form = PlainForm()
    if not form.validate_on_submit():
        return _page(form), 400
    services.sign_outs.elsewhere(current_user.id, current_user.session.id, REASON, caller())
    return done("account.sessions", sentence("You are logged out everywhere else."))


def _page(form: PlainForm) -> str:
    after = request.args.get("after") or None
    here = current_user.session.id
    page = services.sessions.page(current_user.id, limit=PAGE, after=after, without=here)
    return show(
        "sessions",
        form,
        this=_shown(services.sessions.find_own(current_user.id, here)),
        others=[_shown(each) for each in page.items],
        total=page.total,
        next=page.next,
        is_first=after is None,
    )


def _shown(session: OpenSession | None) -> Listed | None:
    """A session as it is listed; None for one that was ended a moment ago."""
    return None if session is None else Listed(session, device(session.user_agent, session.device_name))
