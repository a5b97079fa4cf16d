"""How applications look on pages: the asking application on a step of the flow, a tile on the launcher."""

from dataclasses import dataclass
from urllib.parse import urlsplit
from zlib import crc32

from app.languages import gettext
from app.services.clients.clients import ClientRecord
from app.services.clients.registration import is_own_path
from app.services.foundation import initials
from app.services.grants.authorization import Pending
from app.services.upkeep.seeding import SOLUTIONS
from app.wiring import services

HUES = 8
OWN_HUES = {client_id: position % HUES + 1 for position, (client_id, *_) in enumerate(SOLUTIONS)}


@dataclass(frozen=True, slots=True)
class AskingApplication:
    """The application a step of the flow is for."""

    client_id: str
    name: str
    mark: str
    hue: int
    logo: str | None
    return_host: str
    is_first_party: bool


@dataclass(frozen=True, slots=True)
class Tile:
    """An application on the launcher."""

    client_id: str
    name: str
    description: str
    mark: str
    hue: int
    url: str
    logo: str | None


def asking_application(pending: Pending) -> AskingApplication:
    """The application behind a stored request."""
    return application(pending.client, pending.request.redirect_uri)


def application(client: ClientRecord, return_uri: str | None = None) -> AskingApplication:
    """A client that asks for something; ``return_uri`` is where the browser will go from here."""
    uri = urlsplit(return_uri or "")
    return AskingApplication(
        client.client_id,
        client.name,
        initials.of_application(client.name),
        hue(client.client_id),
        logo(client.logo_uri),
        uri.netloc or uri.scheme,
        client.is_first_party,
    )


def tile(client: ClientRecord) -> Tile:
    """A launcher tile."""
    return Tile(
        client.client_id,
        client.name,
        gettext(client.description) if client.description else "",
        initials.of_application(client.name),
        hue(client.client_id),
        client.home_uri or "/",
        logo(client.logo_uri),
    )


def hue(client_id: str) -> int:
    """A colour class, the same for a client everywhere; the platform's own applications differ from one another."""
    return OWN_HUES.get(client_id) or crc32(client_id.encode()) % HUES + 1


def logo(uri: str | None) -> str | None:
    """The path of a picture that is the portal's own; those of other hosts would tell them which pages are opened."""
    if not uri:
        return None
    path = uri.removeprefix(services.settings.issuer)
    return path if is_own_path(path) else None
