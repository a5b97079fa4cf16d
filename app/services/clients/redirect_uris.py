"""Which redirect URIs may be registered, and when a requested one matches (RFC 9700 section 2.1, RFC 8252)."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from app.errors import InvalidInput, sentence
from app.services.foundation import networks

LARGEST_PORT = 65535
LONGEST = 2000
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::([0-9]{1,5}))?(/[^#]*)?\Z")
_ALLOWED = re.compile(rf"[!-~]{{1,{LONGEST}}}\Z")
_LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}
_LOCAL_NAMES = {"host.docker.internal"}
_LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)


def require_registrable(uri: str, *, allows_network: bool = False) -> None:
    """Raise :class:`InvalidInput` unless ``uri`` may be registered.

    https anywhere, http on loopback (and with ``allows_network``, which is for development, on a local network) only,
    private-use schemes with a dot (:rfc:`8252#section-7.1`); no
    fragment (:rfc:`6749#section-3.1.2`), no user information, no wildcard, printable ASCII only.
    """
    if not _ALLOWED.match(uri) or any(character in uri for character in '*#\\"<>'):
        raise InvalidInput(
            sentence("A redirect URI is of ASCII, without wildcard, fragment, quote or space."), "redirect_uri"
        )
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidInput(sentence("This redirect URI is not a valid URI."), "redirect_uri") from None
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(sentence("A redirect URI carries no username."), "redirect_uri")
    if has_protocol_parameters(parts.query):
        raise InvalidInput(sentence("A redirect URI has no parameters of the protocol."), "redirect_uri")
    is_web = parts.scheme == "https" and bool(host)
    is_local = parts.scheme == "http" and (_is_loopback(host or "") or (allows_network and is_on_network(uri)))
    is_private = bool(re.fullmatch(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+", parts.scheme)) and uri[:1].islower()
    if not (is_web or is_local or is_private):
        raise InvalidInput(
            sentence(
                "A redirect URI starts with https://, with http:// on localhost, or with an application's own scheme."
            ),
            "redirect_uri",
        )


def has_protocol_parameters(query: str) -> bool:
    """Whether a query has what answers bring (:rfc:`6749#section-4.1.2`, :rfc:`9207`)."""
    return not {"code", "state", "iss", "error"}.isdisjoint(re.findall(r"(?:^|&)([^=&]+)", query))


def require_notifiable(uri: str) -> None:
    """Raise :class:`InvalidInput` unless the portal itself may call ``uri``: https, or http on this machine.

    OpenID Connect Back-Channel Logout section 2.2; what redirect URIs must not have, it must not have either.
    """
    if not _may_be_called(uri):
        raise InvalidInput(sentence("A back-channel logout URI starts with https://."), "backchannel_logout_uri")


def require_fetchable(uri: str, *, allows_loopback: bool) -> None:
    """Raise :class:`InvalidInput` unless the portal may read ``uri``: https, or http on this machine where allowed.

    What an address leads to is looked at when it is read; one that nobody outside could have is refused here already.
    """
    if not _may_be_called(uri) or not _may_be_read(uri, allows_loopback):
        raise InvalidInput(
            sentence("The address of keys starts with https:// and is not of an inner network."), "jwks_uri"
        )


def _may_be_called(uri: str) -> bool:
    try:
        require_registrable(uri)
    except InvalidInput:
        return False
    return uri.startswith(("https://", "http://"))


def _may_be_read(uri: str, allows_loopback: bool) -> bool:
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if _is_loopback(host):
        return allows_loopback
    named = networks.address(host)
    return parts.scheme == "https" and not (named and not networks.is_public(named))


def is_on_network(uri: str) -> bool:
    """Whether ``uri`` is plain http to another machine of a local network, whose answers its neighbours can read."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme != "http" or host in _LOCAL_NAMES:
        return parts.scheme == "http"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _LOCAL_NETWORKS)


def match(requested: str, registered: Iterable[str]) -> bool:
    """Whether ``requested`` is one of ``registered``, character by character.

    The port of a loopback address may differ (:rfc:`8252#section-7.3`): programs get theirs from the system.
    """
    candidates = list(registered)
    if requested in candidates:
        return True
    asked = _without_port(requested)
    return asked is not None and any(asked == _without_port(candidate) for candidate in candidates)


def registered_as(requested: str, registered: Iterable[str]) -> str:
    """The one of ``registered`` that ``requested`` matches, which differs by the port of a loopback address alone."""
    candidates = list(registered)
    if requested in candidates:
        return requested
    return next((each for each in candidates if match(requested, [each])), requested)


def needs_address(requested: str, registered: Iterable[str]) -> bool:
    """Whether ``requested`` would match if it, and what is registered, said 127.0.0.1 instead of localhost.

    :rfc:`8252#section-8.3`: a name may lead elsewhere, so its port never varies.
    """
    by_address = [re.sub(r"\Ahttp://localhost(?=[:/]|\Z)", "http://127.0.0.1", uri) for uri in (requested, *registered)]
    return requested != by_address[0] and match(by_address[0], by_address[1:])


def is_named_localhost(uri: str) -> bool:
    """Whether ``uri`` is plain http to this machine by its name, whose port never varies."""
    return bool(re.match(r"http://localhost(?=[:/]|\Z)", uri))


def is_on_loopback(uri: str) -> bool:
    """Whether ``uri``, which nobody needs to have registered, leads to the machine of whoever follows it."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and _is_loopback(parts.hostname or "")


def is_provable(uri: str) -> bool:
    """Whether only the registered application can receive an answer at ``uri``.

    Not so for loopback addresses and private-use schemes, which any program on the device can claim
    (:rfc:`8252#section-8.6`).
    """
    return uri.startswith(("https://", "http://localhost:", "http://localhost/"))


def origin(uri: str) -> str | None:
    """``scheme://host[:port]`` of a web URI as browsers write it, or None for private-use schemes."""
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port and parts.port != default else "")


def _is_loopback(host: str) -> bool:
    # RFC 6761 section 6.3: whatever ends in .localhost is this machine.
    return host in _LOOPBACK_HOSTS or host.endswith(".localhost")


def _without_port(uri: str) -> tuple[str, str] | None:
    found = _LOOPBACK.match(uri)
    if found is None or int(found[2] or 0) > LARGEST_PORT:
        return None
    return found[1], found[3] or "/"
