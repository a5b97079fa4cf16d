"""What only the database knows: how long its queues are, how old the keys. Read when asked for, not waited for long.

One thread of a process reads at a time, and what it found holds for some seconds, so neither a database that hangs nor
many who ask cost more than one connection of the pool.
"""

import logging
import threading
import time
from dataclasses import dataclass, field

from flask import Flask

from app.database import ADMINISTRATION, UNAVAILABLE, enter, only_reads
from app.server.metrics import families
from app.server.metrics.families import Family
from app.wiring import services

FRESH_SECONDS = 5.0
PATIENCE_SECONDS = 0.5
"""How long those who ask may wait; nobody waits for a database that was asked earlier than that."""
USE = "sig"
"""What all keys are for."""
Numbers = dict[tuple[Family, tuple[str, ...]], float]
logger = logging.getLogger("portal.metrics")


@dataclass(slots=True)
class _Reading:
    """One look at the database, perhaps still under way."""

    began: float = field(default_factory=time.monotonic)
    numbers: Numbers | None = None
    is_over: threading.Event = field(default_factory=threading.Event)


class State:
    """The numbers of an application's database."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._last: _Reading | None = None
        self._asking = threading.Lock()

    def numbers(self) -> Numbers | None:
        """Them, some seconds old at most; None where the database did not tell."""
        reading = self._reading()
        reading.is_over.wait(max(reading.began + PATIENCE_SECONDS - time.monotonic(), 0))
        return reading.numbers

    def _reading(self) -> _Reading:
        """The one under way, the last one if it is young, or a new one."""
        with self._asking:
            last = self._last
            if last is None or (last.is_over.is_set() and time.monotonic() > last.began + FRESH_SECONDS):
                last = self._last = _Reading()
                threading.Thread(target=self._read, args=(last,), name="metrics", daemon=True).start()
            return last

    def _read(self, reading: _Reading) -> None:
        try:
            with self._app.app_context():
                only_reads()
                enter(ADMINISTRATION)
                reading.numbers = {**_queues(), **_keys()}
        except UNAVAILABLE as error:
            logger.warning("state_not_read", extra={"reason": type(error).__name__})
        except Exception:
            logger.exception("state_not_read")
        finally:
            reading.is_over.set()


def _queues() -> Numbers:
    found: Numbers = {}
    for queue in services.outbox.queues():
        state = "failing" if queue.is_failing else "waiting"
        found[families.WAITING, (queue.kind, state)] = float(queue.count)
        oldest = families.OLDEST, (queue.kind,)
        found[oldest] = max(found.get(oldest, 0.0), queue.oldest_seconds)
    return found


def _keys() -> Numbers:
    found: Numbers = {}
    for key in services.keys.ages():
        labels = (USE, key.algorithm, key.status)
        age, end = (families.KEY_AGE, labels), (families.KEY_EXPIRY, labels)
        found[age] = max(found.get(age, 0.0), key.age.total_seconds())
        if key.left is not None:
            days = key.left.total_seconds() / 86400
            found[end] = min(found.get(end, days), days)
    return found
