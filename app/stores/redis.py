"""The port on a Redis server: one command or one script per step, and never a long wait for it."""

import math
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry
from redis.sentinel import Sentinel

from app.stores.errors import StoreUnavailable, checked_ttl
from app.stores.hits import Hit

TIMEOUT_SECONDS = 0.25
CHECK_SECONDS = 5

COUNT_HIT = """
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {hits, redis.call('PTTL', KEYS[1])}
"""
# A window that has more left than that of the hit is another one.
TAKE_BACK = """
local left = redis.call('PTTL', KEYS[1])
if left <= 0 or left > tonumber(ARGV[1]) then return end
local hits = tonumber(redis.call('GET', KEYS[1]))
if hits > 0 then redis.call('SET', KEYS[1], string.format('%d', hits - 1), 'KEEPTTL') end
"""
# The first that fits says why.
REASONS: list[tuple[type[Exception], str]] = [
    (AuthenticationError, "does not accept the user name or password"),
    (NoPermissionError, "does not permit this user {step} on the keys of REDIS_PREFIX"),
    (ReadOnlyError, "is a replica that cannot be written"),
    (OutOfMemoryError, "is full"),
    (BusyLoadingError, "is still loading"),
    (ClusterError, "is part of a cluster, which is not supported: name a single server or Sentinels"),
    (ResponseError, "refuses {step}"),
]


class RedisStore:
    """Entries as plain Redis strings, each under ``prefix`` and its key, for backends that share the server."""

    def __init__(self, url: str, prefix: str = "") -> None:
        """Prepare a connection pool for ``url``; a connection is opened by the first call of each process."""
        self._client = _client(url)
        self._prefix = prefix
        self._count_hit = self._client.register_script(COUNT_HIT)
        self._take_back = self._client.register_script(TAKE_BACK)

    def get(self, key: str) -> bytes | None:
        with _answering("GET"):
            return cast("bytes | None", self._client.get(self._prefix + key))

    def put(self, key: str, value: bytes, ttl: int) -> None:
        checked_ttl(ttl)
        with _answering("SET"):
            self._client.set(self._prefix + key, value, ex=ttl)

    def add(self, key: str, value: bytes, ttl: int) -> bool:
        checked_ttl(ttl)
        with _answering("SET"):
            return self._client.set(self._prefix + key, value, ex=ttl, nx=True) is not None

    def take(self, key: str) -> bytes | None:
        with _answering("GETDEL"):
            return cast("bytes | None", self._client.getdel(self._prefix + key))

    def increment(self, key: str, ttl: int) -> int:
        return self.count(key, ttl).number

    def count(self, key: str, ttl: int) -> Hit:
        checked_ttl(ttl)
        with _answering("EVALSHA, INCR, EXPIRE and PTTL"):
            number, left = self._count_hit(keys=[self._prefix + key], args=[ttl])
        return Hit(int(number), time.monotonic() + left / 1000, self)

    def take_back(self, key: str, hit: Hit) -> None:
        left = math.ceil((hit.window - time.monotonic()) * 1000)
        if left > 0:
            with _answering("EVALSHA, PTTL, GET and SET"):
                self._take_back(keys=[self._prefix + key], args=[left])

    def peek_ttl(self, key: str) -> int | None:
        with _answering("PTTL"):
            milliseconds = self._client.pttl(self._prefix + key)
        # Redis answers -2 for no entry; -1 (no expiry) only for an entry that someone else wrote.
        return max(1, -(-milliseconds // 1000)) if milliseconds >= 0 else None

    def delete(self, key: str) -> None:
        with _answering("DEL"):
            self._client.delete(self._prefix + key)

    def sweep(self) -> int:
        return 0

    def ping(self) -> None:
        """Do once whatever is ever asked of the server: one that answers may still refuse some of it."""
        key = f"check:{secrets.token_hex(8)}"
        steps: list[Callable[[], object]] = [
            lambda: self.put(key, b"", CHECK_SECONDS),
            lambda: self.get(key),
            lambda: self.take(key),
            lambda: self.take_back(key, self.count(key, CHECK_SECONDS)),
            lambda: self.peek_ttl(key),
            lambda: self.delete(key),
        ]
        for step in steps:
            step()

    def ping_fallback(self) -> None:
        """Nothing stands behind it."""

    def close(self) -> None:
        self._client.close()
        self._client.connection_pool.disconnect()


def _client(url: str) -> Redis:
    """A client for the server, or for whichever server the Sentinels of ``redis+sentinel://…/name`` call master."""
    options: dict[str, Any] = {
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "socket_timeout": TIMEOUT_SECONDS,
        # The library's default repeats a failed command three times with pauses of seconds, and a count that arrived
        # but was not acknowledged would be counted twice.
        "retry": Retry(NoBackoff(), 0),
        # Each of these would cost every new connection another round trip.
        "driver_info": None,
        "protocol": 2,
    }
    scheme, _, rest = url.partition("+sentinel://")
    if not rest:
        maintenance = MaintNotificationsConfig(enabled=False)
        return Redis.from_url(url, maint_notifications_config=maintenance, **options)
    parts = urlsplit(f"//{rest}")
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    name, _, number = parts.path.strip("/").partition("/")
    asked = dict(parse_qsl(parts.query))
    own = {key.removeprefix("sentinel_"): asked.pop(key) for key in list(asked) if key.startswith("sentinel_")}
    if scheme == "rediss":
        options["ssl"] = True
    sentinels = [_place(host) for host in hosts.split(",")]
    identity = {"username": unquote(user) or None, "password": unquote(password) or None, "db": int(number or 0)}
    finder = Sentinel(  # type: ignore[no-untyped-call]
        sentinels, sentinel_kwargs={**options, **own}, **options, **identity, **asked
    )
    return cast(Redis, finder.master_for(name))  # type: ignore[no-untyped-call]


def _place(host: str) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    return parts.hostname or "localhost", parts.port or 26379


@contextmanager
def _answering(step: str) -> Iterator[None]:
    """Turn every way a Redis server can fail (gone, slow, full, read-only …) into one refusal, which says why."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis {reason(error).format(step=step)}.") from error


def reason(error: Exception) -> str:
    """Why a step was not done, in words that hold nothing of the server's."""
    return next((text for kind, text in REASONS if isinstance(error, kind)), "did not answer")
