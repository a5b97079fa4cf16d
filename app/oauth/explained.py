"""What the page of a refusal shows beyond what its sender sent: what is registered beside it, a command or two.

Registered addresses are for those who develop the application and for administrators. Anybody else could have sent the
request in order to learn them.
"""

import difflib
import shlex
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode, urlsplit

from flask import request
from werkzeug.datastructures import MultiDict

from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.services.clients import redirect_uris
from app.services.clients.clients import ClientRecord
from app.services.clients.differences import LONGEST_SHOWN, Difference, Span, nearest, unlike
from app.services.clients.registration import AddressKind, is_client_id
from app.settings import is_loopback
from app.web.error_pages import Action, Command, Explanation, Registered
from app.web.protocol import addresses
from app.web.sessions import current_session
from app.wiring import services

MOST_SHOWN = 5
MOST_REPEATED = 20
CAUSES = {
    Difference.LOOKALIKE: sentence(
        "The request holds a character that only looks like the registered one, as text copied from a document does."
    ),
    Difference.INVISIBLE: sentence("A space or an invisible character was copied along with the address."),
    Difference.ENCODING: sentence("The address was encoded once too often, or not at all in one of the two places."),
    Difference.FRAGMENT: sentence("A redirect URI never has a fragment. Leave out the # and what follows it."),
    Difference.USER: sentence("A redirect URI carries no username and no password."),
    Difference.LOOPBACK: sentence(
        "localhost and 127.0.0.1 are different hosts here. The application uses one, and the other is registered."
    ),
    Difference.SCHEME: sentence(
        "The application builds its address with the wrong scheme, as it does behind a proxy that ends https unknown "
        "to it."
    ),
    Difference.HOST: sentence("The application runs at a host that is not registered."),
    Difference.PORT: sentence("The application runs at another port than the registered one."),
    Difference.CASE: sentence("Upper and lower case differ, and both count."),
    Difference.TRAILING_SLASH: sentence("Only one of the two ends with a slash."),
    Difference.PATH: sentence("The path is another one, as of an older or newer version of the application."),
    Difference.QUERY: sentence("The query is a part of the address. What varies belongs in state."),
}


def may_see_registered(client: ClientRecord | None, requested: Iterable[str]) -> bool:
    """Whether the page may show what is registered for ``client``, to whoever sent a request with these addresses.

    So it is for clients in development, for administrators, and for what runs on the developer's own machine where
    the portal does so too or is in development itself.
    """
    if client and client.in_development:
        return True
    if _is_tried_out() and any(redirect_uris.is_on_loopback(uri) for uri in requested):
        return True
    return is_administrator()


def is_administrator() -> bool:
    """Whether an administrator is logged in."""
    session = current_session()
    return session is not None and session.subject.is_admin


def is_developed(client: ClientRecord) -> bool:
    """Whether who sends requests as ``client`` is told why they are refused, also without proof of being the client.

    So it is for clients in development, and for those of a developer's own machine, by the rule of the front channel.
    """
    if not client.is_active:
        return False
    return client.in_development or (_is_tried_out() and any(map(redirect_uris.is_on_loopback, client.redirect_uris)))


def address(
    kind: AddressKind, client: ClientRecord, received: Sequence[str], values: "MultiDict[str, str]"
) -> Explanation | None:
    """What is registered for ``client`` beside what came as this ``kind``: nothing, one address, or too many."""
    if not may_see_registered(client, received):
        return None
    registered = getattr(client, kind.column)
    commands = [_as_curl(values, client.client_id)]
    if len(received) != 1:
        shown = tuple(Registered((Span(uri, differs=False),)) for uri in registered[:MOST_SHOWN])
        return Explanation(kind, (), shown, max(0, len(registered) - MOST_SHOWN), "", tuple(commands))
    compared, page = nearest(received[0], registered), None
    if is_administrator() and _is_addable(client, kind, received[0]):
        page = addresses.registering(client.client_id, kind, received[0], values)
        commands.append(_registering(client, kind, received[0]))
    return Explanation(
        kind,
        compared[0].received if compared else (Span(received[0][:LONGEST_SHOWN], differs=False),),
        tuple(Registered(each.registered, addresses.in_words(each.names)) for each in compared[:MOST_SHOWN]),
        max(0, len(compared) - MOST_SHOWN),
        _cause(compared[0].names) if compared else _("No address of this kind is registered for the client yet."),
        tuple(commands),
        Action(_("Register this URI"), page) if page else None,
    )


def unknown_client(received: Sequence[str], values: "MultiDict[str, str]") -> Explanation | None:
    """For administrators the clients that may have been meant; others learn of none."""
    if not may_see_registered(None, values.getlist("redirect_uri")):
        return None
    curl = _as_curl(values)
    if not is_administrator() or len(received) != 1 or not is_client_id(received[0]):
        return Explanation(commands=(curl,))
    client_id = received[0]
    known = {client.client_id: client for client in services.clients.all()}
    if client_id in known:
        enabling = Command(
            _("Turn the client on again"), f"flask --app wsgi clients enable {addresses.argument(client_id)}"
        )
        return Explanation(cause=_("The client is turned off."), commands=(curl, enabling))
    alike = difflib.get_close_matches(client_id.lower(), [each.lower() for each in known], MOST_SHOWN, 0.6)
    compared = [unlike(client_id, each) for near in alike for each in known if each.lower() == near]
    return Explanation(
        "client_id",
        compared[0].received if compared else (),
        tuple(Registered(each.registered) for each in compared),
        cause=_("No client has this id."),
        commands=(curl,),
    )


def localhost_fix(uri: str, client: ClientRecord | None, registered: Sequence[str], fix: str) -> list[str]:
    """``fix`` where it helps; who may not see what is registered reads it of any address on localhost."""
    if may_see_registered(client, [uri]):
        return [fix] if redirect_uris.needs_address(uri, registered) else []
    return [fix] if redirect_uris.is_named_localhost(uri) else []


def mending(uri: str, registering: str) -> str:
    """How to mend it: ``registering`` the address says so, unless it is one that nobody can register."""
    try:
        redirect_uris.require_registrable(uri, allows_network=services.clients.allows_network)
    except InvalidInput as refusal:
        reason, way = _(refusal.message), _("So this one cannot be registered: send one that is.")
        return f"{reason} {way}"
    return registering


def _is_tried_out() -> bool:
    # Of the settings, not of the Host header, which whoever asks writes.
    settings = services.settings
    return settings.server.environment == "development" or is_loopback(urlsplit(settings.issuer).hostname or "")


def _is_addable(client: ClientRecord, kind: AddressKind, uri: str) -> bool:
    try:
        services.clients.require_addable(client.client_id, kind, uri)
    except InvalidInput:
        return False
    return True


def _cause(names: Sequence[Difference]) -> str:
    return _(CAUSES[names[0]]) if names else ""


def _as_curl(values: "MultiDict[str, str]", client_id: str = "") -> Command:
    kept = [
        (name, value[:LONGEST_SHOWN])
        for name, value in values.items(multi=True)
        if name in addresses.REPEATED and value
    ]
    if client_id and "client_id" not in values:
        kept.append(("client_id", client_id))
    query = urlencode(kept[:MOST_REPEATED], errors="replace")
    target = f"{services.settings.issuer}{request.path}" + (f"?{query}" if query else "")
    return Command(_("The request once more"), f"curl -i {shlex.quote(target)}")


def _registering(client: ClientRecord, kind: AddressKind, uri: str) -> Command:
    return Command(
        _("Register this URI at a terminal"),
        addresses.command("add", client.client_id, kind, uri),
        _("Only if the address belongs to the application and to nobody else."),
    )
