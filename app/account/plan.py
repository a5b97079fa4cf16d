"""The plan and what is left of the month: what counts, until when, and what it went into."""

from dataclasses import dataclass
from datetime import datetime

from flask import request
from flask_login import current_user, login_required

from app.account.pages import bp, show
from app.errors import sentence
from app.languages import gettext as _
from app.languages import moment_text
from app.services.plans.effective import CANCELLED, FREE, Override
from app.services.plans.quotas import KEPT, QuotaState
from app.services.plans.standings import PlanOf
from app.wiring import services

PAGE = 50
NEARLY = 0.9
STATES = {CANCELLED: sentence("Cancelled")}


@dataclass(frozen=True, slots=True)
class Told:
    """The plan that counts as the page shows it; ``own`` is the person's where it is another one.

    ``state`` and the names of ``dates`` are English constants; both are of the person's own plan.
    """

    title: str
    own: str
    state: str
    sentences: list[str]
    dates: list[tuple[str, datetime]]


@bp.get("/plan")
@login_required
def plan() -> str:
    """The plan, the month under way, and what was used, the latest first."""
    after = request.args.get("after") or None
    user_id = current_user.id
    page, quota = services.uses.page(user_id, limit=PAGE, after=after), services.quotas.read(user_id)
    return show(
        "plan",
        plan=_told(user_id, quota),
        quota=quota,
        tone=_tone(quota),
        uses=page.items,
        next=page.next,
        is_first=after is None,
        days=KEPT.days,
        upgrade_url=services.settings.billing.upgrade_address(user_id),
    )


def _told(user_id: str, quota: QuotaState) -> Told:
    own, now = services.standings.of(user_id), services.clock()
    granted = services.overrides.in_force(user_id)
    is_over = not own.standing.is_in_force(now)
    sentences, is_granted = _sentences(own, granted, is_over), any(each.plan is not None for each in granted)
    title = services.plans.title
    if is_granted:
        return Told(title(quota.plan), "" if is_over else title(own.standing.plan), "", sentences, [])
    state = "" if is_over else STATES.get(own.standing.status, "")
    return Told(title(quota.plan), "", state, sentences, _dates(own, is_over))


def _sentences(own: PlanOf, granted: list[Override], is_over: bool) -> list[str]:
    """What is to know of the plan besides its name: that one's own is over, and what was granted."""
    found = [_ended(own)] if is_over and own.standing.plan != FREE else []
    plans = [each for each in granted if each.plan is not None][:1]
    limits = [each for each in granted if each.monthly_limit is not None][:1]
    for each in plans:
        given = services.plans.title(each.plan or "")
        found.append(
            _("%(plan)s was granted to you until %(moment)s.", plan=given, moment=moment_text(each.ends_at))
            if each.ends_at
            else _("%(plan)s was granted to you.", plan=given)
        )
    for each in limits:
        found.append(
            _("The monthly limit was set for you until %(moment)s.", moment=moment_text(each.ends_at))
            if each.ends_at
            else _("The monthly limit was set for you.")
        )
    return found


def _ended(own: PlanOf) -> str:
    title, ends_at = services.plans.title(own.standing.plan), own.standing.ends_at
    if ends_at is None or ends_at > services.clock():
        return _("%(plan)s has ended.", plan=title)
    return _("%(plan)s ended on %(moment)s.", plan=title, moment=moment_text(ends_at))


def _dates(own: PlanOf, is_over: bool) -> list[tuple[str, datetime]]:
    if is_over:
        return []
    standing = own.standing
    renews_at = own.renews_at if standing.status != CANCELLED else None
    dates = (
        (sentence("Since"), own.started_at),
        (sentence("Renews on"), renews_at),
        (sentence("Ends on"), None if renews_at else standing.ends_at),
    )
    return [(name, moment) for name, moment in dates if moment is not None]


def _tone(quota: QuotaState) -> str:
    """How near the limit is, as the style sheet calls it."""
    if quota.limit is None or quota.used < quota.limit * NEARLY:
        return ""
    return "none" if not quota.remaining else "low"
