"""Which addresses are of one site, as browsers see it: whether a hidden frame of one gets the cookies of the other.

A site is the scheme and the registrable domain, by the Public Suffix List that the library carries, private suffixes
included, as browsers have it (HTML, section 7.1.1.1, "schemelessly same site"). Nothing is asked of the network.
"""

from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList


def of(uri: str) -> str | None:
    """``scheme://domain`` of the site of a web address, or None for what is none.

    A name that is a public suffix itself, a name of one label and an IP address are a site by themselves.
    """
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    return f"{parts.scheme}://{registrable(host) or host}"


def registrable(host: str) -> str | None:
    """The registrable domain of a host in ASCII, or None where it has none."""
    if is_address(host):
        return None
    found: str | None = _suffixes().privatesuffix(host.lower().removesuffix("."))
    return found or None


def is_address(host: str) -> bool:
    """Whether a host is an IP address; browsers read one also from a last label that is a number."""
    try:
        ip_address(host)
    except ValueError:
        return host.removesuffix(".").rpartition(".")[2].isdigit()
    return True


@cache
def _suffixes() -> PublicSuffixList:
    # Read when it is first asked for: it takes a tenth of a second and two megabytes.
    return PublicSuffixList()
