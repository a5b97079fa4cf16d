"""How migrations run: one transaction for all of them, on the application's own engine, in its schema."""

from typing import Any, cast

import sqlalchemy as sa
from alembic import context
from flask import current_app

from app.models import UtcDateTime
from app.wiring import services

LOCK = 7_243_001
database = current_app.extensions["migrate"].db


def render_item(kind: str, item: object, autogen: object) -> str | bool:
    """Write our timestamp as a plain type, so that migrations do not depend on the application."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def enter(connection: sa.Connection, schema: str) -> None:
    """Make the schema if it is not there, and have this transaction work in it."""
    # Whoever may not make one is refused even where it is there.
    known = sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
    if not connection.scalar(known, {"name": schema}):
        connection.execute(sa.schema.CreateSchema(schema))
    connection.execute(sa.text("SELECT set_config('search_path', :name, true)"), {"name": schema})
    connection.dialect.default_schema_name = schema


def run(connection: sa.Connection) -> None:
    """Bring the database to the wanted revision."""
    schema = services.settings.storage.schema
    if connection.dialect.name == "postgresql":
        # Two releases that start at once must not migrate at once.
        # They may take as long as they take, the one that waits for the other too.
        connection.execute(sa.text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"))
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        if schema:
            enter(connection, schema)
    context.configure(
        connection=connection,
        target_metadata=database.metadata,
        render_item=render_item,
        compare_type=True,
        render_as_batch=True,
    )
    context.run_migrations()


with database.engine.connect() as connection:
    raw = cast(Any, connection.connection.dbapi_connection)
    limit = getattr(raw, "limit", None)
    if limit is not None:
        raw.limit = float("inf")
    try:
        with connection.begin():
            run(connection)
    finally:
        if limit is not None:
            raw.limit = limit
