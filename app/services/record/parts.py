"""Which part of the portal what goes on record belongs to: nobody does what they could not put on record."""

from app.services.foundation.powers import AUDIT, CLIENTS, KEYS, SYSTEM, USERS

_PARTS = (
    ("account:", (USERS,)),
    ("session:", (USERS,)),
    ("consent:", (USERS,)),
    ("permission:", (USERS,)),
    ("role:", (USERS,)),
    ("group:", (USERS,)),
    # Of a person, or of a client that is stopped.
    ("oauth:token:", (USERS, CLIENTS)),
    ("client:", (CLIENTS,)),
    ("scope:", (CLIENTS,)),
    ("key:", (KEYS,)),
    ("plan:", (SYSTEM,)),
    ("selfcheck:", (SYSTEM,)),
    ("delivery:", (SYSTEM,)),
    ("provider:", (SYSTEM,)),
    ("audit:read", (AUDIT,)),
    ("audit:exported", (AUDIT,)),
)


def parts_of(event: str) -> tuple[str, ...]:
    """The parts whose administrators may do what goes on record as ``event``; none: administrators of all of it."""
    return next((parts for prefix, parts in _PARTS if event.startswith(prefix)), ())
