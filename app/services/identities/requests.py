"""Browsers on their way to a provider and back: each trip is a row, good once, for one browser and one provider."""

import enum
import hmac
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound
from app.models import ProviderRequest
from app.services.foundation.environment import Clock, Database, random_token, sha256
from app.services.foundation.sealing import Sealer, Unopenable

LIFE = timedelta(minutes=30)
"""For what a person does at a provider: creating an account there takes a while."""
_request = cast(sa.Table, ProviderRequest.__table__)


class Purpose(enum.StrEnum):
    """What a browser was sent to a provider for."""

    LOG_IN = "log_in"
    LINK = "link"
    PROVE = "prove"
    CONFIRM = "confirm"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Way:
    """Where somebody goes on afterwards: the authorization request that waits, or a path of the portal.

    With ``answer_id`` the trip proves the account of an earlier answer; ``remember`` asks to stay logged in.
    """

    interaction_id: str | None = None
    next_path: str | None = None
    answer_id: str | None = None
    remember: bool = False


@dataclass(frozen=True, slots=True)
class Trip:
    """A browser that was sent away: with what, for what, and for whom; ``is_anew`` to log in there once more."""

    provider: str
    purpose: Purpose
    redirect_uri: str
    way: Way = field(default_factory=Way)
    user_id: str | None = None
    session_id: str | None = None
    code_verifier: str = ""
    nonce: str = ""
    is_anew: bool = False


class TripProblem(Exception):
    """A browser came back in a way that must not count; ``reason`` is a constant, ``trip`` what is known of it."""

    def __init__(self, reason: str, trip: Trip | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.trip = trip


class ProviderRequests:
    """Keeps trips."""

    def __init__(self, db: Database, clock: Clock, sealer: Sealer) -> None:
        self.db = db
        self.clock = clock
        self.sealer = sealer

    def begin(self, trip: Trip, state: str, browser: str) -> None:
        """Keep a trip of a browser, which ``browser`` names, and the state it has to come back with."""
        now = self.clock()
        secret = {
            "redirect_uri": trip.redirect_uri,
            "way": asdict(trip.way),
            "code_verifier": trip.code_verifier,
            "nonce": trip.nonce,
            "is_anew": trip.is_anew,
        }
        self.db.session.execute(
            sa.insert(_request).values(
                state_hash=sha256(state),
                browser_hash=sha256(browser),
                provider=trip.provider,
                purpose=trip.purpose.value,
                user_id=trip.user_id,
                session_id=trip.session_id,
                sealed=self.sealer.seal(json.dumps(secret).encode()),
                created_at=now,
                expires_at=now + LIFE,
            )
        )

    def take(self, state: str, browser: str, provider: str) -> Trip:
        """The trip that ends here; of many who come back with one state one gets it. Commits.

        Raises :class:`TripProblem`: ``unknown``, ``another_browser`` (which uses nothing up), ``mixed_up`` where it was
        begun with another provider, ``replayed``, ``too_late``.
        """
        is_it = (_request.c.state_hash == sha256(state), _request.c.purpose != Purpose.TICKET.value)
        row = self.db.session.execute(sa.select(_request).where(*is_it)).first()
        if row is None or (trip := self._opened(row)) is None:
            raise TripProblem("unknown", self.latest(browser))
        if not hmac.compare_digest(row.browser_hash, sha256(browser)):
            raise TripProblem("another_browser", Trip(row.provider, Purpose.LOG_IN, "", _request_alone(trip.way)))
        taken = self.db.session.execute(
            sa.update(_request)
            .where(_request.c.state_hash == row.state_hash, _request.c.answered_at.is_(None))
            .values(answered_at=self.clock())
        )
        self.db.commit()
        if cast(Any, taken).rowcount != 1:
            raise TripProblem("replayed", trip)
        if row.provider != provider:
            raise TripProblem("mixed_up", trip)
        if cast(datetime, row.expires_at) <= self.clock():
            raise TripProblem("too_late", trip)
        return trip

    def issue_ticket(self, provider: str, user_id: str, session_id: str | None, way: Way) -> str:
        """What a person who is logged in elsewhere in this browser begins a link with, once, within half an hour."""
        ticket = new_state()
        self.begin(Trip(provider, Purpose.TICKET, "", way, user_id, session_id), ticket, "")
        return ticket

    def redeem_ticket(self, ticket: str, provider: str, user_id: str) -> Way:
        """Where the link that this very person asked for leads in the end; raises :class:`NotFound`."""
        row = self.db.session.execute(
            sa.update(_request)
            .where(
                _request.c.state_hash == sha256(ticket),
                _request.c.purpose == Purpose.TICKET.value,
                _request.c.provider == provider,
                _request.c.user_id == user_id,
                _request.c.answered_at.is_(None),
                _request.c.expires_at > self.clock(),
            )
            .values(answered_at=self.clock())
            .returning(_request)
        ).first()
        if row is None or (trip := self._opened(row)) is None:
            raise NotFound
        return trip.way

    def latest(self, browser: str) -> Trip | None:
        """The last trip this browser began, to lead it back to what it wanted."""
        newest = sa.select(_request).where(
            _request.c.browser_hash == sha256(browser), _request.c.expires_at > self.clock()
        )
        row = (
            self.db.session.execute(newest.order_by(_request.c.created_at.desc()).limit(1)).first() if browser else None
        )
        return self._opened(row) if row else None

    def _opened(self, row: Any) -> Trip | None:
        try:
            secret = json.loads(self.sealer.open(row.sealed))
        except (Unopenable, ValueError):
            return None
        return Trip(
            row.provider,
            Purpose(row.purpose),
            secret["redirect_uri"],
            Way(**secret["way"]),
            row.user_id,
            row.session_id,
            secret["code_verifier"],
            secret["nonce"],
            secret["is_anew"],
        )


def _request_alone(way: Way) -> Way:
    """What another browser may go on with: the request of an application, whose id gives nobody anything by itself."""
    return Way(interaction_id=way.interaction_id)


def new_state() -> str:
    """A state nobody can guess, 256 bits."""
    return random_token(256)
