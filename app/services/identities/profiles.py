"""Whom a provider names, in one form for all providers."""

import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from app.errors import InvalidInput
from app.services.foundation.texts import MOST_TYPED, one_line
from app.services.people.email_names import normalised
from app.services.people.profiles import LONGEST_NAME

LONGEST_SUBJECT = 255
LONGEST_PICTURE = 2000
# RFC 3986 section 2, without what could name a user.
PICTURE = re.compile(r"https://[a-zA-Z0-9.-]+(:[0-9]+)?[/?][a-zA-Z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """Somebody as a provider knows them; the key is ``(provider, issuer, subject)`` and never the e-mail.

    ``email`` is in the one spelling of accounts, ``""`` if there is none or it can be nobody's; ``email_verified`` only
    where the provider says so and is to be believed. ``name`` may be empty, ``picture`` is an https address or empty.
    """

    provider: str
    subject: str
    issuer: str = ""
    email: str = ""
    email_verified: bool = False
    name: str = ""
    picture: str = ""

    def as_dict(self) -> dict[str, Any]:
        """A form that survives JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ProviderProfile":
        """What :meth:`as_dict` gave, after JSON."""
        return cls(**{each.name: values[each.name] for each in fields(cls) if each.name in values})


def profile(
    provider: str,
    subject: object,
    *,
    issuer: str = "",
    email: object = None,
    email_verified: object = False,
    name: object = None,
    picture: object = None,
) -> ProviderProfile | None:
    """A profile of what a provider said, whatever that was; None where it names nobody.

    Values of another kind than expected count as not given, an e-mail only as verified for the boolean ``True``.
    """
    if isinstance(subject, bool) or not isinstance(subject, (str, int)):
        return None
    key = str(subject)
    if not key or len(key) > LONGEST_SUBJECT or not key.isprintable():
        return None
    address = _email(email)
    return ProviderProfile(
        provider,
        key,
        issuer,
        address,
        bool(address) and email_verified is True,
        _name(name),
        _picture(picture),
    )


def _email(value: object) -> str:
    try:
        return normalised(value) if isinstance(value, str) else ""
    except InvalidInput:
        return ""


def _name(value: object) -> str:
    """The name as accounts keep names, cut rather than refused: nobody typed it."""
    return one_line(one_line(value[:MOST_TYPED])[:LONGEST_NAME]) if isinstance(value, str) else ""


def _picture(value: object) -> str:
    is_address = isinstance(value, str) and len(value) <= LONGEST_PICTURE and PICTURE.fullmatch(value)
    return str(value) if is_address else ""
