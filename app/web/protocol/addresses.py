"""Registered addresses on pages: in what two of them differ, and how one that came with a request is registered.

By a command, and for administrators by the pages of ``app.admin``. The way there carries the request that was refused,
if the portal may send the browser there once more as it was.
"""

import shlex
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlencode

from flask import url_for
from werkzeug.datastructures import MultiDict

from app.errors import sentence
from app.languages import gettext as _
from app.services.clients.differences import Difference
from app.services.clients.registration import AddressKind

REPEATED = frozenset(
    {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "response_mode",
        "prompt",
        "max_age",
        "display",
        "ui_locales",
        "code_challenge",
        "code_challenge_method",
        "post_logout_redirect_uri",
    }
)
"""Parameters that are typed again; others may hold what nobody should find in a history of commands."""
CARRIED = REPEATED | {"state", "nonce"}
"""Those that stay in the browser they came from. Without a state of its own an application refuses the answer."""
LONGEST_LINK = 7000
"""Characters of the longest address that leads on from here; the server reads lines of 8190."""
ENDPOINTS = {AddressKind.REDIRECT: "oauth.authorize", AddressKind.POST_LOGOUT: "oauth.logout"}
PATHS = {kind: kind.column.replace("_", "-") for kind in AddressKind}
"""What the lists of addresses are called in paths."""
LABELS = {
    Difference.LOOKALIKE: sentence("a character that looks like another"),
    Difference.INVISIBLE: sentence("a space or a character that cannot be seen"),
    Difference.ENCODING: sentence("percent-encoding"),
    Difference.FRAGMENT: sentence("the fragment"),
    Difference.USER: sentence("the user information"),
    Difference.LOOPBACK: sentence("the name of this machine"),
    Difference.SCHEME: sentence("the scheme"),
    Difference.HOST: sentence("the host"),
    Difference.PORT: sentence("the port"),
    Difference.CASE: sentence("upper and lower case"),
    Difference.TRAILING_SLASH: sentence("the slash at the end"),
    Difference.PATH: sentence("the path"),
    Difference.QUERY: sentence("the query"),
}

Values = Sequence[tuple[str, str]]


def in_words(names: Sequence[Difference]) -> str:
    """What differs, for who has to mend it."""
    return ", ".join(_(LABELS[name]) for name in names)


def command(action: str, client_id: str, kind: AddressKind, uri: str) -> str:
    """What an operator types to ``add`` an address to those of a client, or to ``remove`` it."""
    option = f"--{action}-{kind.replace('_', '-')}"
    return f"flask --app wsgi clients update {option} {shlex.quote(uri)} {argument(client_id)}"


def argument(client_id: str) -> str:
    """A client's id as the last word of a command."""
    return f"-- {client_id}" if client_id.startswith("-") else shlex.quote(client_id)


def registering(client_id: str, kind: AddressKind, uri: str, values: "MultiDict[str, str]") -> str | None:
    """The page that registers ``uri``, with the request it came with; None where no address can lead there."""
    # A path of dots leads elsewhere (RFC 3986 section 5.2.4), though it is an id.
    if not client_id.strip("."):
        return None
    sent = [(name, value) for name, value in values.items(multi=True) if value]
    for request in (sent, None) if _is_whole(sent, client_id, kind, uri) else (None,):
        link = page("new", client_id, kind, uri, request)
        if len(url_for("login.confirm", next=link)) <= LONGEST_LINK:
            return link
    return None


def page(name: str, client_id: str, kind: AddressKind, uri: str, request: Values | None = None, added: str = "") -> str:
    """The page of that name about an address of a client, which keeps the request it came with.

    ``added`` is how a page knows that it was registered on the one before.
    """
    return url_for(
        f"admin.{name}_address",
        client_id=client_id,
        kind=PATHS[kind],
        uri=uri,
        request=urlencode(request) if request else None,
        added=added or None,
    )


def carried(text: str, client_id: str, kind: AddressKind, uri: str) -> Values | None:
    """The request that an address carries, if it is one of this client with this very ``uri``; else None."""
    if not text or len(text) > LONGEST_LINK:
        return None
    try:
        sent = parse_qsl(text, strict_parsing=True, max_num_fields=len(CARRIED), errors="strict")
    except ValueError:
        return None
    return sent if _is_whole(sent, client_id, kind, uri) else None


def refused_page(client_id: str, kind: AddressKind, uri: str, request: Values | None) -> str:
    """Where the portal says, as long as ``uri`` is not registered, that it is not."""
    least = [("client_id", client_id), (str(kind), uri)]
    return f"{url_for(ENDPOINTS[kind])}?{urlencode(request or least)}"


def once_more(kind: AddressKind, request: Values | None) -> str | None:
    """The refused request, where to send it again is the same as to send it for the first time.

    Not so for one whose answer goes to the window that opened this one, or to the page around it: the tie to them was
    cut on the way, for what stands between is for administrators alone.
    """
    if not request:
        return None
    given = dict(request)
    if given.get("display") == "popup" or given.get("response_mode") == "web_message":
        return None
    return f"{url_for(ENDPOINTS[kind])}?{urlencode(request)}"


def _is_whole(sent: Iterable[tuple[str, str]], client_id: str, kind: AddressKind, uri: str) -> bool:
    """Whether nothing of the request is left out where it is carried on, and it is about this address."""
    names = [name for name, _value in sent]
    given = dict(sent)
    is_about_it = (given.get("client_id"), given.get(kind)) == (client_id, uri)
    return is_about_it and len(names) == len(given) and CARRIED.issuperset(names)
