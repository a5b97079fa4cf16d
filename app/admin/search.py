"""What is found, of all that whoever searches may see, by one line of text: as a page, and as what a dialog shows."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import render_template, url_for
from flask_login import current_user

from app.admin.pages import asked, desk, show
from app.admin.places import areas_for
from app.errors import sentence
from app.languages import gettext as _
from app.services.foundation.powers import CLIENTS, USERS
from app.services.oversight.applications import WantedClients
from app.services.oversight.directory import Wanted
from app.wiring import services

search_desk = desk("admin_search", "/search")
bp = search_desk.bp
FEW = 8


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


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


SOURCES: tuple[tuple[Callable[[str], Found], tuple[str, ...]], ...] = (
    (_places, ()),
    (_clients, (CLIENTS,)),
    (_people, (USERS,)),
)
"""What is looked through, and whose part of the administration it is."""
