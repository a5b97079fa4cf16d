"""Two accounts that may be one person's, beside each other; joining them is the person's own doing."""

from dataclasses import dataclass
from typing import Any

from app.admin.pages import show
from app.admin.people.access import is_within_reach
from app.admin.people.listing import bp
from app.errors import NotFound, sentence
from app.services.grants.connected_apps import ConnectedApp
from app.services.oversight.directory import Entry, Place
from app.services.oversight.likenesses import Likeness
from app.web.providers import provider_title
from app.wiring import services

NOT_ALIKE = sentence("Nothing suggests that these two accounts are one person's.")
LIKENESSES: dict[str, str] = {
    Likeness.ADDRESS_AT_PROVIDER: sentence("A provider says this address belongs to the other account"),
    Likeness.SAME_AT_PROVIDERS: sentence("The same address at a provider"),
    Likeness.NAME: sentence("The same name"),
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two; ``links`` are its providers with the addresses they know."""

    entry: Entry
    places: list[Place]
    links: list[tuple[str, str]]
    apps: list[ConnectedApp]
    sessions: int
    is_within_reach: bool


@bp.get("/<uuid:user_id>/beside/<uuid:other_id>")
def beside(user_id: Any, other_id: Any) -> str:
    """What each of the two holds, and what can be done."""
    who, other = str(user_id), str(other_id)
    alike = next((each for each in services.likenesses.of(who) if each.id == other), None)
    if alike is None:
        raise NotFound(NOT_ALIKE)
    return show("people/beside", sides=[_side(who), _side(other)], likeness=LIKENESSES[alike.likeness])


def _side(who: str) -> Side:
    found = services.directory.one(who)
    return Side(
        found.entry,
        found.groups,
        [(provider_title(each.provider), each.email) for each in found.identities],
        services.connected_apps.of(who),
        services.sessions.page(who, limit=1).total,
        is_within_reach(who),
    )
