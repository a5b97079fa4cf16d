"""The record of security-relevant actions, what proves that nobody changed it, and what is asked of it often."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Json

NOT_ROUTINE = sa.text("action NOT IN ('oauth:code:redeemed', 'oauth:service_token:issued')")
"""What does not go on record thousands of times an hour; word for word a condition of indexes and of who uses them."""
BY_ANOTHER = sa.text(f"{NOT_ROUTINE.text} AND (user_id IS NULL OR actor <> user_id)")
"""What somebody else than the person did."""
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""Of a row by which a table is in order; SQLite's own number of the row."""


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
        # The trail as it is searched (app/services/record/search.py).
        sa.Index("ix_oauth_audit_logs_client_created", "client_id", "created_at", "id"),
        sa.Index(
            "ix_oauth_audit_logs_action_created",
            "action",
            "created_at",
            "id",
            sqlite_where=NOT_ROUTINE,
            postgresql_where=NOT_ROUTINE,
        ),
        sa.Index(
            "ix_oauth_audit_logs_actor_created",
            "actor",
            "created_at",
            "id",
            sqlite_where=BY_ANOTHER,
            postgresql_where=BY_ANOTHER,
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


class AuditSeal(Base):
    """The place of one row in the chain; written once. ``salt`` alone changes, when the row's person is erased.

    ``record_id`` is a plain id, so that a row that is taken away leaves its seal behind.
    """

    __tablename__ = "audit_seals"

    sequence: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    record_id: Mapped[str] = mapped_column(sa.String(36), unique=True)
    personal_hash: Mapped[str] = mapped_column(sa.String(64))
    salt: Mapped[str] = mapped_column(sa.String(32))
    hash: Mapped[str] = mapped_column(sa.String(64))
    added_at: Mapped[datetime]


class AuditChain(Base):
    """One row: where the chain ends and begins, and how far was looked for rows that have no seal yet.

    Whoever adds to the chain changes this row, so that one does at a time. ``anchor_*`` is the row up to which records
    were removed, ``interventions`` counts what changes records or seals behind the back of who is about to add.
    """

    __tablename__ = "audit_chain"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(sa.BigInteger)
    hash: Mapped[str] = mapped_column(sa.String(64))
    interventions: Mapped[int] = mapped_column(sa.BigInteger)
    anchor_sequence: Mapped[int] = mapped_column(sa.BigInteger)
    anchor_hash: Mapped[str] = mapped_column(sa.String(64))
    walked_at: Mapped[datetime | None]
    swept_id: Mapped[str] = mapped_column(sa.String(36))


class AuditCheckpoint(Base):
    """What the chain was at one moment, signed. ``successor`` is the public key that signs from the next one on."""

    __tablename__ = "audit_checkpoints"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    issuer: Mapped[str]
    sequence: Mapped[int] = mapped_column(sa.BigInteger, index=True)
    hash: Mapped[str] = mapped_column(sa.String(64))
    signed_at: Mapped[datetime]
    kid: Mapped[str] = mapped_column(sa.String(43))
    successor: Mapped[str] = mapped_column(sa.String(43))
    previous: Mapped[str] = mapped_column(sa.String(64))
    signature: Mapped[str] = mapped_column(sa.String(86))


class AuditKey(Base):
    """An Ed25519 key that signs checkpoints and nothing else; ``private_sealed`` is empty once it was replaced."""

    __tablename__ = "audit_keys"
    __table_args__ = (
        sa.Index(
            "uq_audit_keys_current",
            "status",
            unique=True,
            sqlite_where=sa.text("status = 'current'"),
            postgresql_where=sa.text("status = 'current'"),
        ),
    )

    kid: Mapped[str] = mapped_column(sa.String(43), primary_key=True)
    status: Mapped[str] = mapped_column(sa.String(10))
    public_key: Mapped[str] = mapped_column(sa.String(43))
    private_sealed: Mapped[str]
    created_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]


class SavedFilter(Identified, Base):
    """What an administrator asks the record again and again: ``query`` as the address of its list says it.

    ``name_key`` is by which two names of one administrator are one.
    """

    __tablename__ = "saved_filters"
    __table_args__ = (sa.UniqueConstraint("user_id", "name_key"),)

    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(sa.String(60))
    name_key: Mapped[str] = mapped_column(sa.String(200))
    query: Mapped[str]
    created_at: Mapped[datetime]
