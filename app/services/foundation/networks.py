"""Addresses in one spelling each, and when two of them count as the same network."""

import ipaddress
import re
from functools import lru_cache

LONGEST = 128
_WAYS_TO_IPV4 = tuple(
    ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)
_BRACKETED = re.compile(r"\[([^\]]*)\](?::_?[A-Za-z0-9._-]{1,32})?\Z")
_WITH_PORT = re.compile(r"([0-9.]+):_?[A-Za-z0-9._-]{1,32}\Z")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address(text: str) -> str | None:
    """The address that ``text`` names, in the one spelling it has on record; None if it names none.

    As servers and proxies write them: with a port, in brackets, quoted, with the zone of a link (``%eth0``), an IPv4
    address within IPv6. ``unknown`` and hidden names (:rfc:`7239#section-6.3`) are no addresses.
    """
    return _address(text) if len(text) <= LONGEST else None


def is_public(text: str) -> bool:
    """Whether ``text`` is an address that the whole internet can reach, and no way to one that it cannot.

    IPv6 addresses that hold an IPv4 one (mapped, 6to4, Teredo, :rfc:`6052`) lead there, whatever stands around it.
    """
    found = _parsed(text)
    if found is None or not found.is_global or found.is_multicast or found.is_reserved:
        return False
    return isinstance(found, ipaddress.IPv4Address) or not any(found in network for network in _WAYS_TO_IPV4)


def network(text: str, ipv6_prefix: int) -> str:
    """What counts as one sender: an IPv4 address, or so many bits of an IPv6 one, of which everybody has very many."""
    found = _parsed(text)
    if found is None or found.version == 4 or ipv6_prefix >= 128:
        return text
    return _network(text, ipv6_prefix)


def is_same_network(first: str, second: str) -> bool:
    """Whether two addresses share a /24 (IPv4) or a /56 (IPv6), as a household or an office usually does."""
    if first == second:
        return True
    one, other = _parsed(first), _parsed(second)
    if one is None or other is None:
        return False
    length = 24 if one.version == 4 else 56
    return one.version == other.version and other in ipaddress.ip_network(f"{one}/{length}", strict=False)


@lru_cache(maxsize=4096)
def _address(text: str) -> str | None:
    bare = text.strip().strip('"').strip()
    if found := _BRACKETED.match(bare) or _WITH_PORT.match(bare):
        bare = found[1]
    try:
        parsed: Address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(parsed)


@lru_cache(maxsize=4096)
def _network(text: str, prefix: int) -> str:
    return str(ipaddress.ip_network(f"{_parsed(text)}/{prefix}", strict=False))


def _parsed(text: str) -> Address | None:
    """An address as it may stand on record, be it from before there was one spelling."""
    spelled = address(text)
    return ipaddress.ip_address(spelled) if spelled else None
