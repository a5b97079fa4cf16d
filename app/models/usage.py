"""How often what happened, by the hour."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


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
