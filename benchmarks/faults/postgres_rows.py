"""R7 to R9: PostgreSQL restarts, has no connection to give, or throws everybody out again and again.

Nothing can be answered without the database, so requests may fail while it is away, but only as 503 with
``Retry-After``, and what was acknowledged before is there afterwards (``synchronous_commit`` and ``fsync`` are on).
"""

import functools
import signal
import time
from collections.abc import Callable

from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import Cluster, on_postgresql

UNAVAILABLE = frozenset({503})
DOWN_SECONDS = 1.0
SETTLE_SECONDS = 5.0
OF_THE_PORTAL = "FROM pg_stat_activity WHERE application_name = 'portal' AND datname = 'portal'"
THROW_OUT = f"SELECT count(pg_terminate_backend(pid)) {OF_THE_PORTAL}"
COUNT = f"SELECT count(*) {OF_THE_PORTAL}"
# Two workers of 16 threads, each of which may want a connection of the 10 there are.
CROWDED = {"WEB_THREADS": "16"}
MOST_CONNECTIONS = 2 * (8 + 4)  # of two workers: what their pools keep, and what they may open beyond


def restarted(how: signal.Signals, run: Run) -> None:
    """Ended in that way, down for a moment, started; several times in full."""
    cluster, times = _cluster(run), 10 if run.is_full else 3
    for _ in range(times):
        cluster.end(how)
        time.sleep(DOWN_SECONDS)
        cluster.start()
        time.sleep(2)
    run.facts.append(f"{times} restarts")


def crowded(run: Run) -> None:
    """Ten connections for everybody, three of them for superusers, after a restart that makes it so."""
    cluster = _cluster(run)
    _set_most_connections(cluster, 10)
    begun = time.monotonic()
    time.sleep(run.seconds(10, 60))
    ended = time.monotonic()
    answered = [sample for sample in run.tape.between(begun, ended) if not sample.has_failed]
    run.facts.append(f"{len(answered) / (ended - begun):.0f} requests/s were answered with 10 connections")
    if not answered:
        run.problems.append("nothing was answered with 10 connections")
    _set_most_connections(cluster, 200)
    open_now = _settled_count(cluster)
    run.facts.append(f"{open_now} connections of the portal afterwards")
    if open_now > MOST_CONNECTIONS:
        run.problems.append(f"{open_now} connections are more than the pools may hold")


def thrown_out(run: Run) -> None:
    """Every connection of the portal ended once a second."""
    cluster, ended = _cluster(run), 0
    for _ in range(int(run.seconds(15, 60))):
        ended += cluster.ask(THROW_OUT)[0][0]
        time.sleep(1)
    run.facts.append(f"{ended} connections ended")


def _settled_count(cluster: Cluster) -> int:
    """The portal's connections, once those of pools that were given up are gone; as many as there are after a while."""
    time.sleep(1)
    end = time.monotonic() + SETTLE_SECONDS
    while (count := int(cluster.ask(COUNT)[0][0])) > MOST_CONNECTIONS and time.monotonic() < end:
        time.sleep(0.2)
    return count


def _set_most_connections(cluster: Cluster, count: int) -> None:
    cluster.set_most_connections(count)
    cluster.end(signal.SIGINT)
    cluster.start()


def _cluster(run: Run) -> Cluster:
    assert run.stand.cluster is not None
    return run.stand.cluster


def _restart(mode: str, how: signal.Signals) -> Row:
    fault: Callable[[Run], None] = functools.partial(restarted, how)
    return Row(f"R7 {mode}", f"PostgreSQL restarted ({mode})", on_postgresql, fault, UNAVAILABLE)


ROWS = (
    _restart("fast", signal.SIGINT),
    _restart("immediate", signal.SIGQUIT),
    Row(
        "R8",
        "PostgreSQL with max_connections=10",
        functools.partial(on_postgresql, **CROWDED),
        crowded,
        UNAVAILABLE,
        people=32,
    ),
    Row("R9", "PostgreSQL ends all connections each second", on_postgresql, thrown_out, UNAVAILABLE),
)
