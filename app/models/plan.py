"""Plans, what was granted beside them, what was taken of their quotas, and subscriptions that pay for them."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified


class Plan(Base):
    """A plan: those of a higher ``position`` give more. Without a ``monthly_limit`` there is none."""

    __tablename__ = "plans"

    name: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    position: Mapped[int] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(sa.String(60))
    monthly_limit: Mapped[int | None]


class PlanOverride(Identified, Base):
    """Another plan or another limit for one person and a while, whatever the person's own plan says."""

    __tablename__ = "plan_overrides"
    __table_args__ = (sa.Index("ix_plan_overrides_user_created", "user_id", "created_at"),)

    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    plan: Mapped[str | None] = mapped_column(sa.String(20))
    monthly_limit: Mapped[int | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    reason: Mapped[str]
    created_by: Mapped[str] = mapped_column(sa.String(100))
    created_at: Mapped[datetime]


class Quota(Base):
    """What a person has used of the month under way; apart from ``users``, so that no login waits for it.

    ``number`` counts the months, and every time that an operator set the use back: what was taken in another one
    cannot be given back in this one. ``anchor_at`` says on which day and at what time months begin, and stays.
    """

    __tablename__ = "quotas"

    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int]
    used: Mapped[int] = mapped_column(sa.BigInteger)
    anchor_at: Mapped[datetime]
    began_at: Mapped[datetime]
    resets_at: Mapped[datetime]


class QuotaUse(Identified, Base):
    """What was taken at once, and what was answered, for whoever asks again under the same key.

    A client that is deleted takes its name along, so one that is registered under its id later holds none of its keys.
    """

    __tablename__ = "quota_uses"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "client_id", "key_hash"),
        sa.Index("ix_quota_uses_user_created", "user_id", "created_at", "id"),
    )

    user_id: Mapped[str] = mapped_column(sa.ForeignKey("quotas.user_id", ondelete="CASCADE"))
    client_id: Mapped[str | None] = mapped_column(sa.ForeignKey("clients.client_id", ondelete="SET NULL"))
    key_hash: Mapped[str | None] = mapped_column(sa.String(64))
    number: Mapped[int]
    amount: Mapped[int]
    plan: Mapped[str] = mapped_column(sa.String(20))
    monthly_limit: Mapped[int | None]
    used_then: Mapped[int] = mapped_column(sa.BigInteger)
    resets_at: Mapped[datetime]
    given_back: Mapped[int | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class BillingSubscription(Base):
    """A subscription as the payment provider's latest notice told it; ``changed_at`` is by the provider's clock."""

    __tablename__ = "billing_subscriptions"

    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    customer_id: Mapped[str] = mapped_column(sa.String(64), index=True)
    plan: Mapped[str] = mapped_column(sa.String(20))
    status: Mapped[str] = mapped_column(sa.String(20))
    began_at: Mapped[datetime]
    renews_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]


class BillingEvent(Base):
    """A notice of the payment provider that was dealt with, so that it is not again. Names nobody."""

    __tablename__ = "billing_events"

    event_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))
    outcome: Mapped[str] = mapped_column(sa.String(40))
    received_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
