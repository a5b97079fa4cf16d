"""People, found by what is known of them."""

from collections.abc import Mapping
from datetime import timedelta

from app.admin.lists import PAGE, YES_NO, Filters
from app.admin.pages import asked, desk, show
from app.services.foundation.powers import USERS
from app.services.oversight.directory import Sort, Wanted
from app.web.providers import provider_title
from app.wiring import services

people_desk = desk("admin_people", "/people", USERS)
bp = people_desk.bp
DAYS = ("1", "7", "30", "90")
NEVER, LONG_AGO = "never", "long-ago"
AWAY = timedelta(days=90)
MOST_NAMES = 200
"""So many groups and roles can be chosen from; others are asked for by the address."""
MORE = ("admin", "leaving", "provider", "group", "role", "joined", "login")
"""Filters that lie folded until one of them is in use."""


@bp.get("")
def people() -> str:
    """People as they are sorted, of whom all that the address asks for holds."""
    filters = asked_filters()
    wanted = wanted_by(filters)
    sort = Sort(filters["sort"] or Sort.NEWEST)
    page = services.directory.page(wanted, limit=PAGE, after=asked("after"), sort=sort)
    return show(
        "people/listing",
        page=page,
        filters=filters,
        is_filtered=any(value for name, value in filters.items() if name != "sort"),
        is_more_open=any(filters[name] for name in MORE),
        count=services.directory.count(wanted),
        plans=[each.name for each in services.plans.all()],
        providers=[(name, provider_title(name)) for name in sorted(services.identities.providers)],
        groups=services.rights.group_names(MOST_NAMES),
        roles=services.rights.role_names(MOST_NAMES),
    )


def asked_filters() -> Filters:
    """What the address asks for, of what this list knows."""
    return Filters(
        q=None,
        active=YES_NO,
        verified=YES_NO,
        plan=None,
        admin=YES_NO,
        leaving=YES_NO,
        provider=None,
        group=None,
        role=None,
        joined=DAYS,
        login=(*DAYS, LONG_AGO, NEVER),
        sort=tuple(Sort),
    )


def wanted_by(filters: Mapping[str, str | None]) -> Wanted:
    """The people that filters by these names and values ask for."""
    said = {name: YES_NO.get(value or "") for name, value in filters.items()}
    now = services.clock()
    joined, login = filters.get("joined"), filters.get("login")
    return Wanted(
        search=filters.get("q"),
        is_active=said.get("active"),
        is_verified=said.get("verified"),
        is_admin=said.get("admin"),
        is_leaving=said.get("leaving"),
        effective_plan=filters.get("plan"),
        provider=filters.get("provider"),
        group=filters.get("group"),
        role=filters.get("role"),
        created_since=now - timedelta(days=int(joined)) if joined in DAYS else None,
        login_since=now - timedelta(days=int(login)) if login in DAYS else None,
        login_until=now - AWAY if login == LONG_AGO else None,
        has_logged_in=False if login == NEVER else None,
    )
