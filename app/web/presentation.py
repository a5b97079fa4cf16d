"""How applications look on pages (asking on a step of the flow, as a tile on the launcher), and how long names do.

Long names, addresses and hosts stay as they are, for readers, for copying and for who hovers over them; what ``.cut``
of the style sheet hides is only not painted.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit
from zlib import crc32

from flask import Flask
from markupsafe import Markup, escape

from app.languages import gettext
from app.services.clients.clients import ClientRecord
from app.services.clients.registration import is_own_path
from app.services.foundation import initials
from app.services.foundation.texts import clusters, runs_from_the_right
from app.services.grants.authorization import Pending
from app.services.upkeep.seeding import SOLUTIONS
from app.wiring import services

FITTING = 20
"""So many letters find room everywhere, if need be on two lines."""
FITTING_ADDRESS = 32
END = 15
"""So many letters of the end of an address stay in sight."""
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


def cut(text: str) -> Markup:
    """A name: cut at its end."""
    if len(text) <= FITTING:
        # A name that runs from the right turns nothing beside it.
        return Markup("<bdi>{}</bdi>").format(text) if runs_from_the_right(text) else escape(text)
    return Markup('<span class="cut" dir="auto" title="{0}">{0}</span>').format(text)


def cut_address(address: str) -> Markup:
    """An e-mail: cut before its host, of which the end stays in sight."""
    if len(address) <= FITTING_ADDRESS:
        return escape(address)
    kept = min(END, len(address) - max(address.rfind("@"), 0))
    parts = Markup('<span class="cut-start">{}</span><span class="cut-end">{}</span>').format(
        address[:-kept], address[-kept:]
    )
    return Markup('<span class="cut" title="{}">{}</span>').format(address, parts)


def cut_host(host: str) -> Markup:
    """Where one is led: cut at its beginning, for whose a host is stands at its end."""
    if len(host) <= FITTING_ADDRESS:
        return escape(host)
    return Markup('<span class="cut cut-front" title="{0}"><bdi dir="ltr">{0}</bdi></span>').format(host)


def in_words(name: str) -> str:
    """A name in a sentence that is made before it is known where it stands, beside the whole one: cut for good."""
    letters = clusters(name)
    return name if len(letters) <= FITTING else f"{''.join(letters[: FITTING - 1]).rstrip()}\u2026"


def configure(app: Flask) -> None:
    """Give templates the filters ``cut``, ``cut_address`` and ``cut_host``."""
    app.jinja_env.filters.update(cut=cut, cut_address=cut_address, cut_host=cut_host)
