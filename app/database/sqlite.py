"""SQLite's part: the queue of those who write to one file, and what each of its connections needs."""

import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry


class Writers:
    """The queue of those who write to one SQLite file.

    SQLite lets one connection write at a time and makes the others sleep in growing steps, so that most of a busy
    disk's time is slept away. Here the threads of a process wait on a lock, which wakes the next at once, and only the
    first of each process asks SQLite, in short steps.
    """

    def __init__(self, seconds: float) -> None:
        """``seconds``: how long anybody waits."""
        self.seconds = seconds
        self._lock = threading.Lock()

    def begin(self, info: dict[Any, Any], raw: sqlite3.Connection) -> None:
        """Begin a transaction that may write; raises ``sqlite3.OperationalError`` after ``seconds``."""
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
        deadline = time.monotonic() + self.seconds
        if not self._lock.acquire(timeout=self.seconds):
            raise sqlite3.OperationalError("database is locked")
        return deadline

    def _insist(self, raw: sqlite3.Connection, statement: str, values: Sequence[Any], deadline: float) -> int:
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
            raw.execute(f"PRAGMA busy_timeout={self.seconds * 1000:.0f}")

    def release(self) -> None:
        """Let the next one in."""
        self._lock.release()


def leave(info: dict[Any, Any]) -> None:
    """Leave the queue, if this connection stands in it."""
    if writers := info.pop("writers", None):
        cast(Writers, writers).release()


def prepare(engine: sa.Engine, busy_seconds: float) -> None:
    """Write-ahead log, enforced references, a file of its owner's alone."""
    queue = Writers(busy_seconds)

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
        busy = f"busy_timeout={busy_seconds * 1000:.0f}"
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", busy):
            raw.execute(f"PRAGMA {pragma}")
        entry.info["queue"] = queue
