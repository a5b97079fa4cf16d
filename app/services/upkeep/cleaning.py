"""Removing rows that decide nothing any more, in small transactions that hold up nobody."""

import itertools
import time
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.models import (
    AuthorizationCode,
    Base,
    BillingEvent,
    ClientSecret,
    Delivery,
    EmailCode,
    Interaction,
    KnownDevice,
    OneTimeToken,
    PeopleBatch,
    ProviderAnswer,
    ProviderRequest,
    QuotaUse,
    RefreshToken,
    RevokedToken,
    TokenFamily,
    UsedAssertion,
    UserSession,
)
from app.services.foundation.environment import Clock, Database

BATCH = 200
PAUSE_SECONDS = 0.02
BATCHES_OF_LOG = 50
"""After so many the database's log is let go: SQLite's would become a fifth of what was removed."""
# What may go how long after its expiry; children before parents, so that little is left to the database's cascades.
KEPT: tuple[tuple[type[Base], timedelta], ...] = (
    (Interaction, timedelta()),
    # So long a code that was used is remembered: using it again ends what it gave.
    (AuthorizationCode, timedelta(days=1)),
    (RefreshToken, timedelta()),
    (TokenFamily, timedelta(days=1)),
    (RevokedToken, timedelta()),
    # Shows among a person's sessions, and outlives every token it is asked about: see NEEDED.
    (UserSession, timedelta(days=30)),
    # So long a link that was used is known as used.
    (OneTimeToken, timedelta(days=1)),
    (KnownDevice, timedelta()),
    # So long a browser that comes back late is told so, and led on with what it wanted.
    (ProviderRequest, timedelta(days=1)),
    (ProviderAnswer, timedelta()),
    (EmailCode, timedelta()),
    # The one before the newest, once it counts no longer; the newest has no end.
    (ClientSecret, timedelta()),
    (UsedAssertion, timedelta()),
    (QuotaUse, timedelta()),
    (BillingEvent, timedelta()),
    # Has waited for an hour, or been told of for a week; its lines go with it.
    (PeopleBatch, timedelta()),
    # Lives on for a week after it arrived or was given up, for who looks for a mail.
    (Delivery, timedelta()),
)

_family = cast(sa.Table, TokenFamily.__table__)
NEEDED: dict[type[Base], sa.ColumnElement[bool]] = {
    UserSession: sa.exists().where(_family.c.session_id == UserSession.id).correlate(UserSession),
}
"""What may not go however old it is: without its session, nobody could end a device by which tokens are renewed."""


class Cleaning:
    """Deletes spent rows of every kind."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def run(self, batch: int = BATCH, pause: float = PAUSE_SECONDS) -> dict[str, int]:
        """Delete what is spent, ``batch`` rows at a time with ``pause`` seconds between; answers how many of each kind.

        Commits after each batch, so it can be stopped at any moment and begun again.
        """
        return {model.__tablename__: self._clean(model, kept, batch, pause) for model, kept in KEPT}

    def _clean(self, model: type[Base], kept: timedelta, batch: int, pause: float) -> int:
        table = cast(sa.Table, model.__table__)
        (key,) = table.primary_key.columns
        spent = sa.select(key).where(table.c.expires_at <= self.clock() - kept).limit(batch)
        if model in NEEDED:
            spent = spent.where(sa.not_(NEEDED[model]))
        # Rows that a request has in hand are left for the next time (SQLite: there are none).
        statement = sa.delete(table).where(key.in_(spent.with_for_update(skip_locked=True)))
        total = 0
        for number in itertools.count(1):
            deleted = int(cast(Any, self.db.session.execute(statement)).rowcount)
            self.db.commit()
            total += deleted
            if deleted < batch:
                break
            if number % BATCHES_OF_LOG == 0:
                self.db.shorten_log()
            time.sleep(pause)
        return total
