"""What can be a host: whoever asks for another one is refused, and whoever forwards another one is not believed."""

import re

LABEL = r"[A-Za-z0-9_~!$&'()*+,;=%-]{1,63}"
HOST = re.compile(rf"(?:{LABEL}(?:\.{LABEL})*\.?|\[[0-9A-Fa-f:.]{{2,45}}\])(?::[0-9]{{0,5}})?")
LONGEST = 262
"""A name of 255 bytes and a port (:rfc:`1035#section-2.3.4`)."""


def is_host(text: str) -> bool:
    """Whether :rfc:`9112#section-3.2` lets this stand in a Host field, with labels as long as names have them."""
    return len(text) <= LONGEST and HOST.fullmatch(text) is not None
