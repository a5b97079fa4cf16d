"""Applications, found by what is registered about them."""

from datetime import timedelta

from flask import current_app

from app.admin.clients.words import CONSENTS, GRANTS
from app.admin.lists import PAGE, YES_NO, Filters, counted
from app.admin.pages import asked, desk, show
from app.languages import current_language
from app.services.foundation.powers import CLIENTS
from app.services.oversight.applications import WantedClients
from app.web.presentation import application
from app.wiring import services

clients_desk = desk("admin_clients", "/clients", CLIENTS)
bp = clients_desk.bp
WIZARD = "admin_new_client.kind"
ENDING = {"7": timedelta(days=7), "30": timedelta(days=30), "90": timedelta(days=90)}
"""How soon a secret ends, in days."""
MORE = ("consent", "scope", "grant", "ending")
"""Filters that lie folded until one of them is in use."""


@bp.get("")
def clients() -> str:
    """Applications, the newest first, of which all that the address asks for holds."""
    filters = Filters(
        q=None,
        active=YES_NO,
        development=YES_NO,
        server=YES_NO,
        consent=CONSENTS,
        scope=None,
        grant=GRANTS,
        ending=ENDING,
    )
    wanted = WantedClients(
        search=filters["q"],
        is_active=filters.said("active"),
        in_development=filters.said("development"),
        is_confidential=filters.said("server"),
        consent_policy=filters["consent"],
        scope=filters["scope"],
        grant_type=filters["grant"],
        secret_ends_within=ENDING.get(filters["ending"] or ""),
    )
    page = services.applications.page(wanted, limit=PAGE, after=asked("after"))
    names = services.scopes.names(services=True)
    return show(
        "clients/listing",
        page=page,
        rows=[(each, application(each)) for each in page.items],
        filters=filters,
        is_more_open=any(filters[name] for name in MORE),
        count=counted(page, lambda: services.applications.count(wanted)),
        consents=CONSENTS,
        grants=GRANTS,
        scopes=[
            (each.name, f"{each.sentence} ({each.name})")
            for each in services.scopes.sentences(names, current_language())
        ],
        wizard=WIZARD if WIZARD in current_app.view_functions else None,
    )
