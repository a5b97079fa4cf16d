"""Where one can go in the administration: the navigation, of what the person who is here may open."""

from dataclasses import dataclass, replace

from app.errors import sentence
from app.services.foundation.powers import AUDIT, CLIENTS, KEYS, SYSTEM, USERS, Powers


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation; without ``parts`` it is for everybody who administers something."""

    endpoint: str
    sign: str
    label: str
    parts: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """Further blueprints whose pages count as this place."""


@dataclass(frozen=True, slots=True)
class Area:
    """Places that belong together; the first area needs no heading."""

    label: str
    places: tuple[Place, ...]


AREAS = (
    Area("", (Place("admin_home.home", "house", sentence("Home"), also=("admin_search",)),)),
    Area(
        sentence("Applications"),
        (
            Place(
                "admin_clients.clients",
                "grid",
                sentence("Applications"),
                (CLIENTS,),
                also=("admin_new_client", "admin_client_health", "admin_client_preview", "admin_client_trial"),
            ),
            Place("admin_scopes.scopes", "card-checklist", sentence("Scopes"), (CLIENTS,)),
        ),
    ),
    Area(
        sentence("People"),
        (
            Place("admin_people.people", "people", sentence("People"), (USERS,)),
            Place("admin_groups.groups", "diagram-3", sentence("Groups"), (USERS,)),
            Place("admin_roles.roles", "shield-lock", sentence("Roles"), (USERS,)),
            Place("admin_plans.plans", "bar-chart", sentence("Plans"), (SYSTEM,)),
        ),
    ),
    Area(
        sentence("Access"),
        (
            Place("admin_sessions.sessions", "laptop", sentence("Sessions"), (USERS,)),
            Place("admin_tokens.tokens", "ticket", sentence("Tokens"), (USERS,)),
        ),
    ),
    Area(
        sentence("Record"),
        (Place("admin_audit.audit", "journal-check", sentence("Audit log"), (AUDIT,)),),
    ),
    Area(
        sentence("System"),
        (
            Place("admin_keys.keys", "key", sentence("Signing keys"), (KEYS,)),
            Place("admin_providers.providers", "person-badge", sentence("Identity providers"), (SYSTEM,)),
            Place("admin_mail.listing", "envelope", sentence("Mail"), (SYSTEM,)),
            Place("admin_notices.listing", "box-arrow-up-right", sentence("Notices"), (SYSTEM,)),
            Place("admin_settings.settings", "sliders", sentence("Settings"), (SYSTEM,)),
            Place("admin_selfcheck.selfcheck", "shield-check", sentence("Self-check"), (SYSTEM,)),
        ),
    ),
)


def areas_for(powers: Powers) -> list[Area]:
    """Those with a place that opens for somebody with ``powers``, with such places only."""
    open_places = [
        replace(area, places=tuple(each for each in area.places if not each.parts or powers.cover(*each.parts)))
        for area in AREAS
    ]
    return [area for area in open_places if area.places]
