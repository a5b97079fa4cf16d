"""Which secrets the nodes that serve know, as marks from which nobody learns a secret."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class KnownSecrets(Base):
    """What some node knows of one secret: a mark for each of its values, the one in use first; see ``agreement``."""

    __tablename__ = "known_secrets"

    secret: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    marks: Mapped[str] = mapped_column(sa.String(400), primary_key=True)
    seen_at: Mapped[datetime]
