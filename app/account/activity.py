"""What happened with the account, told in sentences, by day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from flask import request
from flask_login import current_user, login_required

from app.account.pages import Device, bp, device, show
from app.account.sentences import CHANGED, FAILED, KINDS, NONE_OF, REASONS, SENTENCES, UNNAMED
from app.account.signs import EVENTS, OTHER, REFUSED
from app.errors import sentence
from app.languages import gettext as _
from app.languages.times import local_day, today
from app.services.foundation.texts import shown
from app.services.people.activity import ADMINISTRATOR, OPERATOR, Kind, Occurrence
from app.services.record.audit import Event
from app.wiring import services

PAGE = 50
AT_ONCE = timedelta(seconds=5)
ACTORS = {OPERATOR: sentence("the operator"), ADMINISTRATOR: sentence("an administrator")}


@dataclass(frozen=True, slots=True)
class Told:
    """An occurrence as the page shows it; ``by`` says who did it if it was not the person, and then has no place."""

    id: str
    sign: str
    text: str
    detail: str
    at: datetime
    is_success: bool
    device: Device | None
    place: str | None
    by: str


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day, the latest first."""

    date: date
    is_today: bool
    items: list[Told]


@bp.get("/activity")
@login_required
def activity() -> str:
    """The audit records about the person, the latest first, all or those of a kind."""
    after = request.args.get("after") or None
    kind = _kind(request.args.get("kind", ""))
    page = services.activity.page(current_user.id, limit=PAGE, after=after, kind=kind)
    return show(
        "activity",
        days=_by_day(page.items),
        next=page.next,
        is_first=after is None,
        kind=kind,
        kinds=KINDS,
        nothing=NONE_OF[kind],
    )


def _kind(wanted: str) -> Kind | None:
    """The kind an address asks for; one that there is not shows all."""
    return Kind(wanted) if wanted in set(Kind) else None


def _by_day(occurrences: list[Occurrence]) -> list[Day]:
    now = today()
    days = groupby(_without_echoes(occurrences), key=lambda each: local_day(each.created_at))
    return [Day(day, day == now, [_told(each) for each in items]) for day, items in days]


def _without_echoes(occurrences: list[Occurrence]) -> Iterator[Occurrence]:
    """All but a login that the row beside it tells as one on a new device: for who made it, both are one event."""
    beside = [None, *occurrences, None]
    for before, each, after in zip(beside, occurrences, beside[2:], strict=False):
        if not any(other and _is_echo(each, other) for other in (before, after)):
            yield each


def _is_echo(login: Occurrence, news: Occurrence) -> bool:
    is_pair = (login.event, news.event) == (Event.LOGIN_SUCCEEDED, Event.DEVICE_ADDED)
    is_same = (login.user_agent, login.ip_address) == (news.user_agent, news.ip_address)
    return is_pair and is_same and abs(login.created_at - news.created_at) < AT_ONCE


def _told(occurrence: Occurrence) -> Told:
    text = SENTENCES.get(occurrence.event, UNNAMED)
    if not occurrence.is_success:
        text = FAILED.get(occurrence.event, text)
    app = shown(occurrence.client_name or "") or occurrence.client_id or _("An application")
    return Told(
        occurrence.id,
        EVENTS.get(occurrence.event, OTHER) if occurrence.is_success else REFUSED,
        _(text, app=app) if "%(app)s" in text else _(text),
        _detail(occurrence),
        occurrence.created_at,
        occurrence.is_success,
        device(occurrence.user_agent) if occurrence.user_agent else None,
        occurrence.ip_address if occurrence.actor == current_user.id else None,
        _(ACTORS[occurrence.actor]) if occurrence.actor in ACTORS else "",
    )


def _detail(occurrence: Occurrence) -> str:
    """What else is worth saying: which fields were changed, why something ended."""
    if occurrence.event == Event.PROFILE_CHANGED:
        changed = str(occurrence.details.get("fields", "")).split()
        return ", ".join(_(CHANGED[name]) for name in changed if name in CHANGED)
    if given := str(occurrence.details.get("act_reason", "")):
        return _("The reason they gave: %(reason)s", reason=given)
    reason = REASONS.get(str(occurrence.details.get("reason", "")), "")
    return _(reason) if reason else ""
