"""People, found by what is known of them."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from flask import redirect, request, url_for
from flask_login import current_user

from app.admin.lists import PAGE, YES_NO, Filters, counted
from app.admin.pages import Answer, PlainForm, asked, desk, show
from app.errors import InvalidInput
from app.languages import gettext as _
from app.services.batches.batches import MOST_PEOPLE
from app.services.foundation.environment import Caller
from app.services.foundation.powers import USERS
from app.services.oversight.directory import Sort, Wanted
from app.web.providers import provider_title
from app.web.security import caller
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


@bp.route("", methods=["GET", "POST"])
def people() -> Answer:
    """People as they are sorted, of whom all that the address asks for holds; choose some of them, or all."""
    form = PlainForm()
    if not form.is_submitted():
        return _page(form)
    if not form.validate():
        return _page(form), 400
    acting = people_desk.acting()
    try:
        chosen = _all_that_fit() if "all" in request.form else _chosen(request.form.getlist("person"))
        task = services.batches.choose(chosen, acting)
    except InvalidInput as refusal:
        form.form_errors.append(_(refusal.message))
        return _page(form), 400
    return redirect(url_for("admin_people.task", task_id=task), 303)


def _chosen(values: list[str]) -> list[str]:
    """The ids among them, in the form ids are kept in."""
    found = []
    for value in values:
        with suppress(ValueError):
            found.append(str(UUID(value)))
    return found


def _all_that_fit() -> list[str]:
    """Everybody the address asks for; one more than may be chosen says that they are too many."""
    page = services.directory.page(wanted_by(asked_filters()), limit=MOST_PEOPLE + 1)
    return [each.id for each in page.items]


def _page(form: PlainForm) -> str:
    filters = asked_filters()
    wanted = wanted_by(filters)
    sort = Sort(filters["sort"] or Sort.NEWEST)
    page = services.directory.page(wanted, limit=PAGE, after=asked("after"), sort=sort)
    return show(
        "people/listing",
        form,
        most=MOST_PEOPLE,
        tasks=sum(each.is_under_way for each in services.batches.all(looking())),
        page=page,
        filters=filters,
        is_filtered=any(value for name, value in filters.items() if name != "sort"),
        is_more_open=any(filters[name] for name in MORE),
        count=counted(page, lambda: services.directory.count(wanted)),
        plans=[each.name for each in services.plans.all()],
        providers=[(name, provider_title(name)) for name in sorted(services.identities.providers)],
        groups=services.rights.group_names(MOST_NAMES),
        roles=services.rights.role_names(MOST_NAMES),
    )


def looking() -> Caller:
    """Whoever is here, for what is only looked at in this request."""
    return replace(caller(), actor=current_user.id, powers=current_user.powers)


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
