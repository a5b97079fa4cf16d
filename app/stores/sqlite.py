"""The port in one SQLite file: correct for many threads and processes of one host, with nothing to install."""

import math
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from app.stores.errors import StoreUnavailable, checked_ttl
from app.stores.hits import Hit

BUSY_SECONDS = 5.0
SWEEP_EVERY = 1000
SWEEP_BATCH = 2000

SCHEMA = """
CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX ix_entries_expires_at ON entries (expires_at);
"""
GET = "SELECT value FROM entries WHERE key = ? AND expires_at > ?"
PUT = """
INSERT INTO entries (key, value, expires_at) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
"""
ADD = PUT + "WHERE entries.expires_at <= ? RETURNING 1"
TAKE = "DELETE FROM entries WHERE key = ? RETURNING value, expires_at"
INCREMENT = """
INSERT INTO entries (key, value, expires_at) VALUES (:key, CAST('1' AS BLOB), :expires_at)
ON CONFLICT (key) DO UPDATE SET
    value = CASE WHEN entries.expires_at <= :now THEN excluded.value
            ELSE CAST(CAST(CAST(entries.value AS TEXT) AS INTEGER) + 1 AS BLOB) END,
    expires_at = CASE WHEN entries.expires_at <= :now THEN excluded.expires_at ELSE entries.expires_at END
RETURNING CAST(CAST(value AS TEXT) AS INTEGER), expires_at
"""
TAKE_BACK = """
UPDATE entries SET value = CAST(CAST(CAST(value AS TEXT) AS INTEGER) - 1 AS BLOB)
WHERE key = ? AND expires_at = ? AND expires_at > ? AND CAST(CAST(value AS TEXT) AS INTEGER) > 0
"""
TTL = "SELECT expires_at FROM entries WHERE key = ? AND expires_at > ?"
DELETE = "DELETE FROM entries WHERE key = ?"
SWEEP = "DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE expires_at <= ? LIMIT ?) RETURNING 1"


class SqliteStore:
    """Entries in one table of one file, made on first use with mode 0600."""

    def __init__(self, path: Path) -> None:
        """Remember the path. Nothing is opened yet, so that a process may fork afterwards."""
        self._path = path
        # SQLite forbids carrying a connection over a fork, and closing an inherited one is no better: it would run in
        # the child on the parent's file. So each process and thread has its own, found by both numbers and never
        # dropped; the system reuses thread numbers, which bounds the table by the threads that live at one time.
        self._connections: dict[tuple[int, int], sqlite3.Connection] = {}
        self._writes = 0

    def get(self, key: str) -> bytes | None:
        rows = self._run(GET, (key, time.time()))
        return bytes(rows[0][0]) if rows else None

    def put(self, key: str, value: bytes, ttl: int) -> None:
        expires_at = time.time() + checked_ttl(ttl)
        self._run(PUT, (key, value, expires_at))
        self._sweep_sometimes()

    def add(self, key: str, value: bytes, ttl: int) -> bool:
        now = time.time()
        rows = self._run(ADD, (key, value, now + checked_ttl(ttl), now))
        self._sweep_sometimes()
        return bool(rows)

    def take(self, key: str) -> bytes | None:
        rows = self._run(TAKE, (key,))
        return bytes(rows[0][0]) if rows and rows[0][1] > time.time() else None

    def increment(self, key: str, ttl: int) -> int:
        return self.count(key, ttl).number

    def count(self, key: str, ttl: int) -> Hit:
        now = time.time()
        rows = self._run(INCREMENT, {"key": key, "now": now, "expires_at": now + checked_ttl(ttl)})
        self._sweep_sometimes()
        return Hit(int(rows[0][0]), rows[0][1], self)

    def take_back(self, key: str, hit: Hit) -> None:
        self._run(TAKE_BACK, (key, hit.window, time.time()))

    def peek_ttl(self, key: str) -> int | None:
        now = time.time()
        rows = self._run(TTL, (key, now))
        return max(1, math.ceil(rows[0][0] - now)) if rows else None

    def delete(self, key: str) -> None:
        self._run(DELETE, (key,))

    def sweep(self) -> int:
        dropped = 0
        while batch := self._drop_expired():
            dropped += batch
        return dropped

    def ping(self) -> None:
        """Write, for a file or directory that can only be read does not count."""
        self._run(DELETE, ("",))

    def ping_fallback(self) -> None:
        """Nothing stands behind it."""

    def close(self) -> None:
        for number in [number for number in self._connections if number[0] == os.getpid()]:
            self._connections.pop(number).close()

    def _run(self, statement: str, parameters: Sequence[object] | dict[str, object]) -> list[tuple[Any, ...]]:
        """Every row of one statement, which is a transaction of its own.

        All rows, because a statement with RETURNING commits only when it has been read to its end.
        """
        try:
            return self._connection().execute(statement, parameters).fetchall()
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"The store file {self._path.name} cannot be used.") from error

    def _connection(self) -> sqlite3.Connection:
        number = (os.getpid(), threading.get_ident())
        connection = self._connections.get(number)
        if connection is None:
            connection = self._connections[number] = self._connect()
        return connection

    def _connect(self) -> sqlite3.Connection:
        if not self._path.exists():
            _create(self._path)
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        # A power cut may lose the last entries, never the file; every entry may vanish at any time anyway.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _drop_expired(self) -> int:
        return len(self._run(SWEEP, (time.time(), SWEEP_BATCH)))

    def _sweep_sometimes(self) -> None:
        """The embedded default has no server and perhaps no cron job, so writes keep the file from growing for ever."""
        self._writes += 1
        if self._writes % SWEEP_EVERY == 0:
            self._drop_expired()


def _create(path: Path) -> None:
    """Make the file beside its place and move it there whole, unless another process was first.

    Workers that start together would otherwise fail: SQLite does not wait for the lock that a change of the journal
    mode needs.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    # Made here rather than by SQLite, which would take the process's umask; its companion files copy this mode.
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
