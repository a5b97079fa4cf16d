"""What happened with the account, told in sentences."""

from dataclasses import dataclass
from datetime import datetime

from flask import request
from flask_login import current_user, login_required

from app.account.pages import bp, device, show
from app.account.sentences import CHANGED, FAILED, REASONS, SENTENCES, UNNAMED
from app.languages import gettext as _
from app.services.people.activity import Occurrence
from app.services.record.audit import Event
from app.services.sessions.user_agents import device_name
from app.wiring import services

PAGE = 50


@dataclass(frozen=True, slots=True)
class Told:
    """An occurrence as the page shows it; ``by`` says who did it if it was not the person."""

    text: str
    detail: str
    at: datetime
    is_success: bool
    device: str
    place: str
    by: str


@bp.get("/activity")
@login_required
def activity() -> str:
    """The audit records about the person, the latest first."""
    after = request.args.get("after") or None
    page = services.activity.page(current_user.id, limit=PAGE, after=after)
    return show("activity", items=[_told(each) for each in page.items], next=page.next, is_first=after is None)


def _told(occurrence: Occurrence) -> Told:
    text = SENTENCES.get(occurrence.event, UNNAMED)
    if not occurrence.is_success:
        text = FAILED.get(occurrence.event, text)
    app = occurrence.client_name or occurrence.client_id or _("An application")
    return Told(
        _(text, app=app) if "%(app)s" in text else _(text),
        _detail(occurrence),
        occurrence.created_at,
        occurrence.is_success,
        device(device_name(occurrence.user_agent)) if occurrence.user_agent else "",
        occurrence.ip_address,
        _("the operator") if occurrence.actor == "operator" else "",
    )


def _detail(occurrence: Occurrence) -> str:
    """What else is worth saying: which fields were changed, why something ended."""
    if occurrence.event == Event.PROFILE_CHANGED:
        changed = str(occurrence.details.get("fields", "")).split()
        return ", ".join(_(CHANGED[name]) for name in changed if name in CHANGED)
    reason = REASONS.get(str(occurrence.details.get("reason", "")), "")
    return _(reason) if reason else ""
