"""How migrations run: one transaction for all of them, on the application's own engine, in its schema."""

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


def run(connection: sa.Connection) -> None:
    """Bring the database to the wanted revision."""
    schema = services.settings.storage.schema
    if connection.dialect.name == "postgresql":
        # Two releases that start at once must not migrate at once.
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        if schema:
            connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
    context.configure(
        connection=connection,
        target_metadata=database.metadata,
        render_item=render_item,
        compare_type=True,
        render_as_batch=True,
    )
    context.run_migrations()


with database.engine.begin() as connection:
    run(connection)
