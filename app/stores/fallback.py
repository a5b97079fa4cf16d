"""Two stores as one: the embedded store answers while Redis does not."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from app.stores.errors import StoreUnavailable
from app.stores.hits import Hit

if TYPE_CHECKING:
    from app.stores import KeyValueStore

RETRY_SECONDS = 2.0

T = TypeVar("T")

logger = logging.getLogger(__name__)


class FallbackStore:
    """Asks ``first`` and, while that is unavailable, ``second``; one warning per outage, one per recovery.

    After a failure nobody waits for the first store again for two seconds; then one caller tries. So an outage costs
    one time-out now and then, not one per request.

    What was written during an outage stays readable afterwards: a miss in the first store looks in the second, which
    costs microseconds. What the first store held is invisible during the outage, and deletions made then do not reach
    it: a rule that must hold across an outage belongs in a row.
    """

    def __init__(self, first: "KeyValueStore", second: "KeyValueStore") -> None:
        self._first = first
        self._second = second
        self._lock = threading.Lock()
        self._is_down = False
        self._retry_at = 0.0
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """Have ``listener`` told in this process of each ``outage``, ``recovery`` and ``fallback``.

        The last is an answer of the second store. The listener must neither fail nor wait.
        """
        self._listeners.append(listener)

    def _tell(self, what: str) -> None:
        for listener in self._listeners:
            listener(what)

    def get(self, key: str) -> bytes | None:
        value = self._ask_first(lambda: self._first.get(key))
        return self._left_in_second(key) if value is None else value

    def put(self, key: str, value: bytes, ttl: int) -> None:
        if self.put_shared(key, value, ttl):
            self._forget_in_second(key)
        else:
            self._second.put(key, value, ttl)

    def add(self, key: str, value: bytes, ttl: int) -> bool:
        # An entry added during an outage must still win afterwards, or a replay would pass at its end.
        if self._left_in_second(key) is not None:
            return False
        added = self._ask_first(lambda: self._first.add(key, value, ttl))
        return self._second.add(key, value, ttl) if added is None else added

    def take(self, key: str) -> bytes | None:
        value = self._ask_first(lambda: self._first.take(key))
        if value is None:
            return self._second.take(key) if self._left_in_second(key) is not None else None
        self._forget_in_second(key)
        return value

    def increment(self, key: str, ttl: int) -> int:
        return self.count(key, ttl).number

    def count(self, key: str, ttl: int) -> Hit:
        hit = self._ask_first(lambda: self._first.count(key, ttl))
        return self._second.count(key, ttl) if hit is None else hit

    def take_back(self, key: str, hit: Hit) -> None:
        # Where it was counted, for the other one's counts are of other hits.
        if hit.store is self._first:
            self._ask_first(lambda: self._first.take_back(key, hit))
        else:
            self._second.take_back(key, hit)

    def peek_ttl(self, key: str) -> int | None:
        seconds = self._ask_first(lambda: self._first.peek_ttl(key))
        if seconds is None and self._left_in_second(key) is not None:
            return self._second.peek_ttl(key)
        return seconds

    def delete(self, key: str) -> None:
        self._ask_first(lambda: self._first.delete(key))
        self._forget_in_second(key)

    def get_shared(self, key: str) -> bytes | None:
        """What the first store alone has; None also while it is down."""
        return self._ask_first(lambda: self._first.get(key))

    def put_shared(self, key: str, value: bytes, ttl: int) -> bool:
        """Write to the first store alone; answers whether it is there."""

        def write() -> bool:
            self._first.put(key, value, ttl)
            return True

        return bool(self._ask_first(write))

    def sweep(self) -> int:
        return self._second.sweep()

    def ping(self) -> None:
        """Raise :class:`StoreUnavailable` while the first store is down: readiness says so, whoever answers."""
        self._first.ping()

    def ping_fallback(self) -> None:
        """Raise :class:`StoreUnavailable` when the second store could not answer in place of the first."""
        self._second.ping()

    def close(self) -> None:
        self._first.close()
        self._second.close()

    def _forget_in_second(self, key: str) -> None:
        """Drop a copy from an outage, which would otherwise show again once the newer one is gone."""
        # Reading first: outside an outage there is nothing to delete, and a read takes no lock.
        if self._left_in_second(key) is not None:
            self._second.delete(key)

    def _left_in_second(self, key: str) -> bytes | None:
        """What the second store has, which nobody needs while the first one answers: a file that cannot be used then
        has nothing. Else it raises what speaks against it.
        """
        try:
            return self._second.get(key)
        except StoreUnavailable:
            if self._is_down:
                raise
            return None

    def _ask_first(self, call: Callable[[], T]) -> T | None:
        """What the first store answers; None when it is down or has just failed."""
        if self._is_down and not self._may_retry():
            self._tell("fallback")
            return None
        try:
            answer = call()
        except StoreUnavailable as error:
            self._note_outage(error)
            self._tell("fallback")
            return None
        self._note_answer()
        return answer

    def _may_retry(self) -> bool:
        with self._lock:
            if time.monotonic() < self._retry_at:
                return False
            # Claimed before trying, so that the other threads do not wait for the same time-out.
            self._retry_at = time.monotonic() + RETRY_SECONDS
            return True

    def _note_outage(self, error: StoreUnavailable) -> None:
        with self._lock:
            is_news, self._is_down = not self._is_down, True
            self._retry_at = time.monotonic() + RETRY_SECONDS
        if is_news:
            self._tell("outage")
            logger.warning("store_unavailable", extra={"reason": str(error), "answering": "embedded"})

    def _note_answer(self) -> None:
        if self._is_down:
            with self._lock:
                is_news, self._is_down = self._is_down, False
            if is_news:
                self._tell("recovery")
                logger.info("store_recovered")


class Shared:
    """The first of two stores by itself, for copies that are worth nothing in the second; an outage is noticed once."""

    def __init__(self, both: FallbackStore) -> None:
        self._both = both

    def get(self, key: str) -> bytes | None:
        return self._both.get_shared(key)

    def put(self, key: str, value: bytes, ttl: int) -> bool:
        return self._both.put_shared(key, value, ttl)
