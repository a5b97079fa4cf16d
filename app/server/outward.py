"""Requests whose answers wait for somebody outside: those that come from, or lead to, a provider of identities."""

import re
from collections.abc import Iterable
from itertools import product
from urllib.parse import unquote_to_bytes

from gunicorn.util import split_request_uri

PREFIXES = ("/auth", "/api/v1/auth", "/api/auth")
STEPS = ("", "/callback", "/link", "/confirm", "/prove")
TRIAL = "/admin/providers/{}/test"
END_OF_PATH = re.compile(rb"[?#]")


def paths(names: Iterable[str]) -> dict[bytes, str]:
    """The paths at which a login with one of these providers begins, comes back or is tried, and which one it is."""
    known = tuple(names)
    logins = {f"{prefix}/{name}{step}".encode(): name for prefix, name, step in product(PREFIXES, known, STEPS)}
    return logins | {TRIAL.format(name).encode(): name for name in known}


def path(asked: bytes) -> bytes:
    """The path that the application looks for when this was asked, method and target, however it was written."""
    target = asked.partition(b" ")[2]
    begun = END_OF_PATH.split(target, 1)[0] if target.startswith(b"/") else _path_of_other_form(target)
    # Flask takes several strokes at the beginning for one.
    return b"/" + unquote_to_bytes(begun).lstrip(b"/")


def _path_of_other_form(target: bytes) -> bytes:
    """The same of a target with a scheme and host (:rfc:`9112#section-3.2.2`), as the parser takes it apart."""
    try:
        return bytes(split_request_uri(target.decode("latin-1")).path, "latin-1")
    except ValueError:
        return b""
