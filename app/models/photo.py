"""Photos that people uploaded of themselves."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Photo(Base):
    """A person's photo in three sizes; these are NULL where its files lie in a folder.

    The id stands in its address and cannot be guessed. ``covers`` is the picture of another host that counts again when
    the photo is removed.
    """

    __tablename__ = "photos"

    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    small: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    medium: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    large: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    covers: Mapped[str | None]
    created_at: Mapped[datetime]
