"""Web origins as operators spell them, made what browsers send (:rfc:`6454#section-6.2`).

``HTTPS://ID.Example.com:443/`` and ``https://id.example.com`` are one origin; a setting that kept the first spelling
would be compared with the second for ever, and every form refused.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

import idna

DEFAULT_PORTS = {"http": 80, "https": 443}
WITHOUT_ORIGIN = frozenset({"file", "data", "blob", "javascript", "about"})
"""Pages of these send «null»."""
EXAMPLE = "https://id.example.com"


def public_url(value: str) -> str:
    """The origin people and clients see, normalised, or nothing; ``ValueError`` says what it must be."""
    return web_origin(value) if value.strip() else ""


def origins(value: str) -> tuple[str, ...]:
    """Origins separated by commas or spaces, normalised; those of apps in a web view too (``capacitor://localhost``)."""
    return tuple(_origin(word) for word in re.split(r"[\s,]+", value) if word)


def web_origin(value: str) -> str:
    """An http or https origin in the one spelling browsers send."""
    parts = _split(value)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError(f"must begin with https:// or http://, as {EXAMPLE} does")
    port = _port(parts)
    return f"{parts.scheme}://{_host(parts)}" + (f":{port}" if port not in {None, DEFAULT_PORTS[parts.scheme]} else "")


def _origin(word: str) -> str:
    try:
        parts = _split(word)
        if parts.scheme in DEFAULT_PORTS:
            return web_origin(word)
        if parts.scheme in WITHOUT_ORIGIN:
            raise ValueError("must begin with a scheme whose pages have an origin")
        port = _port(parts)
        return f"{parts.scheme}://{_host(parts)}" + (f":{port}" if port is not None else "")
    except ValueError as error:
        raise ValueError(f"{_shown(word)} is no origin such as https://app.example.com: it {error}") from None


def _split(value: str) -> SplitResult:
    text = value.strip()
    if re.search(r"[\s\\]", text) or not text.isprintable():
        raise ValueError("must hold no blanks or backslashes")
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        raise ValueError("must name a host, IPv6 addresses in brackets") from None
    if not parts.scheme or not host:
        raise ValueError(f"must have a scheme and a host, as {EXAMPLE} has")
    if "@" in parts.netloc:
        raise ValueError("must hold no user name or password")
    if parts.path.strip("/") or "?" in text or "#" in text:
        raise ValueError("must be an origin, without path, query or fragment")
    return parts


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = -1
    if port is not None and not 0 < port < 65536:
        raise ValueError("must have a port between 1 and 65535, or none")
    return port


def _host(parts: SplitResult) -> str:
    """The host in lower case and ASCII, addresses in their shortest form."""
    host = parts.hostname or ""
    if "[" in parts.netloc:
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            raise ValueError("must hold a good IPv6 address in the brackets") from None
    try:
        # Browsers map as UTS 46 does: full-width letters, capitals and ideographic dots are the plain ones.
        name = idna.encode(host.removesuffix("."), uts46=True).decode() if not host.isascii() else host
    except idna.IDNAError:
        raise ValueError("must name a host that can exist") from None
    labels = name.removesuffix(".").split(".")
    if not all(re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", label) for label in labels):
        raise ValueError("must name a host that can exist")
    if labels[-1].isdigit():
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise ValueError("must hold a good IPv4 address, or a name") from None
    return name


def _shown(word: str) -> str:
    """What was set, without what may be a password in it."""
    return repr(re.sub(r"//[^/@]*@", "//…@", word)[:100])
