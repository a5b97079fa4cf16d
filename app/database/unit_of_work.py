"""A request's unit of work: Flask-SQLAlchemy's session and the plain statements of the busiest paths on one connection.

A request has one connection at most. A ``Statement`` (:mod:`app.services.foundation.statements`) runs on it by the
driver alone; the ORM session joins the same connection and transaction when a service asks for it. A statement that
only reads needs no transaction; the first one that writes begins it, and :func:`app.web.security.settle` ends it before
the answer leaves.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, cast

import sqlalchemy as sa
from flask import Flask, current_app, g
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy.orm import scoped_session
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import ScopedRegistry

from app.database import postgresql, roles, schema
from app.database.connections import (
    Asked,
    Telling,
    ask,
    begin,
    current_context,
    enter,
    is_in_transaction,
    look_after,
    owner_options,
    tell,
)
from app.database.contexts import ADMINISTRATION, PROTOCOL, Context
from app.database.failures import ends_connection, is_outage, unavailable
from app.database.sqlite import Writers, leave
from app.settings import Settings

PATIENCE_SECONDS = 0.05
TURN = 7_243_001
"""The advisory lock of those who migrate or seed."""
TURN_SECONDS = 600.0
MOST_WAITING = 8
_ENGINE, _SPEECH = "database_engine", "database_speech"
_UNIT = "database_connection"
_SESSION = "database_session"
_WAITING = "database_writes"
_AFTERWARDS = "database_afterwards"


class UnitSession(Session):
    """The ORM session of a unit of work, on the connection that plain statements already use if there is one."""

    def get_bind(self, mapper: Any = None, clause: Any = None, bind: Any = None, **named: Any) -> Any:
        """The joined connection, or what Flask-SQLAlchemy chooses."""
        return bind or self.bind or super().get_bind(mapper, clause, **named)


class UnitRegistry(ScopedRegistry[Session]):
    """Keeps the session with the rest of the unit of work; what waits to be written is written before its use."""

    def __init__(self, database: "PortalDatabase", make: Callable[..., Session]) -> None:
        super().__init__(make, lambda: None)
        self._database = database

    def __call__(self) -> Session:
        """The session of the running unit of work."""
        self._database.run_waiting()
        session: Session | None = g.get(_SESSION)
        if session is None:
            unit: PoolProxiedConnection | None = g.get(_UNIT)
            joined = sa.Connection(self._database.engine, connection=unit) if unit is not None else None
            session = cast(Callable[..., Session], self.createfunc)(bind=joined)
            self.set(session)
        return session

    def has(self) -> bool:
        """Whether the unit of work has used its session."""
        return _SESSION in g

    def set(self, obj: Session) -> None:
        """Make ``obj`` the session of the unit of work."""
        setattr(g, _SESSION, obj)

    def clear(self) -> None:
        """Forget it."""
        g.pop(_SESSION, None)


class PortalDatabase(SQLAlchemy):
    """Flask-SQLAlchemy with plain statements in the same unit of work; see the module."""

    def bind_to(self, app: Flask, settings: Settings) -> None:
        """Bind to ``app``, whose ``SQLALCHEMY_DATABASE_URI`` names the database."""
        self.init_app(app)
        with app.app_context():
            engine = self.engines[None]
        look_after(engine, settings)
        translated = engine.get_execution_options().get("schema_translate_map")
        speech = engine.dialect, translated[None] if translated else None
        # Asked for with every statement, so each is one step away.
        app.extensions[_ENGINE], app.extensions[_SPEECH] = engine, speech

    def _make_scoped_session(self, options: dict[str, Any]) -> scoped_session[Session]:
        sessions = super()._make_scoped_session({**options, "class_": UnitSession})
        sessions.registry = UnitRegistry(self, sessions.session_factory)
        return sessions

    @property
    def engine(self) -> sa.Engine:
        """The engine of the running application."""
        return cast(sa.Engine, current_app.extensions[_ENGINE])

    @property
    def dialect(self) -> sa.Dialect:
        """What the database speaks."""
        return self.speech[0]

    @property
    def speech(self) -> tuple[sa.Dialect, str | None]:
        """What the database speaks, and the schema that statements name their tables in, if they name one."""
        return cast("tuple[sa.Dialect, str | None]", current_app.extensions[_SPEECH])

    def execute(
        self,
        statement: str,
        values: Any,
        *,
        writes: bool,
        is_alone: bool = False,
        by_itself: Telling | None = None,
    ) -> Any:
        """Run driver-level SQL in the unit of work and answer the driver's cursor, good until the next statement.

        ``is_alone`` is what writes on PostgreSQL and is a transaction of its own unless one is under way; ``by_itself``
        answers the statement and values that say themselves whose rows they may reach, for one that is. Raises
        ``sqlalchemy.exc.OperationalError`` (without statement and values) when the database does not answer.
        """
        self.run_waiting()
        try:
            connection = self._connection()
            raw = cast(Any, connection.dbapi_connection)
            if isinstance(raw, sqlite3.Connection):
                if writes and not raw.in_transaction:
                    begin(connection.info, raw, is_reader=False)
                # Who traces stands in the connection's place.
                return (connection.info.get("statements") or raw).execute(statement, values)
            what = Asked(statement, values, writes=writes, is_alone=is_alone, by_itself=by_itself)
            return ask(connection.info, raw, what)
        except self.dialect.loaded_dbapi.Error as error:
            if not is_outage(error):
                raise
            self._drop_if_gone(error)
            raise unavailable(error) from error

    def enter(self, context: Context) -> None:
        """Have the unit of work reach what ``context`` reaches from now on; what waits is written as it was meant."""
        self.run_waiting()
        enter(context)

    @contextmanager
    def within(self, context: Context) -> Iterator[None]:
        """Reach what ``context`` reaches for a while."""
        before = current_context()
        self.enter(context)
        try:
            yield
            self.run_waiting()
        finally:
            enter(before)

    def reaching_all(self) -> AbstractContextManager[None]:
        """Reach all rows for a while, whoever they are of."""
        return self.within(ADMINISTRATION)

    def reaching_as_protocol(self) -> AbstractContextManager[None]:
        """Reach for a while what the protocol's endpoints reach."""
        return self.within(PROTOCOL)

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
            self.run_waiting()

    def execute_alone(self, statement: str, values: Any) -> int:
        """Run one statement of SQLite's that writes as a transaction of its own, or in the one that is under way.

        Answers how many rows it changed. Raises as :meth:`execute` does.
        """
        connection = self._connection()
        raw = cast(sqlite3.Connection, connection.dbapi_connection)
        if raw.in_transaction:
            return int(self.execute(statement, values, writes=True).rowcount)
        try:
            return cast(Writers, connection.info["queue"]).run(raw, statement, values)
        except sqlite3.OperationalError as error:
            raise unavailable(error) from error

    def commit(self) -> None:
        """Make the unit's changes last; it goes on with a new transaction if it goes on."""
        actions = g.pop(_AFTERWARDS, ())
        self._finish(is_kept=True)
        for action in actions:
            action()

    def rollback(self) -> None:
        """Take the unit's changes back."""
        g.pop(_AFTERWARDS, None)
        self._finish(is_kept=False)

    def give_back(self) -> None:
        """Let others have the connection, while somebody outside is waited for; the next statement takes one again.

        What was not committed is taken back. Rows that were read keep what they had, and are nobody's any more.
        """
        g.pop(_AFTERWARDS, None)
        self._teardown_session(None)

    def afterwards(self, action: Callable[[], object]) -> None:
        """Have ``action`` called once what was done so far has been committed; never, if it is taken back."""
        g.setdefault(_AFTERWARDS, []).append(action)

    def require_writable(self) -> None:
        """Raise ``OperationalError`` where the database cannot be used, or a server only read.

        A server's connections are given up then.
        """
        if self.dialect.name != "postgresql":
            self.execute("SELECT count(*) FROM sqlite_master", [], writes=False).fetchone()
            return
        if self.execute("SELECT current_setting('transaction_read_only')", [], writes=False).fetchone() == ("on",):
            error = ReadOnlySqlTransaction("the server can only be read")
            self._drop_if_gone(error)
            raise unavailable(error)

    def take_turn(self) -> None:
        """Begin a transaction that no other process is in which asked for its turn, however long the others take.

        Raises ``OperationalError`` after :data:`TURN_SECONDS`.
        """
        deadline = time.monotonic() + TURN_SECONDS
        while not self._is_my_turn(is_last=time.monotonic() > deadline):
            self.rollback()
            time.sleep(PATIENCE_SECONDS)

    def _is_my_turn(self, *, is_last: bool) -> bool:
        try:
            if self.dialect.name != "postgresql":
                self.execute("SELECT 1", [], writes=True)
                return True
            # Asked for again and again: nothing is held meanwhile, of a pooler's few connections neither.
            (is_mine,) = self.execute("SELECT pg_try_advisory_xact_lock($1::bigint)", [TURN], writes=True).fetchone()
        except sa.exc.OperationalError as error:
            is_busy = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if is_last or not is_busy:
                raise
            return False
        if is_last and not is_mine:
            raise sa.exc.OperationalError(None, None, TimeoutError("another process has its turn for too long"))
        return bool(is_mine)

    @contextmanager
    def as_owner(self, settings: Settings) -> Iterator[None]:
        """Be the role of ``DATABASE_OWNER_URL``, where there is one, in units of work of their own."""
        if not settings.storage.owner_url:
            yield
            return
        self.give_back()
        app, engines = self._app(), self.engines
        before = engines[None]
        owner = sa.create_engine(**owner_options(settings))
        look_after(owner, settings)
        engines[None] = app.extensions[_ENGINE] = owner  # type: ignore[index]
        try:
            yield
        finally:
            self.give_back()
            engines[None] = app.extensions[_ENGINE] = before  # type: ignore[index]
            owner.dispose()

    def grant_to_application(self, settings: Settings) -> None:
        """Let the role of ``DATABASE_URL`` do what the portal does, and no more, where another one owns the tables."""
        names = {schema.CURRENT.name, schema.REVISIONS.name, *self.metadata.tables}
        roles.grant(self.session.connection(), settings, names)

    def role_weakness(self) -> str | None:
        """What the role of ``DATABASE_URL`` can do that the portal does not need, in a sentence; None for nothing.

        Raises as :meth:`execute` does.
        """
        if self.dialect.name != "postgresql":
            return None
        return roles.weakness(self.session.connection(), self.speech[1])

    @staticmethod
    def _app() -> Flask:
        return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]

    def schema_fit(self) -> schema.Fit:
        """Whether this code can work on the database's schema. Raises as :meth:`execute` does."""
        return schema.read(self.session.connection(), self.speech[1])

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
                seconds = cast(Writers, connection.info["queue"]).seconds
                raw.execute(f"PRAGMA busy_timeout={seconds * 1000:.0f}")

    def _connection(self) -> PoolProxiedConnection:
        unit: PoolProxiedConnection | None = g.get(_UNIT)
        if unit is not None:
            return unit
        session: Session | None = g.get(_SESSION)
        if session is not None:
            return session.connection().connection
        unit = self.engine.raw_connection()
        setattr(g, _UNIT, unit)
        return unit

    def run_waiting(self) -> None:
        """Run what :meth:`execute_later` left waiting."""
        if waiting := g.pop(_WAITING, None):
            together = postgresql.joined(tuple(statement for statement, _ in waiting))
            self.execute(together, [value for _, values in waiting for value in values], writes=True)

    def _finish(self, *, is_kept: bool) -> None:
        if is_kept:
            self.run_waiting()
        else:
            g.pop(_WAITING, None)
        session: Session | None = g.get(_SESSION)
        unit: PoolProxiedConnection | None = g.get(_UNIT)
        try:
            if session is not None:
                session.commit() if is_kept else session.rollback()
            # A connection that was found dead is none any more.
            raw = unit.dbapi_connection if unit is not None else None
            if raw is not None and is_in_transaction(raw):
                tell(raw, "COMMIT" if is_kept else "ROLLBACK")
        except (sa.exc.DBAPIError, self.dialect.loaded_dbapi.Error) as error:
            original = getattr(error, "orig", None) or error
            if not is_outage(original):
                raise
            self._drop_if_gone(original)
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
        is_over = unit.dbapi_connection is None or self.dialect.is_disconnect(cast(Any, error), unit, None)
        if is_over or ends_connection(error):
            g.pop(_UNIT)
            leave(unit.info)
            # What is in the pool is opened anew when it is next asked for, as SQLAlchemy does for its own statements. A
            # new pool would leave what is in use now to the old one, open until the garbage collector finds it.
            self.engine.pool._invalidate(unit, error)

    def _teardown_session(self, exc: BaseException | None) -> None:
        """Give the connection back; what was not committed is taken back by the pool."""
        g.pop(_WAITING, None)
        super()._teardown_session(exc)
        if (unit := g.pop(_UNIT, None)) is not None:
            unit.close()
