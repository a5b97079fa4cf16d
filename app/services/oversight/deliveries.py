"""What waits to leave the portal, what arrived and what was given up, of the last days; never what it says."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound
from app.models import Delivery
from app.services.foundation.environment import Database
from app.services.foundation.pages import Count, Order, Page, count_of, page_of

_delivery = cast(sa.Table, Delivery.__table__)
LATEST = Order("delivery", _delivery.c.created_at, _delivery.c.id)
_IS_OPEN = sa.and_(_delivery.c.done_at.is_(None), _delivery.c.given_up_at.is_(None))


class DeliveryState(enum.StrEnum):
    """What has become of a delivery; one that waits after a failure is failing."""

    WAITING = "waiting"
    FAILING = "failing"
    DONE = "done"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class SeenDelivery:
    """A delivery without its content; ``error`` is why the last attempt failed."""

    id: str
    kind: str
    user_id: str | None
    client_id: str | None
    created_at: datetime
    next_attempt_at: datetime
    attempts: int
    done_at: datetime | None
    given_up_at: datetime | None
    error: str
    state: DeliveryState


@dataclass(frozen=True, slots=True)
class WantedDeliveries:
    """Which deliveries: those of which all hold that is not None."""

    kind: str | None = None
    state: DeliveryState | None = None
    user_id: str | None = None
    client_id: str | None = None
    since: datetime | None = None
    kinds: tuple[str, ...] | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The same for the database."""
        of = _delivery.c
        in_state: dict[DeliveryState, list[sa.ColumnElement[bool]]] = {
            DeliveryState.WAITING: [_IS_OPEN, of.error == ""],
            DeliveryState.FAILING: [_IS_OPEN, of.error != ""],
            DeliveryState.DONE: [of.done_at.is_not(None)],
            DeliveryState.GIVEN_UP: [of.given_up_at.is_not(None)],
        }
        same: tuple[tuple[sa.Column[Any], str | None], ...] = (
            (of.kind, self.kind),
            (of.user_id, self.user_id),
            (of.client_id, self.client_id),
        )
        return [
            *(column == value for column, value in same if value is not None),
            *(in_state[self.state] if self.state else []),
            *([of.created_at >= self.since] if self.since else []),
            *([of.kind.in_(self.kinds)] if self.kinds is not None else []),
        ]


class Deliveries:
    """Lists deliveries."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def page(self, wanted: WantedDeliveries, *, limit: int, after: str | None = None) -> Page[SeenDelivery]:
        """Deliveries, the latest first; raises :class:`app.errors.InvalidInput` for a cursor that is none."""
        conditions = wanted.conditions()
        return page_of(self.db, sa.select(*_SHOWN), conditions, LATEST, _seen, limit=limit, after=after)

    def one(self, delivery_id: str) -> SeenDelivery:
        """A delivery; raises :class:`app.errors.NotFound` where there is none of this id."""
        row = self.db.session.execute(sa.select(*_SHOWN).where(_delivery.c.id == delivery_id)).first()
        if row is None:
            raise NotFound
        return _seen(row)

    def latest_trouble(self, kinds: tuple[str, ...]) -> SeenDelivery | None:
        """The latest delivery of these kinds that waits after a failure or was given up, if there is one."""
        troubled = sa.select(*_SHOWN).where(_delivery.c.kind.in_(kinds), _delivery.c.error != "")
        row = self.db.session.execute(troubled.order_by(_delivery.c.created_at.desc()).limit(1)).first()
        return _seen(row) if row is not None else None

    def count(self, wanted: WantedDeliveries) -> Count:
        """How many those are, up to a bound."""
        return count_of(self.db, _delivery.c.id, wanted.conditions())


_SHOWN = [column for column in _delivery.columns if column.name not in {"sealed", "expires_at"}]


def _seen(row: Any) -> SeenDelivery:
    if row.done_at is not None:
        state = DeliveryState.DONE
    elif row.given_up_at is not None:
        state = DeliveryState.GIVEN_UP
    else:
        state = DeliveryState.FAILING if row.error else DeliveryState.WAITING
    return SeenDelivery(**row._mapping, state=state)
