"""How migrations run: one transaction for all of them, on the application's own engine, in its schema."""

import time
from typing import Any, cast

import sqlalchemy as sa
from alembic import context
from flask import current_app

from app.database import ADMINISTRATION
from app.database import schema as schemas
from app.database.failures import is_deadlock
from app.models import UtcDateTime
from app.wiring import services

TRIES = 5
PAUSE_SECONDS = 0.2
database = current_app.extensions["migrate"].db


def render_item(kind: str, item: object, autogen: object) -> str | bool:
    """Write our timestamp as a plain type, so that migrations do not depend on the application."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def is_ours(item: object, name: str | None, kind: str, is_found: bool, other: object) -> bool:
    """Leave alone what this file keeps beside the models' tables."""
    return (kind, name) != ("table", schemas.REVISIONS.name)


def enter(connection: sa.Connection, schema: str) -> None:
    """Make the schema if it is not there, and have this transaction work in it."""
    # Whoever may not make one is refused even where it is there.
    known = sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
    if not connection.scalar(known, {"name": schema}):
        connection.execute(sa.schema.CreateSchema(schema))
    connection.execute(sa.text("SELECT set_config('search_path', :name, true)"), {"name": schema})
    connection.dialect.default_schema_name = schema


def note(*, ctx: Any, step: Any, **_: Any) -> None:
    """Have older code find out whether it works with a migration that it does not know."""
    oldest_code = getattr(step.up_revision.module, "oldest_code", None)
    if oldest_code:
        schemas.note(ctx.connection, step.up_revision_id, oldest_code, is_upgrade=step.is_upgrade)


def run(connection: sa.Connection) -> None:
    """Bring the database to the wanted revision."""
    schema = services.settings.storage.schema
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(sa.text(f"SET LOCAL {limit} = 0"))
        if schema:
            enter(connection, schema)
    context.configure(
        connection=connection,
        target_metadata=database.metadata,
        render_item=render_item,
        include_object=is_ours,
        compare_type=True,
        render_as_batch=True,
        on_version_apply=note,
    )
    context.run_migrations()


def attempt() -> None:
    """Migrate in one transaction, of which nothing stays if it fails."""
    database.enter(ADMINISTRATION)
    # Nodes that start at once must not migrate at once.
    database.take_turn()
    connection = database.session.connection()
    raw = cast(Any, connection.connection.dbapi_connection)
    limit = getattr(raw, "limit", None)
    if limit is not None:
        raw.limit = float("inf")  # migrations may take as long as they take
    try:
        run(connection)
        database.grant_to_application(services.settings)
        database.commit()
    except BaseException:
        database.rollback()
        raise
    finally:
        if limit is not None:
            raw.limit = limit


def insist() -> None:
    """Migrate beside portals that are serving: their requests hold what a migration locks, in another order."""
    for tries_left in reversed(range(TRIES)):
        try:
            attempt()
            return
        except sa.exc.DBAPIError as error:
            if not (tries_left and is_deadlock(error)):
                raise
        time.sleep(PAUSE_SECONDS)


with database.as_owner(services.settings):
    insist()
