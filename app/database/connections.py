"""Connections: the engine of the configured database, what each connection needs, how transactions begin."""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from flask import g
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, PoolResetState

from app.database import postgresql, sqlite
from app.database.contexts import NOBODY, Context
from app.database.failures import UNAVAILABLE, ends_connection, is_outage, unavailable
from app.database.patience import GRACE_SECONDS, PING_SECONDS, Door, PatientConnection
from app.settings import Settings
from app.settings.storage import StorageSettings

IDLE_SECONDS = 1.0
_READS_ONLY = "database_reads_only"
_CONTEXT = "database_context"


def only_reads() -> None:
    """Say that this unit of work changes nothing: its SQLite transactions then wait for nobody."""
    setattr(g, _READS_ONLY, True)


def enter(context: Context) -> None:
    """Have this unit of work reach what ``context`` reaches, from its next statement on."""
    setattr(g, _CONTEXT, context)


def current_context() -> Context:
    """What this unit of work reaches."""
    return cast(Context, g.get(_CONTEXT, NOBODY)) if bool(g) else NOBODY


def conform(raw: PatientConnection) -> None:
    """Tell the running transaction of PostgreSQL what it may reach, unless it was told so."""
    if raw.told is not (context := current_context()):
        postgresql.tell_server(raw, context.commands)
        raw.told = context


def configuration(settings: Settings) -> dict[str, Any]:
    """What Flask-SQLAlchemy reads from ``app.config``."""
    url = sa.make_url(settings.storage.database_url)
    return {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(url, settings)}


def owner_options(settings: Settings) -> dict[str, Any]:
    """What makes the engine of the role that owns the tables."""
    url = sa.make_url(settings.storage.owner_url)
    return {"url": url, **_engine_options(url, settings)}


def _engine_options(url: sa.URL, settings: Settings) -> dict[str, Any]:
    storage = settings.storage
    options: dict[str, Any] = {"hide_parameters": True, "pool_reset_on_return": None}
    options["pool_timeout"] = storage.pool_seconds
    if url.get_backend_name() == "sqlite":
        return {
            **options,
            "connect_args": {"timeout": storage.lock_seconds},
            "pool_size": settings.server.threads,
            "max_overflow": 8,
        }
    if storage.schema:
        # In the statements' own text, for a pooler's servers have no search path of ours.
        options["execution_options"] = {"schema_translate_map": {None: storage.schema}}
    return {
        **options,
        "connect_args": {name: value for name, value in _link(storage).items() if name not in url.query},
        "pool_size": storage.pool_size,
        "max_overflow": 4,
    }


def _link(storage: StorageSettings) -> dict[str, Any]:
    """How a connection is opened and kept; the URL's own parameters come before these."""
    seconds = storage.tcp_seconds
    return {
        "connect_timeout": storage.connect_seconds,
        "application_name": "portal",
        # Where another server has taken over, one that can only be read is none.
        "target_session_attrs": "read-write",
        "tcp_user_timeout": seconds * 1000,
        "keepalives_idle": seconds,
        "keepalives_interval": max(1, seconds // 3),
        "keepalives_count": 3,
        # Else the driver begins a transaction before every statement, reads included: two more round trips.
        "autocommit": True,
        # What the driver prepares by itself it takes back with DEALLOCATE ALL, and with it what is prepared here.
        "prepare_threshold": None,
    }


def look_after(engine: sa.Engine, settings: Settings) -> None:
    """Install what every connection of the engine needs."""
    if engine.dialect.name == "sqlite":
        sqlite.prepare(engine, settings.storage.lock_seconds)
    else:
        _prepare_postgresql(engine, settings.storage)
        _keep_in_context(engine)
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


def _keep_in_context(engine: sa.Engine) -> None:
    """Tell transactions of PostgreSQL again when what they may reach has changed."""

    @sa.event.listens_for(engine, "before_cursor_execute")
    def stay_in_context(connection: sa.Connection, cursor: object, statement: str, *_: object) -> None:
        # A transaction that an error ended takes nothing but its way back.
        if not statement.startswith("ROLLBACK"):
            conform(cast(PatientConnection, connection.connection.dbapi_connection))

    @sa.event.listens_for(engine, "rollback_savepoint")
    def doubt_context(connection: sa.Connection, *_: object) -> None:
        # What the transaction was told within the savepoint is taken back with it.
        cast(PatientConnection, connection.connection.dbapi_connection).told = None


def _name_outages(engine: sa.Engine) -> None:
    """Have SQLAlchemy know what is an outage, and which ends the connection, as plain statements do."""

    @sa.event.listens_for(engine, "handle_error")
    def name_outages(context: sa.engine.ExceptionContext) -> OperationalError | None:
        error = context.original_exception
        if ends_connection(error):
            context.is_disconnect = True
        is_new = is_outage(error) and not isinstance(context.sqlalchemy_exception, UNAVAILABLE)
        return unavailable(cast(Exception, error)) if is_new else None


def _prepare_postgresql(engine: sa.Engine, storage: StorageSettings) -> None:
    """No transaction unless one is begun, and a question to connections that stood idle whether they still live."""

    door = Door(storage.statement_seconds + GRACE_SECONDS)
    limits = {
        "statement_timeout": storage.statement_seconds,
        "lock_timeout": storage.lock_seconds,
        "idle_in_transaction_session_timeout": storage.idle_seconds,
    }

    @sa.event.listens_for(engine, "do_connect")
    def open_door(dialect: object, entry: object, arguments: Any, named: Any) -> DBAPIConnection:
        return cast(DBAPIConnection, door.connect(*arguments, **named))

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        raw = cast(PatientConnection, connection)
        # A session behind a pooler is anybody's: there the limits are those of each transaction.
        is_pooled = postgresql.is_pooled(raw)
        word = "SET LOCAL" if is_pooled else "SET"
        commands = "".join(f"; {word} {name} = '{seconds}s'" for name, seconds in limits.items())
        if not is_pooled:
            postgresql.tell_server(raw, commands.lstrip("; "))
        is_shared = storage.prepare == "never" or (storage.prepare == "auto" and is_pooled)
        at_begin = commands if is_pooled else ""
        entry.info["statements"] = postgresql.Statements(raw, is_shared=is_shared, at_begin=at_begin)

    @sa.event.listens_for(engine, "checkout")
    def see_that_it_lives(raw: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        used = entry.info.get("used")
        if used is None or time.monotonic() - used < IDLE_SECONDS:
            return
        patient = cast(PatientConnection, raw)
        limit, patient.limit = patient.limit, PING_SECONDS
        try:
            engine.dialect.do_ping(raw)
        except engine.dialect.loaded_dbapi.Error as error:
            # All older connections are most likely gone as well; the pool opens a new one.
            raise sa.exc.InvalidatePoolError from error
        finally:
            patient.limit = limit


def begin(info: dict[Any, Any], raw: Any, *, is_reader: bool) -> None:
    """Begin a transaction on a driver's connection that is not in one.

    SQLite's take their lock when they begin: one that reads first and writes later fails at once when another one wrote
    in between (SQLITE_BUSY_SNAPSHOT), so all but the declared readers begin with the write lock, waiting for it.
    """
    if not isinstance(raw, sqlite3.Connection):
        raw.told = context = current_context()
        postgresql.tell_server(raw, f"BEGIN{info['statements'].at_begin}; {context.commands}")
        return
    if is_reader:
        tell(raw, "BEGIN")
        return
    cast(sqlite.Writers, info["queue"]).begin(info, raw)


Telling = Callable[[Mapping[str, str]], tuple[str, Sequence[Any]]]
"""Makes of what is to be told a statement that tells it, and its values."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A plain statement for PostgreSQL; see :meth:`PortalDatabase.execute`."""

    statement: str
    values: Sequence[Any]
    writes: bool
    is_alone: bool
    by_itself: Telling | None


def ask(info: dict[Any, Any], raw: PatientConnection, asked: Asked) -> postgresql.Result:
    """Run it in the transaction under way, or in one that goes on if it writes; it says whose rows it may reach."""
    if is_in_transaction(raw):
        conform(raw)
        # A statement that is forgotten takes with it what was done before: only its beginner can begin anew.
        return cast(postgresql.Statements, info["statements"]).execute(asked.statement, asked.values)
    try:
        return _begin_with(info, raw, asked)
    except postgresql.Forgotten:
        if is_in_transaction(raw):
            tell(raw, "ROLLBACK")
        return _begin_with(info, raw, asked)


def _begin_with(info: dict[Any, Any], raw: PatientConnection, asked: Asked) -> postgresql.Result:
    statements = cast(postgresql.Statements, info["statements"])
    if asked.by_itself is not None and (asked.is_alone or not asked.writes):
        return statements.execute(*asked.by_itself(current_context().told))
    if not asked.writes:
        return statements.execute(asked.statement, asked.values)
    begin(info, raw, is_reader=False)
    result = statements.execute(asked.statement, asked.values)
    if asked.is_alone:
        tell(raw, "COMMIT")
    return result


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
