"""What is registered and kept that an operator should look at before others find it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.models import Client, ClientSecret, Delivery, User
from app.services.delivery.mail import MAIL
from app.services.foundation.environment import Clock, Database
from app.services.tenancy.administrators import ADMINISTERS

MOST_NAMED = 20
_client = cast(sa.Table, Client.__table__)
_secret = cast(sa.Table, ClientSecret.__table__)
_user = cast(sa.Table, User.__table__)
_delivery = cast(sa.Table, Delivery.__table__)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Of mails that are on record still: when the last one arrived, how many were given up after it, how many fail."""

    last_arrival: datetime | None
    given_up_since: int
    failing: int


class Soundness:
    """Finds what ought not to stay so."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def clients_in_development(self) -> list[str]:
        """Active clients whose error pages show everybody what is registered."""
        return self._named(sa.select(_client.c.client_id).where(_client.c.is_active, _client.c.in_development))

    def old_secrets(self, age: timedelta) -> list[str]:
        """Active clients whose newest secret is older than that."""
        newest = sa.func.max(_secret.c.created_at)
        old = (
            sa.select(_client.c.client_id)
            .join(_secret, _secret.c.client_id == _client.c.client_id)
            .where(_client.c.is_active)
            .group_by(_client.c.client_id)
            .having(newest < self.clock() - age)
        )
        return self._named(old)

    def ending_secrets(self, within: timedelta) -> list[str]:
        """Active clients one of whose two secrets counts no longer than that."""
        now = self.clock()
        ending = (
            sa.select(_client.c.client_id)
            .join(_secret, _secret.c.client_id == _client.c.client_id)
            .where(_client.c.is_active, _secret.c.expires_at > now, _secret.c.expires_at <= now + within)
        )
        return self._named(ending)

    def administrators(self) -> tuple[int, int]:
        """How many active people administer, and how many of them never verified their e-mail address."""
        row = self.db.session.execute(
            sa.select(
                sa.func.count(),
                sa.func.coalesce(sa.func.sum(sa.case((_user.c.email_verified, 0), else_=1)), 0),
            ).where(_user.c.is_active, ADMINISTERS)
        ).one()
        return int(row[0]), int(row[1])

    def mails(self) -> Deliveries:
        """How mails have fared lately."""
        is_mail = _delivery.c.kind == MAIL
        last = self.db.session.scalar(sa.select(sa.func.max(_delivery.c.done_at)).where(is_mail))
        given_up = [is_mail, _delivery.c.given_up_at.is_not(None)]
        if last is not None:
            given_up.append(_delivery.c.given_up_at > last)
        is_open = sa.and_(_delivery.c.done_at.is_(None), _delivery.c.given_up_at.is_(None))
        return Deliveries(last, self._count(*given_up), self._count(is_mail, is_open, _delivery.c.error != ""))

    def _count(self, *conditions: sa.ColumnElement[bool]) -> int:
        return int(self.db.session.scalar(sa.select(sa.func.count()).where(*conditions)) or 0)

    def _named(self, query: "sa.Select[Any]") -> list[str]:
        return list(self.db.session.scalars(query.order_by(_client.c.client_id).limit(MOST_NAMED)))
