"""What can be a host: whoever asks for another one is refused, and whoever forwards another one is not believed."""

import functools
import ipaddress
import re

LABEL = r"[A-Za-z0-9_~!$&'()*+,;=%-]{1,63}"
HOST = re.compile(rf"(?P<name>{LABEL}(?:\.{LABEL})*\.?|\[(?P<address>[0-9A-Fa-f:.]{{2,45}})\])(?::[0-9]{{0,5}})?")
LONGEST = 262
"""A name of 255 bytes and a port (:rfc:`1035#section-2.3.4`)."""


@functools.lru_cache(256)
def is_host(text: str) -> bool:
    """Whether :rfc:`9112#section-3.2` lets this stand in a Host field, with labels as names have them.

    A label that claims to be of another script must be that (:rfc:`5891#section-4.4`): whoever decodes it would fail.
    """
    found = HOST.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        return False
    try:
        if found["address"]:
            ipaddress.IPv6Address(found["address"])
        elif "xn--" in text.lower():
            found["name"].encode("ascii").decode("idna")
    except ValueError:
        return False
    return True
