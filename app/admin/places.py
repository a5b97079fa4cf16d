"""Where one can go in the administration: the navigation, of what the person who is here may open."""

from dataclasses import dataclass

from app.errors import sentence
from app.services.foundation.powers import USERS, Powers


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation; without ``parts`` it is for everybody who administers something."""

    endpoint: str
    sign: str
    label: str
    parts: tuple[str, ...] = ()


PLACES = (
    Place("admin_home.home", "house", sentence("Home")),
    Place("admin_people.people", "people", sentence("People"), (USERS,)),
)


def places_for(powers: Powers) -> list[Place]:
    """Those that open for somebody with ``powers``."""
    return [place for place in PLACES if not place.parts or powers.cover(*place.parts)]
