"""Connections: the engine of the configured database, what each connection needs, how transactions begin."""

import sqlite3
import time
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from flask import g
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, PoolResetState

from app.database import postgresql, sqlite
from app.database.failures import UNAVAILABLE, ends_connection, is_outage, unavailable
from app.settings import Settings

IDLE_SECONDS = 1.0
_READS_ONLY = "database_reads_only"


def only_reads() -> None:
    """Say that this unit of work changes nothing: its SQLite transactions then wait for nobody."""
    setattr(g, _READS_ONLY, True)


def configuration(settings: Settings) -> dict[str, Any]:
    """What Flask-SQLAlchemy reads from ``app.config``."""
    url = sa.make_url(settings.storage.database_url)
    return {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(url, settings)}


def _engine_options(url: sa.URL, settings: Settings) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {
            "hide_parameters": True,
            "pool_reset_on_return": None,
            "connect_args": {"timeout": 15},
            "pool_size": settings.server.threads,
            "max_overflow": 8,
        }
    arguments: dict[str, Any] = {"connect_timeout": 5, "application_name": "portal"}
    if settings.storage.schema:
        arguments["options"] = f"-csearch_path={settings.storage.schema}"
    return {
        "connect_args": arguments,
        "pool_size": settings.storage.pool_size,
        "max_overflow": 4,
        "pool_timeout": 5,
        "pool_reset_on_return": None,
        "hide_parameters": True,
    }


def look_after(engine: sa.Engine) -> None:
    """Install what every connection of the engine needs."""
    if engine.dialect.name == "sqlite":
        sqlite.prepare(engine)
    else:
        _prepare_postgresql(engine)
    _begin_explicitly(engine)
    _name_outages(engine)

    @sa.event.listens_for(engine, "reset")
    def take_back(raw: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolResetState) -> None:
        if is_in_transaction(raw):
            raw.rollback()

    @sa.event.listens_for(engine, "checkin")
    def come_back(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        sqlite.leave(entry.info)
        entry.info["used"] = time.monotonic()


def _begin_explicitly(engine: sa.Engine) -> None:
    """Let SQLAlchemy begin transactions as plain statements do."""

    @sa.event.listens_for(engine, "begin")
    def begin_explicitly(connection: sa.Connection) -> None:
        raw = cast(Any, connection.connection.dbapi_connection)
        if is_in_transaction(raw):
            return
        try:
            begin(connection.info, raw, is_reader=bool(g) and g.get(_READS_ONLY, False))
        except engine.dialect.loaded_dbapi.Error as error:
            if not is_outage(error):
                raise
            raise unavailable(error) from error


def _name_outages(engine: sa.Engine) -> None:
    """Have SQLAlchemy know what is an outage, and which ends the connection, as plain statements do."""

    @sa.event.listens_for(engine, "handle_error")
    def name_outages(context: sa.engine.ExceptionContext) -> OperationalError | None:
        error = context.original_exception
        if ends_connection(error):
            context.is_disconnect = True
        is_new = is_outage(error) and not isinstance(context.sqlalchemy_exception, UNAVAILABLE)
        return unavailable(cast(Exception, error)) if is_new else None


def _prepare_postgresql(engine: sa.Engine) -> None:
    """No transaction unless one is begun, and a question to connections that stood idle whether they still live."""

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        # Else the driver begins one before every statement, reads included: two more round trips.
        cast(Any, connection).autocommit = True
        # What the driver prepares by itself it takes back with DEALLOCATE ALL, and with it what is prepared here.
        cast(Any, connection).prepare_threshold = None
        entry.info["statements"] = postgresql.Statements(cast("psycopg.Connection[Any]", connection))

    @sa.event.listens_for(engine, "checkout")
    def see_that_it_lives(raw: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        used = entry.info.get("used")
        if used is None or time.monotonic() - used < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(raw)
        except engine.dialect.loaded_dbapi.Error as error:
            # All older connections are most likely gone as well; the pool opens a new one.
            raise sa.exc.InvalidatePoolError from error


def begin(info: dict[Any, Any], raw: Any, *, is_reader: bool) -> None:
    """Begin a transaction on a driver's connection that is not in one.

    SQLite's take their lock when they begin: one that reads first and writes later fails at once when another one wrote
    in between (SQLITE_BUSY_SNAPSHOT), so all but the declared readers begin with the write lock, waiting for it.
    """
    if not isinstance(raw, sqlite3.Connection) or is_reader:
        tell(raw, "BEGIN")
        return
    cast(sqlite.Writers, info["queue"]).begin(info, raw)


def tell(raw: Any, command: str) -> None:
    """Begin or end a transaction."""
    if isinstance(raw, sqlite3.Connection):
        raw.execute(command)
    else:
        postgresql.tell(raw, command)


def is_in_transaction(raw: Any) -> bool:
    """Whether a transaction was begun on a driver's connection and not ended."""
    if isinstance(raw, sqlite3.Connection):
        return raw.in_transaction
    return postgresql.is_in_transaction(raw)
