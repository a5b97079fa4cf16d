"""What services are given: a database, a clock, and the facts about who is calling."""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import scoped_session

from app.services.foundation.powers import Powers

Clock = Callable[[], datetime]


class Fit(Protocol):
    """Whether this code can work on a schema, and in one line why not."""

    @property
    def is_usable(self) -> bool:
        """It can."""
        ...

    @property
    def is_expected(self) -> bool:
        """It is the very one this code was written for."""
        ...

    @property
    def needs_migration(self) -> bool:
        """Migrating makes it that one."""
        ...

    @property
    def sentence(self) -> str:
        """Which revision is there, which is needed, and what to do."""
        ...


class Database(Protocol):
    """Gives the unit of work of the current request or command."""

    @property
    def session(self) -> "scoped_session[Any]":
        """The session whose transaction the edge commits."""
        ...

    @property
    def dialect(self) -> sa.Dialect:
        """What the database speaks."""
        ...

    @property
    def speech(self) -> tuple[sa.Dialect, str | None]:
        """What the database speaks, and the schema that statements name their tables in, if they name one."""
        ...

    def execute(
        self, statement: str, values: Any, *, writes: bool, is_alone: bool = False, by_itself: Any = None
    ) -> Any:
        """Run driver-level SQL in the transaction of the session; the answer is the driver's cursor until the next.

        ``is_alone`` is what may be a transaction of its own, ``by_itself`` makes of what it is to say of itself a
        statement that says it.
        """
        ...

    def role_weakness(self) -> str | None:
        """What the database's role can do that the portal does not need, in a sentence; None for nothing."""
        ...

    def enter(self, context: Any) -> None:
        """From the next statement on, reach the rows that the context of the edge says."""
        ...

    def reaching_all(self) -> AbstractContextManager[None]:
        """Reach all rows for a while, whoever they are of."""
        ...

    def reaching_as_protocol(self) -> AbstractContextManager[None]:
        """Reach for a while what the protocol's endpoints reach."""
        ...

    def execute_later(self, statement: str, values: Any) -> None:
        """Run a statement that writes before the next one or the commit, together with others where possible."""
        ...

    def execute_alone(self, statement: str, values: Any) -> int:
        """Run one statement of SQLite's that writes, a transaction of its own or in the one under way; rows changed."""
        ...

    def require_writable(self) -> None:
        """Raise what an outage raises where the server can only be read."""
        ...

    def schema_fit(self) -> Fit:
        """Whether this code can work on the schema that is there."""
        ...

    def take_turn(self) -> None:
        """Begin a transaction that no other process is in which asked for its turn."""
        ...

    def commit(self) -> None:
        """Make what was done so far last."""
        ...

    def rollback(self) -> None:
        """Take back what was done since the last commit."""
        ...

    def give_back(self) -> None:
        """Let others have the connection while somebody outside is waited for; what was not committed is taken back."""
        ...

    def afterwards(self, action: Callable[[], object]) -> None:
        """Have ``action`` called once what was done so far has been committed; never, if it is taken back."""
        ...

    def shorten_log(self) -> None:
        """Between two transactions: let the database's log go, where it would grow as long as others read."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request came from, as far as it goes on record, and the id it goes by in the log, if one is under way.

    ``user_id`` is who does something that concerns no person: the record is theirs, also to be told and erased.
    ``powers`` is how far they may go who administer by what their role permits; None for whoever is bounded otherwise:
    people by what is theirs, services by their scopes, commands by nothing.
    """

    ip_address: str = ""
    user_agent: str = ""
    actor: str = ""
    request_id: str = ""
    user_id: str = ""
    powers: Powers | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "user_agent", printable(self.user_agent, 400))
        object.__setattr__(self, "ip_address", self.ip_address[:45])

    def require_full_if(self, is_about_administrators: bool) -> None:
        """Raise :class:`app.errors.OutOfPower` where only administrators of the platform may go on."""
        if self.powers is not None and is_about_administrators:
            self.powers.require()

    def unlocated(self) -> "Caller":
        """The same without address and browser: they are another person's than the record's."""
        return replace(self, ip_address="", user_agent="")


def utc_now() -> datetime:
    """The present, aware UTC."""
    return datetime.now(UTC)


def sha256(value: str) -> str:
    """Hex SHA-256 of ``value``; enough for random secrets, which cannot be guessed."""
    # JSON can hold half a surrogate pair, which is no text but has to be refused like any other wrong secret.
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def random_token(bits: int) -> str:
    """URL-safe random text of ``bits`` bits."""
    return secrets.token_urlsafe(bits // 8)


def printable(text: str, length: int) -> str:
    """``text`` without control characters, cut to ``length``: safe for the database and for logs."""
    kept = text if text.isprintable() else "".join(character for character in text if character.isprintable())
    return kept[:length]


NOBODY = Caller()
