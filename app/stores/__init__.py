"""Small values that expire, shared by every worker: rate limits, replay marks, cached copies, locks.

Owns the port (:class:`KeyValueStore`), its adapters and the choice between them. It is the only place where Redis is
named. It depends on nothing else in the application.

    open_store("sqlite:///instance/kv.db")                      one host, many processes; the embedded default
    open_store("redis://…", fallback="sqlite:///…")             many hosts; the file answers while Redis does not

What keeps the adapters exchangeable: bytes in and out, no scans, no lists, no publishing. A key holds a value or a
counter, never both in turn. What must not be forgotten is a row in the database, never only an entry here: an entry
can vanish at any time (a flush, an outage), and a copy must be checked against its row before it is believed.
"""

from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from app.stores.errors import StoreUnavailable
from app.stores.fallback import FallbackStore, Shared
from app.stores.hits import Hit
from app.stores.sqlite import SqliteStore

__all__ = ["Hit", "KeyValueStore", "SharedStore", "StoreUnavailable", "open_store", "shared_part"]

REDIS_SCHEMES = frozenset({"redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"})


class KeyValueStore(Protocol):
    """Every write carries a time to live of at least one second. The caller hashes secrets before they become keys.

    Each method is one atomic step for all threads, processes and (with Redis) hosts. Each raises
    :class:`StoreUnavailable` when the store does not answer in time, and ``ValueError`` for a time to live below one.
    """

    def get(self, key: str) -> bytes | None:
        """The value, or None when there is none or it has expired."""

    def put(self, key: str, value: bytes, ttl: int) -> None:
        """Set or replace the value for ``ttl`` seconds."""

    def add(self, key: str, value: bytes, ttl: int) -> bool:
        """Set the value only where there is none: of many callers exactly one gets True."""

    def take(self, key: str) -> bytes | None:
        """Read and delete in one step: of many callers exactly one gets the value."""

    def increment(self, key: str, ttl: int) -> int:
        """Count one hit and return the number of hits so far. Only the first hit sets the time to live."""

    def count(self, key: str, ttl: int) -> Hit:
        """As :meth:`increment`; the hit can be taken back."""

    def take_back(self, key: str, hit: Hit) -> None:
        """Count one less in the window of ``hit``, once; nothing happens where that window is over or forgotten."""

    def peek_ttl(self, key: str) -> int | None:
        """Whole seconds the entry still has, rounded up, at least 1; None when there is no entry."""

    def delete(self, key: str) -> None:
        """Forget the entry, whether it exists or not."""

    def sweep(self) -> int:
        """Drop what has expired and return how many entries that were (always 0 where the server does it)."""

    def ping(self) -> None:
        """Raise :class:`StoreUnavailable`, whose text says why, unless the store does all it is ever asked for now."""

    def ping_fallback(self) -> None:
        """As :meth:`ping` of the store that answers while this one does not, if there is one."""

    def close(self) -> None:
        """Give back connections and files of this process. Using the store again opens them again."""


class SharedStore(Protocol):
    """The store that all hosts share, alone: for copies of rows. While it is down it has nothing and keeps nothing."""

    def get(self, key: str) -> bytes | None:
        """The value; None when there is none, or no answer."""

    def put(self, key: str, value: bytes, ttl: int) -> bool:
        """Set or replace the value for ``ttl`` seconds; answers whether that was done."""


def shared_part(store: KeyValueStore) -> SharedStore | None:
    """What of ``store`` all hosts share; None for the embedded store, which one host has to itself."""
    return Shared(store) if isinstance(store, FallbackStore) else None


def open_store(url: str, fallback: str | None = None, prefix: str = "") -> KeyValueStore:
    """Make the store a URL names; nothing is connected yet.

    ``redis://``, ``rediss://`` and ``unix://`` name a Redis server (6.2 or newer), ``redis+sentinel://a,b/name`` the
    master of that name, ``sqlite:///path`` a file (four slashes for an absolute path). With ``fallback``, the store it
    names answers while the first one does not. On a server every key begins with ``prefix``. Raises ``ValueError`` for
    any other scheme.
    """
    store = _open_one(url, prefix)
    return store if fallback is None else FallbackStore(store, _open_one(fallback))


def _open_one(url: str, prefix: str = "") -> KeyValueStore:
    scheme = urlsplit(url).scheme
    if scheme in REDIS_SCHEMES:
        from app.stores.redis import RedisStore  # noqa: PLC0415 nine megabytes of a worker, which one host can spare

        return RedisStore(url, prefix)
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return SqliteStore(Path(url.removeprefix("sqlite:///")))
    # The URL itself may hold a password, so only its scheme is repeated.
    raise ValueError(f"A store URL starts with redis://, rediss://, unix:// or sqlite:///, not {scheme or 'nothing'}.")
