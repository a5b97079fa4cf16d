"""Whose rows the requests of a blueprint reach: what its views are for, and no more (:mod:`app.database.contexts`).

What proves who is there (the cookie of a session, a token) is looked up by whoever reads it, in a context of its own.
"""

from flask import Blueprint

from app.database import AUTHENTICATION, PROTOCOL, person
from app.web.sessions import current_session
from app.wiring import services


def reach_protocol(bp: Blueprint) -> None:
    """Have its requests reach what the protocol needs."""
    bp.before_request(lambda: services.db.enter(PROTOCOL))


def reach_authentication(bp: Blueprint) -> None:
    """Have its requests reach what finding out who is there needs."""
    bp.before_request(lambda: services.db.enter(AUTHENTICATION))


def reach_who_is_there(bp: Blueprint) -> None:
    """Have its requests reach the rows of who is logged in, and nothing where nobody is."""

    def reach() -> None:
        if session := current_session():
            services.db.enter(person(session.user_id))

    bp.before_request(reach)
