"""The first page of the administration: what needs somebody, how the portal fares, and where to go."""

import platform
from collections import Counter

from flask_login import current_user

from app.admin.charts import Chart, Series, counted
from app.admin.pages import asked, desk, show
from app.admin.places import Area, areas_for
from app.database import schema
from app.errors import sentence
from app.languages.times import clock_text, short_day_text
from app.services.foundation.powers import AUDIT, CLIENTS, KEYS, SYSTEM
from app.services.oversight.statistics_over_time import COUNTED_AT_ONCE, OverTime, Period
from app.web.protocol.refusals import explained
from app.wiring import services

SERVICE_API = "/api/admin/oauth/service"
home_desk = desk("admin_home", "")
bp = home_desk.bp
SPANS = {"day": "24h", "month": "30d"}
FEW = 10
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
LOGINS, FAILED = sentence("Logins"), sentence("Failed")
TOKENS, REFUSED = sentence("Tokens issued"), sentence("Refused requests")
SESSIONS = sentence("Open sessions")
CAUSES = {
    "wrong_credentials": sentence("Wrong e-mail or password"),
    "disabled": sentence("Disabled account"),
}
"""Why logins failed, by the error that was counted."""


@bp.get("")
def home() -> str:
    """What is there now, over a day or a month, and the ways to all of it."""
    powers, span = current_user.powers, asked("span")
    span = span if span in SPANS else "day"
    found = services.statistics_over_time.figures(most=COUNTED_AT_ONCE)
    periods = found.hours if span == "day" else found.days
    kinds = {"secret": powers.cover(CLIENTS), "key": powers.cover(KEYS)}
    return show(
        "home",
        people=services.statistics.users(),
        clients=services.statistics.clients(),
        found=found,
        span=span,
        charts=_charts(periods, span),
        failed=_failed(periods),
        refused=_refused(found, span) if powers.cover(CLIENTS, AUDIT, SYSTEM) else None,
        ending=[each for each in found.ending if kinds[each.kind]],
        queues=found.queues if powers.cover(SYSTEM) else None,
        failing=sum(each.count for each in found.queues if each.is_failing) if powers.cover(SYSTEM) else 0,
        checked=services.selfchecks.last_whole() if powers.cover(SYSTEM) else None,
        sees_system=powers.cover(SYSTEM),
        sees_clients=powers.cover(CLIENTS),
        sees_record=powers.cover(AUDIT),
        database=DATABASES.get(services.db.dialect.name, services.db.dialect.name),
        python=platform.python_version(),
        schema=schema.known()[0],
        ways=[place for area in areas_for(powers)[1:] for place in area.places],
    )


@bp.app_template_global("admin_areas")
def navigation() -> list[Area]:
    """Where the person who is here can go."""
    return areas_for(current_user.powers)


@bp.app_template_global("service_api")
def service_api() -> str:
    """Where the calls of the service API go that pages show."""
    return services.settings.issuer + SERVICE_API


def _charts(periods: list[Period], span: str) -> list[Chart]:
    labels = tuple(clock_text(each.begin) if span == "day" else short_day_text(each.begin.date()) for each in periods)

    def series(label: str, tone: str, name: str) -> Series:
        return Series(label, tone, counted([each.counts[name] for each in periods]))

    seen = tuple(each.open_sessions for each in periods)
    return [
        Chart("logins", LOGINS, labels, (series(LOGINS, "main", "logins"), series(FAILED, "danger", "failed_logins"))),
        Chart("tokens", TOKENS, labels, (series(TOKENS, "main", "tokens"),)),
        Chart("refused", REFUSED, labels, (series(REFUSED, "danger", "refusals"),)),
        Chart("sessions", SESSIONS, labels, (Series(SESSIONS, "main", seen),)),
    ]


def _failed(periods: list[Period]) -> list[tuple[str, str, int]]:
    causes: Counter[str] = Counter()
    for each in periods:
        causes.update(each.counts["failed_logins"])
    return [(name, CAUSES.get(name, name), count) for name, count in causes.most_common()]


def _refused(found: OverTime, span: str) -> list[tuple[object, str | None]]:
    return [(each, explained(each.cause)) for each in found.refused[SPANS[span]][:FEW]]
