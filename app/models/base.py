"""What every table shares: constraint names, aware UTC timestamps, identifiers."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC timestamp on every database; SQLite keeps it without its offset."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        """SQLite's text is written here: the general way costs more than SQLite itself."""
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        """SQLite's text is read here."""
        return _from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse naive values, store UTC."""
        return None if value is None else _utc(value)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give the value back aware."""
        return None if value is None else value.astimezone(UTC)


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("naive datetime")
    return value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    """``2026-01-31 12:30:01.000000``, which sorts as time does."""
    return None if value is None else _utc(value).replace(tzinfo=None).isoformat(" ", "microseconds")


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


Json = sa.JSON().with_variant(JSONB(), "postgresql")


def new_id() -> str:
    """A random UUID, 36 characters."""
    return str(uuid4())


class Base(DeclarativeBase):
    """Declarative base of all tables."""

    registry = registry(
        metadata=sa.MetaData(naming_convention=NAMING), type_annotation_map={datetime: UtcDateTime, str: sa.Text}
    )


class Identified:
    """A row named by a random UUID."""

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True, default=new_id)


def is_of_people(table: sa.Table) -> bool:
    """Whether each row is somebody's, which row-level security asks about."""
    return table.name == "users" or "user_id" in table.c
