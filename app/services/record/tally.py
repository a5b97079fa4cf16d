"""What happened and is counted: told to whoever listens once it is certain, since what is taken back never happened.

Services say facts in the words of the field and know nobody who counts them. Labels are constants of the code or names
from the settings, never something that was sent, nor anything about a person.
"""

import enum
from collections.abc import Callable, Sequence

from app.services.foundation.environment import Database


class Fact(enum.Enum):
    """What is counted, each with its labels."""

    EVENT = ("event", "result")
    """Something went on record: a success, or the error."""
    LOGIN = ("provider", "result")
    SESSION_STARTED = ("kind",)
    SESSION_ENDED = ("reason",)
    TOKEN = ("grant", "result")
    REFRESH = ("outcome",)
    DENIAL = ("endpoint", "error")
    DELIVERY = ("kind", "result")
    QUOTA = ("plan", "outcome")
    """So much was taken of quotas, or given back."""
    QUOTA_REFUSED = ("plan",)
    BILLING = ("result",)
    """A notice of the payment provider was dealt with."""

    # Each is there once; the names of all others would be hashed a thousand times a second.
    __hash__ = object.__hash__


Happening = tuple[Fact, tuple[str, ...], int]
"""A fact, the values of its labels, and how often it happened."""
Listener = Callable[[Fact, tuple[str, ...], int], None]


class Tally:
    """Passes facts on."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Have ``listener`` told of every fact in this process; it must neither fail nor wait."""
        self._listeners.append(listener)

    def count(self, fact: Fact, *labels: str, by: int = 1) -> None:
        """Something happened that stands whatever becomes of the transaction, such as a refusal."""
        for listener in self._listeners:
            listener(fact, labels, by)

    def count_if_kept(self, happenings: Sequence[Happening]) -> None:
        """These happened if the current transaction is committed."""
        if self._listeners:
            self._db.afterwards(lambda: self._pass_on(happenings))

    def _pass_on(self, happenings: Sequence[Happening]) -> None:
        for fact, labels, by in happenings:
            self.count(fact, *labels, by=by)
