"""Single sign-on sessions, and authorization requests in flight."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Json


class UserSession(Identified, Base):
    """A signed-in browser. ``id`` is public (the ``sid`` claim); the cookie's value is kept as a hash only.

    ``identity_id`` is by which identity at a provider the person came in last; of none, if by a password. One with
    ``acted_by`` is no login of the person's: that administrator sees the portal as the person does, out of the session
    ``acting_session_id`` of their own, for ``act_reason``.
    """

    __tablename__ = "user_sessions"
    __table_args__ = (
        # A person's open sessions, the latest first, a page at a time.
        sa.Index(
            "ix_user_sessions_open",
            "user_id",
            "last_used_at",
            "id",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index(
            "ix_user_sessions_acted_by",
            "acted_by",
            sqlite_where=sa.text("acted_by IS NOT NULL AND ended_at IS NULL"),
            postgresql_where=sa.text("acted_by IS NOT NULL AND ended_at IS NULL"),
        ),
    )

    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    device_name: Mapped[str] = mapped_column(sa.String(100), default="")
    ip_address: Mapped[str] = mapped_column(sa.String(45), default="")
    user_agent: Mapped[str] = mapped_column(sa.String(400), default="")
    is_remembered: Mapped[bool] = mapped_column(default=False)
    authenticated_at: Mapped[datetime]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    access_count: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(sa.String(40))
    identity_id: Mapped[str | None] = mapped_column(sa.String(36))
    acted_by: Mapped[str | None] = mapped_column(sa.String(36))
    acting_session_id: Mapped[str | None] = mapped_column(sa.String(36))
    act_reason: Mapped[str | None] = mapped_column(sa.String(500))


class Interaction(Base):
    """An authorization request that waits for a person; ``id_hash`` is SHA-256 of the id in the address bar."""

    __tablename__ = "interactions"

    id_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(sa.ForeignKey("clients.client_id", ondelete="CASCADE"))
    request: Mapped[dict[str, Any]] = mapped_column(Json)
    authenticated_session_id: Mapped[str | None] = mapped_column(sa.String(36))
    selected_session_id: Mapped[str | None] = mapped_column(sa.String(36))
    consented_session_id: Mapped[str | None] = mapped_column(sa.String(36))
    denied_session_id: Mapped[str | None] = mapped_column(sa.String(36))
    is_login_latest: Mapped[bool] = mapped_column(default=False)
    code_hash: Mapped[str | None] = mapped_column(sa.String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    answered_at: Mapped[datetime | None]
