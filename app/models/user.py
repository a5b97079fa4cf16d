"""People."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified


class User(Identified, Base):
    """A person with an account. ``email`` is unique, in the one spelling of :mod:`app.services.people.email_names`.

    ``plan`` with its status and dates is what was set or paid for; what counts also depends on the time and on
    overrides (:mod:`app.services.plans.effective`). What was used is in ``quotas``: ``quota_used`` and
    ``quota_resets_at`` stay for older code, which wants the columns and does not look at them.
    """

    __tablename__ = "users"
    __table_args__ = (
        sa.Index("ix_users_created", "created_at", "id"),
        sa.Index("uq_users_billing_customer_id", "billing_customer_id", unique=True),
        sa.Index("uq_users_billing_subscription_id", "billing_subscription_id", unique=True),
    )

    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    username: Mapped[str] = mapped_column(sa.String(64), unique=True)
    full_name: Mapped[str] = mapped_column(sa.String(200), default="")
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[datetime | None]
    email_verified: Mapped[bool] = mapped_column(default=False)
    avatar_url: Mapped[str | None]
    bio: Mapped[str] = mapped_column(default="")
    locale: Mapped[str] = mapped_column(sa.String(16), default="ko")
    timezone: Mapped[str] = mapped_column(sa.String(64), default="Asia/Seoul")
    plan: Mapped[str] = mapped_column(sa.String(20), default="free")
    plan_status: Mapped[str] = mapped_column(sa.String(20), default="active")
    plan_started_at: Mapped[datetime | None]
    plan_ends_at: Mapped[datetime | None]
    billing_customer_id: Mapped[str | None] = mapped_column(sa.String(64))
    billing_subscription_id: Mapped[str | None] = mapped_column(sa.String(64))
    quota_used: Mapped[int] = mapped_column(default=0)
    quota_resets_at: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    is_staff: Mapped[bool] = mapped_column(default=False)
    is_superuser: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]
    deletion_requested_at: Mapped[datetime | None]
    deletes_at: Mapped[datetime | None] = mapped_column(index=True)
