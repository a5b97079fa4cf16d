"""Signing keys, private halves encrypted."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Json


class SigningKey(Base):
    """A key pair; what its states mean stands in :mod:`app.services.tokens.keys`.

    ``private_sealed`` is empty where the private half was destroyed.
    """

    __tablename__ = "signing_keys"
    __table_args__ = (
        sa.Index(
            "uq_signing_keys_current",
            "algorithm",
            unique=True,
            sqlite_where=sa.text("status = 'current'"),
            postgresql_where=sa.text("status = 'current'"),
        ),
    )

    kid: Mapped[str] = mapped_column(sa.String(43), primary_key=True)
    algorithm: Mapped[str] = mapped_column(sa.String(10))
    status: Mapped[str] = mapped_column(sa.String(10))
    public_jwk: Mapped[dict[str, Any]] = mapped_column(Json)
    private_sealed: Mapped[str]
    created_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
