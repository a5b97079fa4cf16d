"""Keys under which something is done once (draft-ietf-httpapi-idempotency-key-header)."""

import re
from typing import Annotated

from flask import request
from pydantic import Field, StringConstraints

from app.errors import PortalError

HEADER = "Idempotency-Key"
LONGEST = 255
QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"\Z')
"""A String of Structured Fields (:rfc:`9651#section-3.3.3`)."""
BARE = re.compile(r"[!#-+\--:<-\[\]-~]+\Z")
"""As most programs write it: visible ASCII but for quotation marks, commas, semicolons and backslashes."""
Key = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST, pattern=r"^[ -~]+$"),
    Field(description="The key under which it was taken, without quotation marks."),
]


class InvalidKey(PortalError):
    """The header holds no key, or more than one."""

    status, code = 400, "invalid_request"
    message = "The Idempotency-Key must be one string of 1 to 255 visible ASCII characters."


def from_header() -> str | None:
    """The key of the request, None without one; raises :class:`InvalidKey`.

    With quotation marks and without it is the same key.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return None
    if found := QUOTED.match(given):
        key = re.sub(r"\\(.)", r"\1", found[1])
    elif BARE.match(given):
        key = given
    else:
        raise InvalidKey
    if len(key) > LONGEST:
        raise InvalidKey
    return key
