"""Identities at outside providers, and what is under way between a browser, a provider and the portal."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Json


class Identity(Identified, Base):
    """Somebody as a provider knows them, and whose account that is.

    ``issuer`` tells apart what a provider of one name was at different times; it is empty for those of one address.
    ``sealed_tokens`` are kept where the end of a link is told with one.
    """

    __tablename__ = "identities"
    __table_args__ = (sa.UniqueConstraint("provider", "issuer", "subject"),)

    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(sa.String(30))
    issuer: Mapped[str] = mapped_column(sa.String(255), default="")
    subject: Mapped[str] = mapped_column(sa.String(255))
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    email_verified: Mapped[bool] = mapped_column(default=False)
    profile: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    sealed_tokens: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]


class ProviderRequest(Base):
    """A browser that was sent to a provider; ``state_hash`` is SHA-256 of the state it has to come back with.

    ``user_id`` and ``session_id`` are whose link or proof it is for; the rest is sealed.
    """

    __tablename__ = "provider_requests"

    state_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    browser_hash: Mapped[str] = mapped_column(sa.String(64), index=True)
    provider: Mapped[str] = mapped_column(sa.String(30))
    purpose: Mapped[str] = mapped_column(sa.String(16))
    user_id: Mapped[str | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    session_id: Mapped[str | None] = mapped_column(sa.String(36))
    sealed: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    answered_at: Mapped[datetime | None]


class ProviderAnswer(Base):
    """Whom a provider has named and who has no account yet, or one that has to be proven; good in one browser, once."""

    __tablename__ = "provider_answers"
    __table_args__ = (sa.Index("ix_provider_answers_identity", "provider", "issuer", "subject"),)

    id_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    browser_hash: Mapped[str] = mapped_column(sa.String(64))
    provider: Mapped[str] = mapped_column(sa.String(30))
    issuer: Mapped[str] = mapped_column(sa.String(255), default="")
    subject: Mapped[str] = mapped_column(sa.String(255))
    sealed: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class EmailCode(Base):
    """A code that was mailed to be typed in the window that asked; ``key_hash`` is SHA-256 of what it is for."""

    __tablename__ = "email_codes"

    key_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(254))
    sealed_code: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
