"""The port on a Redis server: one command or one script per step, and never a long wait for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from app.stores.errors import StoreUnavailable, checked_ttl

TIMEOUT_SECONDS = 0.25

COUNT_HIT = """
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return hits
"""


class RedisStore:
    """Entries as plain Redis strings under exactly the given keys, readable by backends that share the server."""

    def __init__(self, url: str) -> None:
        """Prepare a connection pool for ``url``; a connection is opened by the first call of each process."""
        self._client = Redis.from_url(
            url,
            socket_connect_timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            # The library's default repeats a failed command three times with pauses of seconds, and a count that
            # arrived but was not acknowledged would be counted twice.
            retry=Retry(NoBackoff(), 0),
            # Each of these would cost every new connection another round trip.
            driver_info=None,
            protocol=2,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._count_hit = self._client.register_script(COUNT_HIT)

    def get(self, key: str) -> bytes | None:
        with _answering():
            return cast("bytes | None", self._client.get(key))

    def put(self, key: str, value: bytes, ttl: int) -> None:
        checked_ttl(ttl)
        with _answering():
            self._client.set(key, value, ex=ttl)

    def add(self, key: str, value: bytes, ttl: int) -> bool:
        checked_ttl(ttl)
        with _answering():
            return self._client.set(key, value, ex=ttl, nx=True) is not None

    def take(self, key: str) -> bytes | None:
        with _answering():
            return cast("bytes | None", self._client.getdel(key))

    def increment(self, key: str, ttl: int) -> int:
        checked_ttl(ttl)
        with _answering():
            return int(self._count_hit(keys=[key], args=[ttl]))

    def peek_ttl(self, key: str) -> int | None:
        with _answering():
            milliseconds = self._client.pttl(key)
        # Redis answers -2 for no entry; -1 (no expiry) only for an entry that someone else wrote.
        return max(1, -(-milliseconds // 1000)) if milliseconds >= 0 else None

    def delete(self, key: str) -> None:
        with _answering():
            self._client.delete(key)

    def sweep(self) -> int:
        return 0

    def ping(self) -> None:
        with _answering():
            self._client.ping()

    def close(self) -> None:
        self._client.close()
        self._client.connection_pool.disconnect()


@contextmanager
def _answering() -> Iterator[None]:
    """Turn every way a Redis server can fail (gone, slow, full, read-only, loading) into one refusal."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable("Redis did not answer.") from error
