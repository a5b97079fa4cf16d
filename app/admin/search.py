"""What is found, of all that whoever searches may see, by one line of text: as a page, and as what a dialog shows."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from flask import render_template, url_for
from flask_login import current_user

from app.admin.pages import asked, desk, show
from app.admin.people.access import device
from app.admin.places import areas_for
from app.errors import NotFound, sentence
from app.languages import current_language
from app.languages import gettext as _
from app.services.foundation.powers import AUDIT, CLIENTS, KEYS, SYSTEM, USERS
from app.services.oversight.applications import WantedClients
from app.services.oversight.directory import Wanted
from app.settings.providers import KNOWN
from app.web.presentation import in_words
from app.web.providers import provider_title
from app.wiring import services

search_desk = desk("admin_search", "/search")
bp = search_desk.bp
FEW = 8
KID = re.compile(r"[A-Za-z0-9_-]{2,}")
"""The beginning of an id of a signing key."""
UUID_LENGTH = 36
REQUEST_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found, and where it is shown."""

    sign: str
    name: str
    about: str
    url: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one kind; ``more`` leads to the rest."""

    label: str
    hits: list[Hit]
    more: str | None = None


@bp.get("")
def search() -> str:
    """A page of all that was found."""
    query = asked("q")
    return show("search", query=query, found=list(_all(query)) if query else [])


@bp.get("/found")
def found() -> str:
    """The same without a page around it."""
    query = asked("q")
    return render_template("admin/found.html", query=query, found=list(_all(query)) if query else [])


def _all(query: str) -> Iterator[Found]:
    for find, parts in SOURCES:
        if (not parts or current_user.powers.cover(*parts)) and (found := find(query)).hits:
            yield found


def _places(query: str) -> Found:
    wanted = _folded(query)
    hits = [
        Hit(place.sign, _(place.label), _(area.label) if area.label else "", url_for(place.endpoint))
        for area in areas_for(current_user.powers)
        for place in area.places
        if wanted in _folded(_(place.label))
    ]
    return Found(sentence("Pages"), hits[:FEW])


def _people(query: str) -> Found:
    page = services.directory.page(Wanted(search=query), limit=FEW)
    hits = [
        Hit("person", each.full_name or each.username, each.email, url_for("admin_people.person", user_id=each.id))
        for each in page.items
    ]
    return Found(sentence("People"), hits, url_for("admin_people.people", q=query) if page.next else None)


def _clients(query: str) -> Found:
    page = services.applications.page(WantedClients(search=query), limit=FEW)
    hits = [
        Hit("grid", each.name, each.client_id, url_for("admin_clients.client", client_id=each.client_id))
        for each in page.items
    ]
    return Found(sentence("Applications"), hits, url_for("admin_clients.clients", q=query) if page.next else None)


def _groups(query: str) -> Found:
    page = services.rights.groups(search=query, limit=FEW)
    hits = [Hit("diagram-3", each.name, "", url_for("admin_groups.group", group_id=each.id)) for each in page.items]
    return Found(sentence("Groups"), hits, url_for("admin_groups.groups", q=query) if page.next else None)


def _roles(query: str) -> Found:
    hits = [
        Hit("shield-lock", each.name, "", url_for("admin_roles.role", role_id=each.id))
        for each in services.roles.all()
        if _speaks_of(query, each.name)
    ]
    return Found(sentence("Roles"), hits[:FEW], url_for("admin_roles.roles") if len(hits) > FEW else None)


def _permissions(query: str) -> Found:
    hits = [
        Hit("shield-lock", said, each.name, url_for("admin_roles.permission", name=each.name))
        for each in services.permissions.all()
        if _speaks_of(query, each.name, said := _said(each.sentence_en, each.sentence_ko))
    ]
    return Found(sentence("Permissions"), hits[:FEW], url_for("admin_roles.roles") if len(hits) > FEW else None)


def _scopes(query: str) -> Found:
    hits = [
        Hit("card-checklist", said, each.name, url_for("admin_scopes.scope", name=each.name))
        for each in services.scope_catalogue.all()
        if _speaks_of(query, each.name, said := _said(each.sentence_en, each.sentence_ko))
    ]
    return Found(sentence("Scopes"), hits[:FEW], url_for("admin_scopes.scopes", q=query) if len(hits) > FEW else None)


def _plans(query: str) -> Found:
    hits = [
        Hit("bar-chart", each.title, each.name, url_for("admin_plans.plan", name=each.name))
        for each in services.plans.all()
        if _speaks_of(query, each.name, each.title)
    ]
    return Found(sentence("Plans"), hits[:FEW])


def _providers(query: str) -> Found:
    hits = [
        Hit("person-badge", title, "", url_for("admin_providers.provider", name=name))
        for name in dict.fromkeys((*KNOWN, *services.settings.providers.names))
        if _speaks_of(query, name, title := in_words(provider_title(name)))
    ]
    more = url_for("admin_providers.providers") if len(hits) > FEW else None
    return Found(sentence("Identity providers"), hits[:FEW], more)


def _keys(query: str) -> Found:
    hits = [
        Hit("key", each.kid, each.algorithm, url_for("admin_keys.keys"))
        for each in (services.keys.describe() if KID.fullmatch(query) else ())
        if each.kid.startswith(query)
    ]
    return Found(sentence("Signing keys"), hits[:FEW], url_for("admin_keys.keys") if len(hits) > FEW else None)


def _settings(query: str) -> Found:
    hits = [
        Hit("sliders", row.variable, "", url_for("admin_settings.settings", q=row.variable))
        for row in services.settings.rows()
        if _speaks_of(query, row.variable)
    ]
    more = url_for("admin_settings.settings", q=query) if len(hits) > FEW else None
    return Found(sentence("Settings"), hits[:FEW], more)


def _said(english: str, korean: str) -> str:
    return korean if current_language() == "ko" else english


def _speaks_of(query: str, *texts: str) -> bool:
    return any(_folded(query) in _folded(each) for each in texts)


def _sessions(query: str) -> Found:
    """A session or a login in an application whose id was pasted."""
    hits = []
    if (own_id := _as_id(query)) is not None:
        with suppress(NotFound):
            session = services.grants.session(own_id)
            name = device(session.device_name, session.user_agent)
            hits.append(Hit("laptop", name, own_id, url_for("admin_sessions.session", session_id=own_id)))
        with suppress(NotFound):
            grant = services.grants.grant(own_id)
            hits.append(Hit("ticket", grant.client_id, own_id, url_for("admin_tokens.grant", grant_id=own_id)))
    return Found(sentence("Sessions and tokens"), hits)


def _records(query: str) -> Found:
    """A record whose id was pasted, or what was recorded in a request."""
    label = sentence("Audit log")
    if (own_id := _as_id(query)) is not None:
        if not services.single_records.is_there(own_id):
            return Found(label, [])
        url = url_for("admin_audit.record", record_id=own_id)
        return Found(label, [Hit("journal-check", _("The record of this ID"), own_id, url)])
    if not REQUEST_ID.fullmatch(query):
        return Found(label, [])
    url = url_for("admin_audit.audit", request=query)
    return Found(label, [Hit("journal-check", _("Everything in the same request"), query, url)])


def _as_id(text: str) -> str | None:
    try:
        return str(UUID(text)) if len(text) == UUID_LENGTH else None
    except ValueError:
        return None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


SOURCES: tuple[tuple[Callable[[str], Found], tuple[str, ...]], ...] = (
    (_places, ()),
    (_clients, (CLIENTS,)),
    (_people, (USERS,)),
    (_groups, (USERS,)),
    (_roles, (USERS,)),
    (_permissions, (USERS,)),
    (_scopes, (CLIENTS,)),
    (_plans, (SYSTEM,)),
    (_keys, (KEYS,)),
    (_providers, (SYSTEM,)),
    (_settings, (SYSTEM,)),
    (_sessions, (USERS,)),
    (_records, (AUDIT,)),
)
"""What is looked through, and whose part of the administration it is."""
