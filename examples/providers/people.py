"""The few people who have an account at every provider, and what is told of them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from examples.providers.switches import Switches

CHANGED_EMAIL = "changed@example.com"


@dataclass(frozen=True)
class Person:
    """Somebody, as a provider knows them. Without an e-mail there is only a telephone number, which nobody is told."""

    key: str
    korean: str
    english: str
    email: str | None
    is_verified: bool = True
    picture: str = ""


@dataclass(frozen=True)
class Profile:
    """What a provider tells of somebody now."""

    subject: str
    name: str
    email: str | None
    is_verified: bool
    picture: str | None


def _picture(key: str) -> str:
    return f"https://pictures.example.com/{key}.png"


PEOPLE = [
    Person("kim", "김민수", "Minsu Kim", "kim.minsu@example.com", True, _picture("kim")),
    Person("lee", "이서연", "Seoyeon Lee", "lee.seoyeon@example.com", True, _picture("lee")),
    Person("park", "박지훈", "Jihun Park", "park.jihun@example.com", False, _picture("park")),
    Person("choi", "최유진", "Yujin Choi", None),
]
"""Two with a verified address, one with an address that was never verified, one without any."""

# Letters that fall apart (NFD), letters of full width, and some that only change how others look.
HOSTILE_NAMES = {
    "markup": "<img src=x onerror=alert(1)>",
    "long": "가" * 5_000,
    "unicode": "\u1100\u1175\u11b7\u1106\u1175\u11ab\u1109\u116e Ｋｉｍ\u202e\u200b",
}
HOSTILE_EMAILS = {"unicode": "Ｋｉｍ.\u1106\u1175\u11ab\u1109\u116e@example.com"}
HOSTILE_PICTURE = "javascript:alert(1)"
WRONG_TYPES: dict[str, Any] = {
    **{name: ["a", "list"] for name in ("name", "nickname", "global_name", "username")},
    **{name: {"an": "object"} for name in ("picture", "profile_image", "profile_image_url", "avatar")},
    "email": 42,
    "email_verified": "true",
}


class Profiles:
    """What one provider tells, as its switches say. ``subject`` makes an id of an account in its form."""

    def __init__(self, switches: Switches, subject: Callable[[str], str], *, is_korean: bool) -> None:
        self._switches = switches
        self._subject = subject
        self._is_korean = is_korean

    def of(self, person: Person, *, has_email: bool = True) -> Profile:
        """The profile; without an address where one is not to be told."""
        changed, hostile, recreated = (self._switches[name] for name in ("changed_email", "hostile", "recreated"))
        name = person.korean if self._is_korean else person.english
        email = (CHANGED_EMAIL if changed is True else str(changed)) if changed else person.email
        kind = "markup" if hostile is True else str(hostile)
        account = f"{person.key}{'again' if recreated else ''}"
        return Profile(
            recreated if isinstance(recreated, str) else self._subject(account),
            HOSTILE_NAMES.get(kind, name),
            HOSTILE_EMAILS.get(kind, email) if has_email else None,
            person.is_verified and not self._switches["unverified_email"],
            HOSTILE_PICTURE if hostile else person.picture or None,
        )

    def typed(self, told: dict[str, Any]) -> dict[str, Any]:
        """What is told, with values of other types than one expects where a switch says so."""
        return told | {name: value for name, value in WRONG_TYPES.items() if name in told and self._are_wrong}

    @property
    def _are_wrong(self) -> bool:
        return self._switches["hostile"] == "types"


def numbered(provider: str, account: str, digits: int) -> str:
    """A number that is always that of this account at this provider."""
    number = int(hashlib.sha256(f"{provider} {account}".encode()).hexdigest(), 16)
    return str(10 ** (digits - 1) + number % (9 * 10 ** (digits - 1)))
