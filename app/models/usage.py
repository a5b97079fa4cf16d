"""How the portal fares: how often what happened, by the hour, and what its self-check found."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Json


class UsageHour(Base):
    """How often something happened in an hour to a client, or to everybody, whose ``client_id`` is empty.

    Nothing of it is about a person. It is no foreign key, so that counting for everybody needs no row of a client.
    """

    __tablename__ = "usage_hours"
    __table_args__ = (sa.Index("ix_usage_hours_kind_hour", "kind", "hour"),)

    client_id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    count: Mapped[int] = mapped_column(sa.BigInteger)
    last_at: Mapped[datetime]


class SelfcheckReport(Identified, Base):
    """A run of the self-check: nothing of who was lent to it, and who began it for as long as they have an account.

    ``slot`` is set while it runs beside the requests, so there is one at a time; ``found`` is what each probe saw, in
    their order.
    """

    __tablename__ = "selfcheck_reports"

    slot: Mapped[str | None] = mapped_column(sa.String(10), unique=True)
    begun_by: Mapped[str | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"))
    is_command: Mapped[bool]
    address: Mapped[str] = mapped_column(sa.String(255))
    total: Mapped[int]
    found: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    problem: Mapped[str] = mapped_column(sa.String(300), default="")
    began_at: Mapped[datetime]
    noted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
