"""How far somebody administers: each part of the portal is opened by a permission of its name, all of them by being an
administrator of the platform.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.errors import OutOfPower

PREFIX = "admin:"
CLIENTS, USERS, AUDIT, KEYS, SYSTEM = "admin:clients", "admin:users", "admin:audit", "admin:keys", "admin:system"
PARTS = (CLIENTS, USERS, AUDIT, KEYS, SYSTEM)


@dataclass(frozen=True, slots=True)
class Powers:
    """The parts somebody may administer; ``is_full`` for whoever administers the platform, and so all of them."""

    parts: frozenset[str] = frozenset()
    is_full: bool = False

    @property
    def is_any(self) -> bool:
        """Whether there is anything at all."""
        return self.is_full or bool(self.parts)

    def cover(self, *parts: str) -> bool:
        """Whether one of ``parts`` is among them."""
        return self.is_full or not self.parts.isdisjoint(parts)

    def require(self, *parts: str) -> None:
        """Raise :class:`OutOfPower` unless they cover one of ``parts``; with none named, unless they are full."""
        if not self.cover(*parts):
            raise OutOfPower


NO_POWERS = Powers()
FULL_POWERS = Powers(frozenset(PARTS), is_full=True)


def is_powerful(permissions: Iterable[str]) -> bool:
    """Whether a role with these permissions opens any part of the administration."""
    return any(name.startswith(PREFIX) for name in permissions)


def powers_by(permissions: Iterable[str], *, is_full: bool) -> Powers:
    """What somebody administers whose role permits these; everything, for who administers the platform."""
    return FULL_POWERS if is_full else Powers(frozenset(PARTS).intersection(permissions))
