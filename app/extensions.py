"""The extensions, unbound: created here, bound to an application by :func:`bind`, configured nowhere else."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, cast

import sqlalchemy as sa
from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_migrate import Migrate
from flask_sqlalchemy_lite import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy.engine.interfaces import DBAPIConnection

from app.config import PROJECT_ROOT, Settings
from app.models import Base

reads_only: ContextVar[bool] = ContextVar("reads_only", default=False)
"""Set while a request only reads: its SQLite transactions then wait for nobody."""

db = SQLAlchemy(session_options={"expire_on_commit": False, "autoflush": True})
migrate = Migrate(directory=str(PROJECT_ROOT / "migrations"))
bootstrap = Bootstrap5()
csrf = CSRFProtect()


def bind(app: Flask, settings: Settings) -> None:
    """Bind every extension to ``app``."""
    app.config["SQLALCHEMY_ENGINES"] = {"default": engine_options(settings)}
    db.init_app(app)
    # The extension's teardown for asynchronous sessions starts a thread per request; there are no such sessions here.
    app.teardown_appcontext_funcs[:] = [
        teardown for teardown in app.teardown_appcontext_funcs if teardown.__name__ != "_close_async_sessions"
    ]
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _prepare_sqlite(db.engine)
    migrate.init_app(app, _Migrated(db))
    bootstrap.init_app(app)
    csrf.init_app(app)


class _Migrated:
    """What Flask-Migrate wants of a database object."""

    metadata = Base.metadata

    def __init__(self, database: SQLAlchemy) -> None:
        self.get_engine = lambda: database.engine


def engine_options(settings: Settings) -> dict[str, Any]:
    """Arguments of ``create_engine`` for the configured database."""
    url = sa.make_url(settings.storage.database_url)
    if url.get_backend_name() == "sqlite":
        return {
            "url": url,
            "hide_parameters": True,
            "connect_args": {"timeout": 15},
            "pool_size": settings.server.threads,
            "max_overflow": 8,
        }
    arguments: dict[str, Any] = {"connect_timeout": 5, "application_name": "portal"}
    if settings.storage.schema:
        arguments["options"] = f"-csearch_path={settings.storage.schema}"
    return {
        "url": url,
        "connect_args": arguments,
        "pool_size": settings.storage.pool_size,
        "max_overflow": 4,
        "pool_timeout": 5,
        "pool_pre_ping": True,
        "hide_parameters": True,
    }


def _prepare_sqlite(engine: sa.Engine) -> None:
    """Write-ahead log, enforced references, and transactions that take their lock when they begin.

    A transaction that reads first and writes later fails at once when another one wrote in between
    (SQLITE_BUSY_SNAPSHOT), so all but the declared readers begin with the write lock, waiting for it.
    """

    @sa.event.listens_for(engine, "do_connect")
    def keep_private(dialect: object, record: object, arguments: Sequence[Any], named: dict[str, Any]) -> None:
        # SQLite would make the file with the process's umask; its companion files copy this mode.
        if (path := engine.url.database) and path != ":memory:":
            with suppress(OSError):
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))

    @sa.event.listens_for(engine, "connect")
    def set_pragmas(connection: DBAPIConnection, _: object) -> None:
        raw = cast(sqlite3.Connection, connection)
        raw.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
            raw.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if reads_only.get() else "BEGIN IMMEDIATE")
