"""What is done beside the requests: mails and notices until they arrived or are given up, and what is done to many."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Json

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


class PeopleBatch(Identified, Base):
    """People that were chosen, or a file of people; what is to be done, and how far it is.

    ``user_id`` is whose it is. ``sealed`` is the file, encrypted; empty as soon as it is not needed any more.
    ``place`` is how far it was read: the number of its last row that was done.
    """

    __tablename__ = "people_batches"

    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    state: Mapped[str] = mapped_column(sa.String(20))
    wishes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    place: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    problem: Mapped[str] = mapped_column(sa.String(200), default="")
    sealed: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class PeopleBatchLine(Identified, Base):
    """Somebody of a batch, or a row of its file that is worth telling of; ``result`` is empty until it was its turn.

    ``reasons`` has what speaks against it.
    """

    __tablename__ = "people_batch_lines"
    __table_args__ = (sa.UniqueConstraint("batch_id", "number"),)

    batch_id: Mapped[str] = mapped_column(sa.ForeignKey("people_batches.id", ondelete="CASCADE"))
    user_id: Mapped[str | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    result: Mapped[str] = mapped_column(sa.String(20), default="")
    reasons: Mapped[list[Any]] = mapped_column(Json, default=list)
