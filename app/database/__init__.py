"""The database of a portal: a request's unit of work, the care of its connections, and SQLite's queue of writers.

A request has one connection at most. A ``Statement`` (:mod:`app.services.foundation.statements`) runs on it by the
driver alone; the ORM session joins the same connection and transaction when a service asks for it. A statement that
only reads needs no transaction; the first one that writes begins it, and :func:`app.web.security.settle` ends it before
the answer leaves.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from flask import Flask, g
from flask_sqlalchemy_lite import SQLAlchemy
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, PoolResetState

from app.database import postgresql

BUSY_SECONDS = 15.0
PATIENCE_SECONDS = 0.05
IDLE_SECONDS = 1.0
MOST_WAITING = 8
_UNIT = "database_connection"
_SESSIONS = "_sqlalchemy_sessions"
_WAITING = "database_writes"
_READS_ONLY = "database_reads_only"


def only_reads() -> None:
    """Say that this unit of work changes nothing: its SQLite transactions then wait for nobody."""
    setattr(g, _READS_ONLY, True)


class Writers:
    """The queue of those who write to one SQLite file.

    SQLite lets one connection write at a time and makes the others sleep in growing steps, so that most of a busy
    disk's time is slept away. Here the threads of a process wait on a lock, which wakes the next at once, and only the
    first of each process asks SQLite, in short steps.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def begin(self, info: dict[Any, Any], raw: sqlite3.Connection) -> None:
        """Begin a transaction that may write; raises ``sqlite3.OperationalError`` after :data:`BUSY_SECONDS`."""
        deadline = self._enter()
        info["writers"] = self
        try:
            self._insist(raw, "BEGIN IMMEDIATE", (), deadline)
        except BaseException:
            leave(info)
            raise

    def run(self, raw: sqlite3.Connection, statement: str, values: Sequence[Any]) -> int:
        """Run a statement that is a transaction of its own; how many rows it changed. Raises as :meth:`begin` does."""
        deadline = self._enter()
        try:
            return self._insist(raw, statement, values, deadline)
        finally:
            self.release()

    def _enter(self) -> float:
        """Wait for one's turn; answers until when SQLite may keep one waiting."""
        deadline = time.monotonic() + BUSY_SECONDS
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise sqlite3.OperationalError("database is locked")
        return deadline

    @staticmethod
    def _insist(raw: sqlite3.Connection, statement: str, values: Sequence[Any], deadline: float) -> int:
        """Run a statement that takes SQLite's write lock, again and again while another process has it."""
        pause = 0.0002
        raw.execute("PRAGMA busy_timeout=0")
        try:
            while True:
                try:
                    return raw.execute(statement, values).rowcount
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                        raise
                time.sleep(pause)
                pause = min(pause * 1.2, 0.0004)
        finally:
            raw.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000:.0f}")

    def release(self) -> None:
        """Let the next one in."""
        self._lock.release()


def leave(info: dict[Any, Any]) -> None:
    """Leave the queue, if this connection stands in it."""
    if writers := info.pop("writers", None):
        cast(Writers, writers).release()


class PortalDatabase(SQLAlchemy):
    """Sessions and plain statements of one unit of work; see the module."""

    def init_app(self, app: Flask) -> None:  # type: ignore[override]
        """Bind to ``app``, whose ``SQLALCHEMY_ENGINES`` names the engine."""
        super().init_app(app)
        # Its teardown for asynchronous sessions starts a thread per request; there are no such sessions here.
        app.teardown_appcontext_funcs[:] = [
            teardown for teardown in app.teardown_appcontext_funcs if teardown.__name__ != "_close_async_sessions"
        ]
        app.teardown_appcontext(self._end)
        with app.app_context():
            _look_after(self.engine)

    @property
    def dialect(self) -> sa.Dialect:
        """What the database speaks."""
        return self.engine.dialect

    def get_session(self, name: str = "default") -> Session:
        """The ORM session of the unit of work, on the connection that plain statements already use."""
        self._run_waiting()
        sessions: dict[str, Session] = g.setdefault(_SESSIONS, {})
        if name not in sessions:
            unit: PoolProxiedConnection | None = g.get(_UNIT)
            joined = sa.Connection(self.engine, connection=unit) if unit is not None else None
            sessions[name] = self.sessionmaker(bind=joined) if joined is not None else self.sessionmaker()
        return sessions[name]

    def execute(self, statement: str, values: Any, *, writes: bool) -> Any:
        """Run driver-level SQL in the unit of work and answer the driver's cursor, good until the next statement.

        Raises ``sqlalchemy.exc.OperationalError`` (without statement and values) when the database does not answer.
        """
        self._run_waiting()
        try:
            connection = self._connection()
            raw = cast(Any, connection.dbapi_connection)
            if begins := writes and not _is_in_transaction(raw):
                begin(connection.info, raw, is_reader=False)
            try:
                return (connection.info.get("statements") or raw).execute(statement, values)
            except postgresql.Forgotten:
                if begins:
                    _tell(raw, "ROLLBACK")
                    begin(connection.info, raw, is_reader=False)
                elif _is_in_transaction(raw):
                    raise  # what was done before went with the transaction, which only its beginner can begin anew
                return connection.info["statements"].execute(statement, values)
        except (self.dialect.loaded_dbapi.OperationalError, self.dialect.loaded_dbapi.InterfaceError) as error:
            self._drop_if_gone(error)
            raise unavailable(error) from error

    def execute_later(self, statement: str, values: Sequence[Any]) -> None:
        """Run a statement that writes before the next one, or before the commit.

        PostgreSQL gets all that waits as one statement, which is one round trip; none may depend on another of them.
        """
        if self.dialect.name != "postgresql":
            self.execute(statement, values, writes=True)
            return
        waiting: list[tuple[str, Sequence[Any]]] = g.setdefault(_WAITING, [])
        waiting.append((statement, values))
        if len(waiting) >= MOST_WAITING:
            self._run_waiting()

    def execute_alone(self, statement: str, values: Any) -> int:
        """Run one statement that writes as a transaction of its own, or in the one that is under way.

        Answers how many rows it changed. Raises as :meth:`execute` does.
        """
        connection = self._connection()
        raw = cast(Any, connection.dbapi_connection)
        if not isinstance(raw, sqlite3.Connection) or raw.in_transaction:
            return int(self.execute(statement, values, writes=False).rowcount)
        try:
            return cast(Writers, connection.info["queue"]).run(raw, statement, values)
        except sqlite3.OperationalError as error:
            raise unavailable(error) from error

    def commit(self) -> None:
        """Make the unit's changes last; it goes on with a new transaction if it goes on."""
        self._finish(is_kept=True)

    def rollback(self) -> None:
        """Take the unit's changes back."""
        self._finish(is_kept=False)

    def shorten_log(self) -> None:
        """Have SQLite write its log into the file and begin it anew, which it does not do by itself under steady use.

        Readers are waited for no longer than :data:`PATIENCE_SECONDS`; then it is left for another time. Nothing for
        PostgreSQL.
        """
        if self.dialect.name != "sqlite":
            return
        with closing(self.engine.raw_connection()) as connection:
            raw = cast(sqlite3.Connection, connection.dbapi_connection)
            # The first does most of it and holds up nobody; the second one holds up writers while it waits.
            raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
            raw.execute(f"PRAGMA busy_timeout={PATIENCE_SECONDS * 1000:.0f}")
            try:
                raw.execute("PRAGMA wal_checkpoint(RESTART)")
            finally:
                raw.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000:.0f}")

    def _connection(self) -> PoolProxiedConnection:
        unit: PoolProxiedConnection | None = g.get(_UNIT)
        if unit is not None:
            return unit
        session: Session | None = g.get(_SESSIONS, {}).get("default")
        if session is not None:
            return session.connection().connection
        unit = self.engine.raw_connection()
        setattr(g, _UNIT, unit)
        return unit

    def _run_waiting(self) -> None:
        if waiting := g.pop(_WAITING, None):
            together = postgresql.joined(tuple(statement for statement, _ in waiting))
            self.execute(together, [value for _, values in waiting for value in values], writes=True)

    def _finish(self, *, is_kept: bool) -> None:
        if is_kept:
            self._run_waiting()
        else:
            g.pop(_WAITING, None)
        session: Session | None = g.get(_SESSIONS, {}).get("default")
        unit: PoolProxiedConnection | None = g.get(_UNIT)
        try:
            if session is not None:
                session.commit() if is_kept else session.rollback()
            # A connection that was found dead is none any more.
            raw = unit.dbapi_connection if unit is not None else None
            if raw is not None and _is_in_transaction(raw):
                _tell(raw, "COMMIT" if is_kept else "ROLLBACK")
        except (sa.exc.OperationalError, self.dialect.loaded_dbapi.OperationalError) as error:
            self._drop_if_gone(getattr(error, "orig", error))
            # Whatever was begun on a connection that is gone, the server has taken back.
            if is_kept:
                raise unavailable(error) from error
        finally:
            if unit is not None:
                leave(unit.info)

    def _drop_if_gone(self, error: Exception) -> None:
        unit: PoolProxiedConnection | None = g.get(_UNIT)
        if unit is None:
            return
        # SQLAlchemy may have found out before, and taken the driver's connection away.
        if unit.dbapi_connection is None or self.dialect.is_disconnect(cast(Any, error), unit, None):
            g.pop(_UNIT)
            leave(unit.info)
            # What is in the pool is opened anew when it is next asked for, as SQLAlchemy does for its own statements. A
            # new pool would leave what is in use now to the old one, open until the garbage collector finds it.
            self.engine.pool._invalidate(unit, error)

    def _end(self, _: BaseException | None) -> None:
        """Give the connection back; what was not committed is taken back by the pool."""
        for session in g.pop(_SESSIONS, {}).values():
            session.close()
        if (unit := g.pop(_UNIT, None)) is not None:
            unit.close()


def unavailable(error: Exception) -> sa.exc.OperationalError:
    """The error of a driver as SQLAlchemy's, which is what a request that met it is answered by."""
    if isinstance(error, sa.exc.OperationalError):
        return error
    return sa.exc.OperationalError(None, None, error, hide_parameters=True)


def begin(info: dict[Any, Any], raw: Any, *, is_reader: bool) -> None:
    """Begin a transaction on a driver's connection that is not in one.

    SQLite's take their lock when they begin: one that reads first and writes later fails at once when another one wrote
    in between (SQLITE_BUSY_SNAPSHOT), so all but the declared readers begin with the write lock, waiting for it.
    """
    if not isinstance(raw, sqlite3.Connection) or is_reader:
        _tell(raw, "BEGIN")
        return
    cast(Writers, info["queue"]).begin(info, raw)


def _tell(raw: Any, command: str) -> None:
    """Begin or end a transaction."""
    if isinstance(raw, sqlite3.Connection):
        raw.execute(command)
    else:
        postgresql.tell(raw, command)


def _is_in_transaction(raw: Any) -> bool:
    if isinstance(raw, sqlite3.Connection):
        return raw.in_transaction
    return postgresql.is_in_transaction(raw)


def _look_after(engine: sa.Engine) -> None:
    """Install what every connection of the engine needs."""
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        _prepare_postgresql(engine)

    @sa.event.listens_for(engine, "begin")
    def begin_explicitly(connection: sa.Connection) -> None:
        raw = cast(Any, connection.connection.dbapi_connection)
        if _is_in_transaction(raw):
            return
        try:
            begin(connection.info, raw, is_reader=bool(g) and g.get(_READS_ONLY, False))
        except engine.dialect.loaded_dbapi.OperationalError as error:
            raise unavailable(error) from error

    @sa.event.listens_for(engine, "reset")
    def take_back(raw: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolResetState) -> None:
        if _is_in_transaction(raw):
            raw.rollback()

    @sa.event.listens_for(engine, "checkin")
    def come_back(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        leave(entry.info)
        entry.info["used"] = time.monotonic()


def _prepare_sqlite(engine: sa.Engine) -> None:
    """Write-ahead log, enforced references, a file of its owner's alone."""
    queue = Writers()

    @sa.event.listens_for(engine, "do_connect")
    def keep_private(dialect: object, record: object, arguments: Sequence[Any], named: dict[str, Any]) -> None:
        # SQLite would make the file with the process's umask; its companion files copy this mode. Only a file that is
        # not there yet may be opened here: closing it again drops the locks this process holds on it by SQLite.
        if (path := engine.url.database) and path != ":memory:":
            with suppress(OSError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    @sa.event.listens_for(engine, "connect")
    def set_pragmas(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        raw = cast(sqlite3.Connection, connection)
        raw.isolation_level = None
        busy = f"busy_timeout={BUSY_SECONDS * 1000:.0f}"
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", busy):
            raw.execute(f"PRAGMA {pragma}")
        entry.info["queue"] = queue


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
