"""Addresses of Redis as operators write them; each refusal says what is wrong and repeats nothing of the value."""

import re
from urllib.parse import parse_qs, urlsplit

SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
FORMS = "redis://, rediss://, unix:// or redis+sentinel://"


def redis_url(value: str) -> str:
    """An address that a client can be made of, or nothing."""
    url = value.strip()
    if not url:
        return ""
    if re.search(r"\s", url):
        raise ValueError("must hold no blanks; those of a password are written %20")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("must name a host, IPv6 addresses in brackets") from None
    if parts.scheme not in SCHEMES:
        raise ValueError(f"must start with {FORMS}")
    if parts.netloc.count("@") > 1 or (parts.fragment or "#" in url):
        raise ValueError("must have special characters of its password percent-encoded: @ is %40, # is %23, / is %2F")
    if parts.scheme == "unix":
        return url
    _check_hosts(parts.netloc.rpartition("@")[2], several="sentinel" in parts.scheme)
    _check_path(parts.path.strip("/"), is_sentinel="sentinel" in parts.scheme)
    parse_qs(parts.query, strict_parsing=bool(parts.query))
    return url


def prefix(value: str) -> str:
    """What keys begin with: letters, digits and ``: . _ - { }``, 64 at most."""
    text = value.strip()
    if not re.fullmatch(r"[A-Za-z0-9:._{}-]{0,64}", text):
        raise ValueError("must be letters, digits and any of : . _ - { }, 64 at most")
    return text


def _check_hosts(hosts: str, *, several: bool) -> None:
    for host in hosts.split(",") if several else [hosts]:
        try:
            parts = urlsplit(f"//{host}")
            is_good = bool(parts.hostname) and "," not in host and (parts.port or 1) > 0
        except ValueError:
            is_good = False
        if not is_good:
            raise ValueError("must name a host, and a port that is a number from 1 to 65535 if any")


def _check_path(path: str, *, is_sentinel: bool) -> None:
    name, _, number = path.partition("/") if is_sentinel else ("", "", path)
    if is_sentinel and not name:
        raise ValueError("must name the master after the Sentinels: redis+sentinel://host,host/name")
    if number and not number.isdecimal():
        raise ValueError("must end with the number of a database, if anything")
