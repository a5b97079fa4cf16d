"""Whose rows a transaction may reach: what it tells the policies of PostgreSQL's row-level security about itself.

Every table that says something of a person has policies. They read settings that count until the transaction ends, so
no connection carries them to the next one; without them no row is there. SQLite has no such thing, and every context
reaches everything there.
"""

import re
from dataclasses import dataclass, field

ID = re.compile(r"[A-Za-z0-9-]{1,36}")


@dataclass(frozen=True, slots=True)
class Context:
    """A reach: of one person, of a part of the portal over everybody, or of whoever administers."""

    user_id: str = ""
    part: str = ""
    is_superuser: bool = False
    commands: str = field(init=False, repr=False)
    """What a transaction is told: each of the settings, so that none is left from a context before."""
    told: dict[str, str] = field(init=False, repr=False)
    """The one setting that counts, for a statement that is a transaction of its own and has none before it."""

    def __post_init__(self) -> None:
        """Say it as PostgreSQL is told it."""
        settings = {"current_user_id": self.user_id, "part": self.part, "is_superuser": str(self.is_superuser).lower()}
        commands = "; ".join(f"SET LOCAL app.{name} = '{value}'" for name, value in settings.items())
        name = "is_superuser" if self.is_superuser else "current_user_id" if self.user_id else "part"
        object.__setattr__(self, "commands", commands)
        object.__setattr__(self, "told", {"told_name": f"app.{name}", "told_value": settings[name]})


NOBODY = Context()
"""Reaches no row of a person."""
PROTOCOL = Context(part="protocol")
"""What the protocol's endpoints need of people, sessions and grants, whoever they are of."""
AUTHENTICATION = Context(part="authentication")
"""What finding out who somebody is needs: registering, logging in, coming back after a forgotten password."""
BILLING = Context(part="billing")
"""What a notice of whoever takes payments is about: somebody's subscription and plan."""
ADMINISTRATION = Context(is_superuser=True)
"""All rows: commands, service tokens, what is done beside the requests."""


def person(user_id: str) -> Context:
    """The rows of one person. Raises :class:`ValueError` for what is no id."""
    if not ID.fullmatch(user_id):
        raise ValueError("not the id of a person")
    return Context(user_id=user_id)
