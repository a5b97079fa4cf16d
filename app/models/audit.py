"""The record of security-relevant actions."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Json


class AuditLog(Identified, Base):
    """One action. Never holds a secret, a token or a password. References are plain ids, so rows outlive subjects."""

    __tablename__ = "oauth_audit_logs"
    __table_args__ = (
        sa.Index("ix_oauth_audit_logs_user_created", "user_id", "created_at"),
        # What happened with an account, by kind: each event's latest, put together. Services' own have no part in it.
        sa.Index(
            "ix_oauth_audit_logs_user_action",
            "user_id",
            "action",
            "created_at",
            "id",
            sqlite_where=sa.text("user_id IS NOT NULL"),
            postgresql_where=sa.text("user_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_oauth_audit_logs_user_refused",
            "user_id",
            "created_at",
            "id",
            sqlite_where=sa.text("success = 0"),
            postgresql_where=sa.text("NOT success"),
        ),
    )

    action: Mapped[str] = mapped_column(sa.String(64))
    client_id: Mapped[str | None] = mapped_column(sa.String(100))
    user_id: Mapped[str | None] = mapped_column(sa.String(36))
    actor: Mapped[str] = mapped_column(sa.String(100), default="")
    success: Mapped[bool] = mapped_column(default=True)
    error_code: Mapped[str | None] = mapped_column(sa.String(64))
    ip_address: Mapped[str] = mapped_column("ip", sa.String(45), default="")
    user_agent: Mapped[str] = mapped_column(sa.String(400), default="")
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(index=True)
