"""What the application's role may do in PostgreSQL where another role owns the tables."""

from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.settings import Settings
from app.settings.storage import StorageSettings

_quoted = postgresql.dialect().identifier_preparer.quote_identifier  # type: ignore[no-untyped-call]
ALL = "SELECT, INSERT, UPDATE, DELETE"
LESS = {
    "alembic_version": "SELECT",
    "schema_revisions": "SELECT",
    # What goes with an account, and no more: what is sealed stays.
    "oauth_audit_logs": "SELECT, INSERT, UPDATE (ip, user_agent, actor, details)",
    "audit_seals": "SELECT, INSERT, UPDATE (salt)",
    "audit_checkpoints": "SELECT, INSERT",
    "audit_chain": "SELECT, UPDATE",
    "audit_keys": "SELECT, INSERT, UPDATE",
}
"""What is granted on tables of which not everything is needed."""
REMOVED_WHEN_OLD = ("oauth_audit_logs", "audit_seals")


def application_role(storage: StorageSettings) -> str:
    """The role that is granted what the portal needs; empty where it is the owner, or cannot be told."""
    if not storage.owner_url:
        return ""
    owner, application = (sa.make_url(url).username or "" for url in (storage.owner_url, storage.database_url))
    return "" if owner == application else application


def grant(connection: sa.Connection, settings: Settings, names: Iterable[str]) -> None:
    """Grant it on those tables of these ``names`` that are there; it may be done again and again.

    Raises ``sqlalchemy.exc.OperationalError`` for a role that is not there.
    """
    if not (role := application_role(settings.storage)):
        return
    if connection.execute(sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first() is None:
        raise sa.exc.OperationalError(None, None, LookupError("the role of DATABASE_URL does not exist"))
    schema = _place(connection, settings.storage.schema)
    found = set(sa.inspect(connection).get_table_names(schema=schema))
    for statement in _grants(_quoted(role), _quoted(schema), sorted(found & set(names)), settings):
        connection.execute(sa.text(statement))


def _grants(role: str, schema: str, tables: Iterable[str], settings: Settings) -> Iterator[str]:
    yield f"GRANT USAGE ON SCHEMA {schema} TO {role}"
    for table in tables:
        name = f"{schema}.{_quoted(table)}"
        if table in LESS:
            yield f"REVOKE ALL ON {name} FROM {role}"
        yield f"GRANT {LESS.get(table, ALL)} ON {name} TO {role}"
        if table in REMOVED_WHEN_OLD and settings.audit.retention_days:
            yield f"GRANT DELETE ON {name} TO {role}"


def _place(connection: sa.Connection, schema: str | None) -> str:
    return schema or str(connection.scalar(sa.text("SELECT current_schema()")))


PASSES_BY = (
    "The database role of DATABASE_URL passes by row-level security (SUPERUSER or BYPASSRLS): a mistake in a query may "
    "reach the rows of anybody. Let it be a role that is neither, and name the owner of the tables in "
    "DATABASE_OWNER_URL."
)
IS_OWNER = (
    "The database role of DATABASE_URL owns the tables: row-level security keeps people apart, but who runs SQL of "
    "their own as that role can switch it off and change the audit trail. Let it be a role that owns nothing, and name "
    "the owner in DATABASE_OWNER_URL."
)
_STANDING = sa.text(
    "SELECT rolsuper OR rolbypassrls, EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = CAST(:schema AS regnamespace)"
    " AND relname = 'users' AND pg_has_role(relowner, 'MEMBER')) FROM pg_roles WHERE rolname = current_user"
)


def weakness(connection: sa.Connection, schema: str | None) -> str | None:
    """In one sentence what the connection's role can do that the portal does not need; None if that is nothing."""
    passes_by, is_owner = connection.execute(_STANDING, {"schema": _place(connection, schema)}).one()
    return PASSES_BY if passes_by else IS_OWNER if is_owner else None
