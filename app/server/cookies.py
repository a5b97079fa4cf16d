"""Requests whose cookies are too large: people cannot mend that by themselves, so the application answers them a page.

It gets such a request without cookies and body, marked with :data:`LEFT_OUT`, and says what is wrong.
"""

import re

LEFT_OUT = "portal.cookies_left_out"
"""Stands in the environment of such a request."""
COOKIE = re.compile(rb"cookie:", re.IGNORECASE)
LEFT = re.compile(rb"(?:cookie|content-length|transfer-encoding|expect):", re.IGNORECASE)
FOR_PEOPLE = re.compile(rb"accept:[^\r\n]*(?:\btext/html\b|\*/\*)", re.IGNORECASE)


def without_cookies(begun: bytes) -> bytes | None:
    """The head of a request that takes a page, without its cookies; None where none came with it.

    It may have been cut off in the middle of a field, which then is left out.
    """
    head, _, _ = begun.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if len(head) == len(begun) and not COOKIE.match(lines[-1]):
        lines.pop()
    fields = lines[1:]
    if not any(map(COOKIE.match, fields)) or not any(map(FOR_PEOPLE.match, fields)):
        return None
    return b"\r\n".join([lines[0], *(field for field in fields if not LEFT.match(field)), b"", b""])
