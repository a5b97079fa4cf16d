"""What to think of a redirect URI before it is registered, and how silent login works from where it leads.

Whether it would be refused is decided by the function that registration asks; what else is said never refuses.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit

import idna

from app.errors import InvalidInput, sentence
from app.services.clients import redirect_uris, sites
from app.services.clients.clients import Clients
from app.services.foundation import networks


class ApplicationType(StrEnum):
    """What kind of application is asked about."""

    POPUP = "popup"
    """In the browser, logging in in a window of its own."""
    REDIRECT = "redirect"
    """In the browser, logging in in the same tab."""
    WEB = "web"
    """On a server."""
    NATIVE = "native"
    """A program on a device (:rfc:`8252`)."""
    SERVICE = "service"
    """A program for which nobody logs in."""


PAGES = frozenset({ApplicationType.POPUP, ApplicationType.REDIRECT, ApplicationType.WEB})
"""What shows pages, which alone can have a hidden frame."""


class Level(StrEnum):
    """How bad it is; an error is what registration refuses."""

    ERROR = "error"
    WARNING = "warning"
    FINE = "fine"


class Silent(StrEnum):
    """How an application at an address can log somebody in without a page."""

    FRAME = "frame"
    SOME_FRAMES = "some_frames"
    REDIRECT = "redirect"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that is so, and what to do; ``value`` is what it is about, where that has to be shown."""

    code: str
    level: Level
    sentence: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class SiteVerdict:
    """The sites of an address and of the portal, None for what is none, and what that means for silent login."""

    site: str | None
    portal_site: str | None
    is_same: bool
    silent: Silent
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that is said of one address; ``level`` is the worst."""

    uri: str
    type: ApplicationType
    level: Level
    advice: tuple[Advice, ...]
    site: SiteVerdict


REFUSALS = {
    "empty": sentence("Write the whole address, such as https://app.example.com/callback."),
    "too_long": sentence("An address has at most 2000 characters. Keep what varies in state, not in the address."),
    "non_ascii": sentence(
        "Write a name in other letters in its ASCII form, which browsers send, and percent-encode the rest."
    ),
    "wildcard": sentence("A wildcard is never registered. Register each address by itself, character by character."),
    "fragment": sentence("An address has no fragment: leave out what begins with #. Answers may come in one."),
    "characters": sentence("Percent-encode blanks, quotes, angle brackets and backslashes."),
    "invalid": sentence("This is not an address. Check the brackets and the port."),
    "userinfo": sentence("Leave out the name and the password before the @. Everybody would see them."),
    "protocol_parameter": sentence("Leave out code, state, iss and error: the answer brings them."),
    "plain_http": sentence("Use https. Over http everybody on the way can read the answer; only this machine may."),
    "private_network": sentence(
        "Use https. Plain http to a machine of the local network is taken in development only."
    ),
    "scheme_without_dot": sentence(
        "A scheme of one's own is a domain that you own, backwards and with a dot, such as com.example.app:/callback."
    ),
    "scheme_case": sentence("Write the scheme in lower case, as systems compare it."),
    "no_scheme": sentence("Begin with https://, with http:// on localhost, or with the application's own scheme."),
    "refused": sentence("Registration refuses this address."),
}
"""Why an address would be refused, by code, with what to do."""
WARNINGS = {
    "service": sentence("A service logs nobody in, so it needs no redirect URI: leave it out."),
    "localhost_of_program": sentence(
        "Use 127.0.0.1 or [::1] in place of localhost: their port may vary, and no name leads elsewhere (RFC 8252)."
    ),
    "localhost": sentence(
        "This works on the machine of who develops, with exactly this port. To browsers localhost and 127.0.0.1 "
        "are two sites, so send the one that is registered."
    ),
    "loopback": sentence(
        "This works on the machine of who develops. To browsers localhost and 127.0.0.1 are two sites, so send the "
        "one that is registered."
    ),
    "private_network": sentence(
        "Neighbours on the network can read what http carries. Production does not take such an address."
    ),
    "ip_address": sentence("Use a name: an IP address can get another owner, and hardly has a certificate."),
    "single_label": sentence("A name without a dot leads elsewhere in other networks. Use the whole name."),
    "trailing_dot": sentence("Leave out the dot behind the name: to browsers it is another site."),
    "upper_case": sentence("Write scheme and host in lower case, as browsers and libraries send them: each counts."),
    "default_port": sentence("Leave out the default port: most libraries do not send it, and each character counts."),
    "traversal": sentence("Leave out the dots between slashes: what is sent differs from where browsers go."),
    "slash": sentence(
        "Another address that is registered differs by its final slash alone. They are two; send exactly the "
        "registered one, or remove the one that nobody sends."
    ),
    "punycode": sentence("This name stands for other letters. See that they are yours and not look-alikes."),
    "scheme_in_browser": sentence(
        "Pages do not answer to a scheme of one's own. Register the https address of the page, or choose a program "
        "on a device."
    ),
    "scheme_slashes": sentence(
        "A private scheme has no host: write one slash behind the colon, such as com.example.app:/callback."
    ),
}
"""What speaks against an address that can be registered, by code, with what to do."""
FINE = {
    "registered": sentence("This address is registered already."),
    "query": sentence("The query is a part of the address and counts, too. Keep what varies in state."),
    "program_can_be_claimed": sentence(
        "Every program on the device can claim this address, so people are asked for their consent at each login. An "
        "https address that the system gives to your program is better."
    ),
    "fine": sentence("This address can be registered as it is."),
    "loopback_of_program": sentence("The port may vary from login to login, so the program takes what is free."),
    "claimed_https": sentence("Have the system open this address with your program (App Links, Universal Links)."),
}
SILENT = {
    Silent.FRAME: sentence("It is of the portal's site: silent login works in a hidden frame, in every browser."),
    Silent.SOME_FRAMES: sentence(
        "It is of another site than the portal. A hidden frame is answered only where browsers let cookies of other "
        "sites through; Safari and Firefox do not. Ask once by a redirect of the whole page with prompt=none."
    ),
    Silent.REDIRECT: sentence(
        "It is of another site than the portal, whose session no browser shows to a hidden frame there: it is always "
        "answered login_required. Ask once by a redirect of the whole page with prompt=none, or offer the button."
    ),
    Silent.NONE: sentence("Silent login in a hidden frame is for pages alone; this is none."),
}
_PRIVATE_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST_AS_SENT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)")


class RedirectAdvice:
    """Advises on addresses of this portal's clients."""

    def __init__(
        self, clients: Clients, portal: str, *, allows_network: bool, sends_cookies_elsewhere: bool = False
    ) -> None:
        self.clients = clients
        self.portal = portal
        self.allows_network = allows_network
        self.sends_cookies_elsewhere = sends_cookies_elsewhere

    def about(
        self, uri: str, kind: ApplicationType, client_id: str | None = None, *, beside: Iterable[str] = ()
    ) -> Verdict:
        """What to think of ``uri``, also beside what the client has, and beside others that are to be registered.

        Raises :class:`NotFound` where there is no such client.
        """
        others = [each for each in beside if each != uri]
        return judged(
            uri,
            kind,
            portal=self.portal,
            registered=[*(self.clients.get(client_id).redirect_uris if client_id else ()), *others],
            allows_network=self.allows_network,
            sends_cookies_elsewhere=self.sends_cookies_elsewhere,
        )


def judged(
    uri: str,
    kind: ApplicationType,
    *,
    portal: str,
    registered: Iterable[str] = (),
    allows_network: bool = False,
    sends_cookies_elsewhere: bool = False,
) -> Verdict:
    """What to think of ``uri`` for an application of this kind, whose portal is at the address ``portal``.

    ``registered`` is what the client has, ``allows_network`` as for :func:`redirect_uris.require_registrable`;
    ``sends_cookies_elsewhere`` says that the session cookie is ``SameSite=None``.
    """
    found = list(_refusals(uri, allows_network)) or list(_remarks(uri, kind, set(registered)))
    if all(each.level is Level.FINE for each in found):
        found.append(_fine("fine"))
    level = next(level for level in Level if any(each.level is level for each in found))
    site = same_site(uri, portal, is_page=kind in PAGES, sends_cookies_elsewhere=sends_cookies_elsewhere)
    return Verdict(uri, kind, level, tuple(found), site)


def same_site(uri: str, portal: str, *, is_page: bool = True, sends_cookies_elsewhere: bool = False) -> SiteVerdict:
    """Whether a page at ``uri`` is of the portal's site, and what that means for silent login."""
    own, site = sites.of(portal), sites.of(uri) if uri.isascii() else None
    is_same = own is not None and own == site
    if site is None or not is_page:
        silent = Silent.NONE
    elif is_same:
        silent = Silent.FRAME
    else:
        silent = Silent.SOME_FRAMES if sends_cookies_elsewhere else Silent.REDIRECT
    return SiteVerdict(site, own, is_same, silent, SILENT[silent])


def _refusals(uri: str, allows_network: bool) -> Iterator[Advice]:
    """Why registration refuses the address; nothing where it does not."""
    try:
        redirect_uris.require_registrable(uri, allows_network=allows_network)
    except InvalidInput:
        codes = list(_why_refused(uri)) or [("refused", None)]
        for code, value in codes:
            yield Advice(code, Level.ERROR, REFUSALS[code], value)


def _why_refused(uri: str) -> Iterator[tuple[str, str | None]]:
    """Codes, and what they are about; none where no other one explains it."""
    if not uri:
        yield "empty", None
        return
    yield from ((code, None) for code, is_so in _of_characters(uri).items() if is_so)
    if not uri.isascii():
        yield "non_ascii", _in_ascii(uri)
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield "invalid", None
        return
    if parts.username is not None or parts.password is not None:
        yield "userinfo", None
    if redirect_uris.has_protocol_parameters(parts.query):
        yield "protocol_parameter", None
    if wrong := _wrong_scheme(uri, parts, host):
        yield wrong, None


def _of_characters(uri: str) -> dict[str, bool]:
    return {
        "too_long": len(uri) > redirect_uris.LONGEST,
        "wildcard": "*" in uri,
        "fragment": "#" in uri,
        "characters": any(each in ' \\"<>' or not each.isprintable() for each in uri),
    }


def _wrong_scheme(uri: str, parts: SplitResult, host: str) -> str | None:
    """What is wrong with the scheme, if it is what is refused."""
    if parts.scheme == "http" and host and not redirect_uris.is_on_loopback(uri):
        return "private_network" if redirect_uris.is_on_network(uri) else "plain_http"
    if parts.scheme in {"http", "https"}:
        return None if host else "no_scheme"
    if not _PRIVATE_SCHEME.match(uri):
        return "no_scheme"
    if "." not in parts.scheme:
        return "scheme_without_dot"
    return "scheme_case" if not uri[:1].islower() else None


def _remarks(uri: str, kind: ApplicationType, registered: set[str]) -> Iterator[Advice]:
    """What is to be said of an address that can be registered."""
    parts = urlsplit(uri)
    host, is_web = parts.hostname or "", parts.scheme in {"http", "https"}
    if kind is ApplicationType.SERVICE:
        yield _warning("service")
    if uri in registered:
        yield _fine("registered")
    if others := registered & {uri.removesuffix("/"), f"{uri}/"} - {uri}:
        yield _warning("slash", min(others))
    if parts.query:
        yield _fine("query")
    if _is_traversing(parts.path):
        yield _warning("traversal")
    if (small := _in_small_letters(uri, parts.scheme)) != uri:
        yield _warning("upper_case", small)
    yield from _of_web(uri, parts, host, kind) if is_web else _of_program(uri, parts, kind)


def _of_web(uri: str, parts: SplitResult, host: str, kind: ApplicationType) -> Iterator[Advice]:
    if parts.port == {"http": 80, "https": 443}[parts.scheme] or parts.netloc.endswith(":"):
        yield _warning("default_port")
    if redirect_uris.is_on_loopback(uri):
        yield _of_loopback(host, kind)
        return
    if parts.scheme == "http":
        yield _warning("private_network")
    elif kind is ApplicationType.NATIVE:
        yield _fine("claimed_https")
    yield from _of_host(host)


def _of_host(host: str) -> Iterator[Advice]:
    if sites.is_address(host):
        yield _warning("ip_address", networks.address(host))
    elif "." not in host.removesuffix("."):
        yield _warning("single_label")
    if host.endswith("."):
        yield _warning("trailing_dot")
    if any(label.startswith("xn--") for label in host.split(".")):
        yield _warning("punycode", _in_letters(host))


def _of_loopback(host: str, kind: ApplicationType) -> Advice:
    is_numbered = host in {"127.0.0.1", "::1"}
    if kind is ApplicationType.NATIVE:
        return _fine("loopback_of_program") if is_numbered else _warning("localhost_of_program")
    return _warning("loopback" if is_numbered else "localhost")


def _of_program(uri: str, parts: SplitResult, kind: ApplicationType) -> Iterator[Advice]:
    if kind in PAGES:
        yield _warning("scheme_in_browser")
    # RFC 8252 section 7.1: there is no naming authority.
    if uri.startswith(f"{parts.scheme}://"):
        yield _warning("scheme_slashes")
    if not redirect_uris.is_provable(uri):
        yield _fine("program_can_be_claimed")


def _is_traversing(path: str) -> bool:
    """Whether a path has segments that browsers resolve, however they are written (URL Standard)."""
    return any(unquote(segment) in {".", ".."} for segment in path.split("/"))


def _in_small_letters(uri: str, scheme: str) -> str:
    """The address with scheme and host as browsers write them."""
    found = _HOST_AS_SENT.match(uri)
    start, end = found.span(1) if found else (len(scheme), len(scheme))
    return f"{scheme}{uri[len(scheme) : start]}{uri[start:end].lower()}{uri[end:]}"


def _in_ascii(uri: str) -> str | None:
    """The address with its host as browsers send it, or None where that cannot be said."""
    found = _HOST_AS_SENT.match(uri)
    if found is None or found[1].isascii():
        return None
    try:
        host = idna.encode(found[1], uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None
    return f"{uri[: found.start(1)]}{host}{uri[found.end(1) :]}"


def _in_letters(host: str) -> str | None:
    try:
        return idna.decode(host)
    except (idna.IDNAError, UnicodeError):
        return None


def _warning(code: str, value: str | None = None) -> Advice:
    return Advice(code, Level.WARNING, WARNINGS[code], value)


def _fine(code: str) -> Advice:
    return Advice(code, Level.FINE, FINE[code])
