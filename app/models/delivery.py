"""What has to reach somebody outside: mails and logout notices, kept until they arrived or are given up."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified

IS_OPEN = sa.text("done_at IS NULL AND given_up_at IS NULL")


class Delivery(Identified, Base):
    """One thing to deliver. ``sealed`` is its content, encrypted, and empty once it is done or given up.

    ``user_id`` is no foreign key: what an account's end has to tell outlives the account.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        sa.Index(
            "ix_deliveries_due",
            "next_attempt_at",
            sqlite_where=IS_OPEN,
            postgresql_where=IS_OPEN,
        ),
    )

    kind: Mapped[str] = mapped_column(sa.String(40))
    user_id: Mapped[str | None] = mapped_column(sa.String(36), index=True)
    client_id: Mapped[str | None] = mapped_column(sa.String(100))
    sealed: Mapped[str]
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(sa.String(200), default="")
    expires_at: Mapped[datetime] = mapped_column(index=True)
