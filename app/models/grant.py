"""What a person allowed, and what was issued for it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Json


class Consent(Identified, Base):
    """The scopes a person allowed a client, until withdrawn, and the optional ones that were left out."""

    __tablename__ = "consents"
    __table_args__ = (sa.UniqueConstraint("user_id", "client_id"),)

    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    client_id: Mapped[str] = mapped_column(sa.ForeignKey("clients.client_id", ondelete="CASCADE"), index=True)
    scopes: Mapped[list[str]] = mapped_column(Json, default=list)
    declined: Mapped[list[str]] = mapped_column(Json, default=list)
    granted_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class TokenFamily(Identified, Base):
    """All tokens that descend from one authorization; they live and die together.

    Whoever adds a token to a family or ends it locks this row first, so that nothing is minted that
    outlives a revocation.
    """

    __tablename__ = "token_families"
    __table_args__ = (
        sa.Index("ix_token_families_client_expires", "client_id", "expires_at", "id"),
        sa.Index(
            "ix_token_families_ended",
            "expires_at",
            "id",
            sqlite_where=sa.text("revoked_at IS NOT NULL"),
            postgresql_where=sa.text("revoked_at IS NOT NULL"),
        ),
    )

    client_id: Mapped[str] = mapped_column(sa.ForeignKey("clients.client_id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[str | None] = mapped_column(sa.ForeignKey("user_sessions.id", ondelete="SET NULL"), index=True)
    scope: Mapped[str]
    authenticated_at: Mapped[datetime]
    claims: Mapped[dict[str, Any] | None] = mapped_column(Json)
    access_jti: Mapped[str] = mapped_column(sa.String(43))
    access_expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
    revoke_reason: Mapped[str | None] = mapped_column(sa.String(40))


class AuthorizationCode(Base):
    """A code, kept as a hash, with all that its redemption has to match (:rfc:`6749#section-4.1.3`)."""

    __tablename__ = "authorization_codes"

    code_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(sa.ForeignKey("clients.client_id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    session_id: Mapped[str] = mapped_column(sa.ForeignKey("user_sessions.id", ondelete="CASCADE"), index=True)
    redirect_uri: Mapped[str]
    redirect_uri_was_sent: Mapped[bool] = mapped_column(default=True)
    scope: Mapped[str]
    nonce: Mapped[str | None]
    code_challenge: Mapped[str | None] = mapped_column(sa.String(128))
    authenticated_at: Mapped[datetime]
    claims: Mapped[dict[str, Any] | None] = mapped_column(Json)
    has_refresh: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    redeemed_at: Mapped[datetime | None]
    family_id: Mapped[str | None] = mapped_column(sa.String(36))


class RefreshToken(Identified, Base):
    """One generation of a refresh token family; only hashes and a sealed successor are kept."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (sa.Index("ix_refresh_tokens_family_generation", "family_id", "rotation_count"),)

    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    family_id: Mapped[str] = mapped_column(sa.ForeignKey("token_families.id", ondelete="CASCADE"))
    session_id: Mapped[str | None] = mapped_column(sa.String(36))
    client_id: Mapped[str] = mapped_column(sa.String(100))
    user_id: Mapped[str] = mapped_column(sa.String(36))
    scope: Mapped[str]
    access_jti: Mapped[str] = mapped_column(sa.String(43))
    access_issued_at: Mapped[datetime]
    access_expires_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    rotated_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    client_ip: Mapped[str] = mapped_column(sa.String(45), default="")
    user_agent: Mapped[str] = mapped_column(sa.String(400), default="")
    rotation_count: Mapped[int] = mapped_column(default=0)
    repeat_count: Mapped[int] = mapped_column(default=0)
    successor_hash: Mapped[str | None] = mapped_column(sa.String(64))
    sealed_successor: Mapped[str | None]


class RevokedToken(Base):
    """An access token that is refused before its time; the truth behind ``blacklist:{jti}``."""

    __tablename__ = "revoked_tokens"

    jti: Mapped[str] = mapped_column(sa.String(43), primary_key=True)
    user_id: Mapped[str | None] = mapped_column(sa.String(36), index=True)
    client_id: Mapped[str | None] = mapped_column(sa.String(100))
    reason: Mapped[str] = mapped_column(sa.String(40))
    blacklisted_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
