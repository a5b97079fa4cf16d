"""What roles, groups and permissions are called, and when two names are one.

Names of groups are kept as any text that people read (:mod:`app.services.foundation.texts`). Those of roles are words
without a space, in letters of any script, for they stand in claims and in policies. Those of permissions have the form
of scopes, since the scopes ``manage:…`` bear the same names. Two names that differ by the case or the width of letters
alone, or by how a letter is composed, are one.
"""

import re
import unicodedata

import regex

from app.errors import InvalidInput, sentence
from app.services.foundation.texts import MOST_TYPED, folded, holds_controls, one_line

LONGEST_ROLE, LONGEST_GROUP, LONGEST_PERMISSION, LONGEST_KEY = 64, 100, 64, 200
NO_ROLE = sentence("The name of a role has 1 to 64 letters and digits; dots, dashes and underscores may stand in it.")
NO_GROUP = sentence("The name of a group has 1 to 100 characters that can be seen.")
NO_PERMISSION = sentence(
    "A permission is written like manage:reports: small letters, digits, dashes and underscores, 64 at most."
)
_ROLE = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*")
_PERMISSION = re.compile(r"[a-z][a-z0-9_-]*(:[a-z][a-z0-9_-]*)+")


def key(name: str) -> str:
    """By which two names are one; to do it again changes nothing."""
    return folded(name)


def role_name(typed: str) -> str:
    """The name of a role as it is kept; raises :class:`InvalidInput`."""
    name = _line(typed)
    if not _ROLE.fullmatch(name) or len(name) > LONGEST_ROLE or len(key(name)) > LONGEST_KEY:
        raise InvalidInput(NO_ROLE, "name")
    return name


def group_name(typed: str) -> str:
    """The name of a group as it is kept; raises :class:`InvalidInput`."""
    name = _line(typed)
    if not name or len(name) > LONGEST_GROUP or len(key(name)) > LONGEST_KEY:
        raise InvalidInput(NO_GROUP, "name")
    return name


def permission_name(typed: str) -> str:
    """The name of a permission, however wide its letters were typed; raises :class:`InvalidInput`."""
    name = unicodedata.normalize("NFKC", typed[:MOST_TYPED]).strip()
    if not _PERMISSION.fullmatch(name) or len(name) > LONGEST_PERMISSION:
        raise InvalidInput(NO_PERMISSION, "permission")
    return name


def _line(typed: str) -> str:
    """One line as it is kept; nothing of what holds controls or is far too long."""
    return "" if len(typed) > MOST_TYPED or holds_controls(typed) else one_line(typed)
