"""What happened with somebody's account, the latest first, refusals too; what they may do, and why."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from app.admin.pages import asked, show
from app.admin.people.access import device, is_within_reach
from app.admin.people.listing import bp
from app.admin.people.sentences import ACTORS, FAILED, KINDS, REASONS, SENTENCES, UNNAMED
from app.languages import current_language
from app.languages import gettext as _
from app.languages.times import local_day, today
from app.services.foundation.texts import shown
from app.services.people.activity import EVENTS, Kind, Occurrence
from app.services.tenancy.world import Place
from app.wiring import services

PAGE = 50
SIGNS = {Kind.LOGINS: "box-arrow-in-right", Kind.CHANGES: "pencil", Kind.APPLICATIONS: "grid"}
OTHER, REFUSED = "clock-history", "shield-exclamation"


@dataclass(frozen=True, slots=True)
class Told:
    """An occurrence as the page shows it; ``by`` says who did it if it was not the person, and then has no place."""

    occurrence: Occurrence
    sign: str
    text: str
    detail: str
    device: str
    by: str


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day, the latest first."""

    date: date
    is_today: bool
    items: list[Told]


@dataclass(frozen=True, slots=True)
class Right:
    """A permission, what it allows, the places that carry it, and whether one of them is the primary one."""

    name: str
    sentence: str
    places: list[Place]
    counts: bool


@bp.get("/<uuid:user_id>/activity")
def activity(user_id: Any) -> str:
    """The records about somebody, all or those of a kind."""
    who, after, named = str(user_id), asked("after"), asked("kind")
    entry = services.directory.one(who).entry
    kind = Kind(named) if named in set(Kind) else None
    page = services.activity.page(who, limit=PAGE, after=after, kind=kind)
    return show(
        "people/activity",
        person=entry,
        days=_by_day(page.items),
        next=page.next,
        is_first=after is None,
        kind=kind,
        kinds=KINDS,
    )


@bp.get("/<uuid:user_id>/permissions")
def permissions(user_id: Any) -> str:
    """What somebody may do, by which role in which group; and what other roles would permit that do not count."""
    who = str(user_id)
    entry, places = services.directory.one(who).entry, services.standing.places(who)
    found = _rights(places)
    return show(
        "people/permissions",
        person=entry,
        places=places,
        permitted=[each for each in found if each.counts],
        others=[each for each in found if not each.counts],
        is_within_reach=is_within_reach(who),
    )


def _rights(places: tuple[Place, ...]) -> list[Right]:
    is_korean = current_language() == "ko"
    said = {each.name: each.sentence_ko if is_korean else each.sentence_en for each in services.permissions.all()}
    found: dict[str, list[Place]] = {}
    for place in places:
        for name in place.role.permissions:
            found.setdefault(name, []).append(place)
    return [
        Right(name, said.get(name, ""), carrying, any(each.is_primary for each in carrying))
        for name, carrying in sorted(found.items())
    ]


def _by_day(occurrences: list[Occurrence]) -> list[Day]:
    now = today()
    days = groupby(occurrences, key=lambda each: local_day(each.created_at))
    return [Day(day, day == now, [_told(each) for each in items]) for day, items in days]


def _told(each: Occurrence) -> Told:
    text = SENTENCES.get(each.event, UNNAMED)
    sign = next((SIGNS[kind] for kind, events in EVENTS.items() if each.event in events), OTHER)
    if not each.is_success:
        text, sign = FAILED.get(each.event, text), REFUSED
    app = shown(each.client_name or "") or each.client_id or _("An application")
    return Told(
        each,
        sign,
        _(text, app=app) if "%(app)s" in text else _(text),
        _detail(each),
        device("", each.user_agent) if each.user_agent else "",
        _(ACTORS[each.actor]) if each.actor in ACTORS else "",
    )


def _detail(each: Occurrence) -> str:
    """What else is worth saying: what was changed, where, by which plan, why something ended."""
    if reason := REASONS.get(str(each.details.get("reason", ""))):
        return _(reason)
    told = [
        str(each.details[name]) for name in ("group", "role", "plan", "provider", "fields") if each.details.get(name)
    ]
    return " · ".join(told)
