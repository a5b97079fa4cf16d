"""R3 to R6: Redis is down, stalled, emptied, read-only, full or older than it was. Nobody notices but the operator.

The database is the truth and the embedded store answers while Redis does not, so these rows excuse no failed request
at all: the same answers, each within a second, and nobody is logged out.
"""

import shutil
import time
from collections.abc import Callable

from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import Redis, on_postgresql

# A worker asks Redis again two seconds after it last failed.
NOTICED_SECONDS = 3.0


def down(run: Run) -> None:
    """Shut down without saving, started again after a while."""
    redis = _redis(run)
    redis.stop()
    time.sleep(run.seconds(10, 60))
    redis.start()
    _was_felt(run)


def paused(run: Run) -> None:
    """``CLIENT PAUSE``: connections are accepted, commands wait."""
    _redis(run).tell("CLIENT", "PAUSE", 5000, "ALL")
    time.sleep(5)
    _was_felt(run)


def asleep(run: Run) -> None:
    """``DEBUG SLEEP``: the server does nothing at all."""
    _redis(run).tell("DEBUG", "SLEEP", 5)
    _was_felt(run)


def flushed(run: Run) -> None:
    """``FLUSHALL``, again and again."""
    redis, end, times = _redis(run), time.monotonic() + run.seconds(5, 20), 0
    while time.monotonic() < end:
        run.has_bitten |= redis.tell("DBSIZE") > 0
        redis.tell("FLUSHALL")
        times += 1
        time.sleep(0.5)
    run.facts.append(f"flushed {times} times")


def read_only(run: Run) -> None:
    """A replica of a master that is not there refuses writes."""
    redis = _redis(run)
    redis.tell("REPLICAOF", "127.0.0.1", 1)
    time.sleep(run.seconds(8, 20))
    redis.tell("REPLICAOF", "NO", "ONE")
    _was_felt(run)


def full(run: Run) -> None:
    """No memory for another entry."""
    redis = _redis(run)
    redis.tell("CONFIG", "SET", "maxmemory", 1)
    time.sleep(run.seconds(8, 20))
    redis.tell("CONFIG", "SET", "maxmemory", 0)
    _was_felt(run)


def from_snapshot(run: Run) -> None:
    """Saved, used on while tokens are revoked and sessions end, stopped, started with what was saved before."""
    redis = _redis(run)
    redis.tell("SAVE")
    saved = redis.dump.with_suffix(".old")
    shutil.copy(redis.dump, saved)
    before = len(run.world.ledger.facts)
    time.sleep(run.seconds(8, 20))
    redis.stop()
    later = run.world.ledger.facts[before:]
    ended = sum(fact.kind in {"revoked", "access revoked", "session ended"} for fact in later)
    run.facts.append(f"{ended} tokens and sessions ended after the snapshot")
    shutil.copy(saved, redis.dump)
    redis.start()
    run.has_bitten = ended > 0 and redis.tell("DBSIZE") > 0


def _redis(run: Run) -> Redis:
    assert run.stand.redis is not None
    return run.stand.redis


def _was_felt(run: Run) -> None:
    """Whether a worker said that it answers without Redis, and said that it is back."""
    told = run.stand.portal.log.read_bytes().count(b"store_unavailable")
    run.has_bitten = told > 0
    run.facts.append(f"{told} times a worker said that it went on without Redis")
    end = time.monotonic() + NOTICED_SECONDS
    while b"store_recovered" not in run.stand.portal.log.read_bytes():
        if time.monotonic() > end:
            run.problems.append("no worker went back to Redis")
            return
        time.sleep(0.1)


def _row(name: str, title: str, fault: Callable[[Run], None], recovery: float = 5.0) -> Row:
    return Row(name, title, on_postgresql, fault, slowest=1.0, recovery=recovery)


ROWS = (
    _row("R3", "Redis down", down),
    _row("R4 pause", "Redis stalled (CLIENT PAUSE 5000 ALL)", paused, recovery=2.0),
    _row("R4 sleep", "Redis stalled (DEBUG SLEEP 5)", asleep, recovery=2.0),
    _row("R5", "Redis flushed again and again", flushed),
    _row("R6 read-only", "Redis read-only (replica without master)", read_only),
    _row("R6 full", "Redis full (maxmemory 1)", full),
    _row("R6 snapshot", "Redis restored from an old snapshot", from_snapshot),
)
