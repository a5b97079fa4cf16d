"""R17: the whole server is killed again and again while it writes to SQLite.

What was acknowledged was committed with ``synchronous=FULL`` before, so it is there when the file is opened again.
"""

import random
import time

from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import on_sqlite
from benchmarks.faults.wire import LOST

FACTS_BETWEEN, LONGEST_WAIT_SECONDS = 20, 10.0


def killed(run: Run) -> None:
    """``SIGKILL`` for the master and all workers at a random moment, then a new start."""
    portal, times, chance = run.stand.portal, 100 if run.is_full else 20, random.Random(17)  # noqa: S311
    longest, length = 0.0, portal.log.stat().st_size
    for _ in range(times):
        _wait_for_facts(run)
        time.sleep(chance.uniform(0, 0.3))
        portal.kill()
        portal.start()
        longest = max(longest, portal.seconds_to_start)
    run.facts.append(f"killed {times} times; answering again after {longest:.1f} s at most")
    with portal.log.open("rb") as log:
        log.seek(length)
        if b"database is locked" in log.read():
            run.problems.append("the log says that the database was locked")


def _wait_for_facts(run: Run) -> None:
    """Until the portal has acknowledged some more, so that there is something to lose."""
    enough, end = len(run.world.ledger.facts) + FACTS_BETWEEN, time.monotonic() + LONGEST_WAIT_SECONDS
    while len(run.world.ledger.facts) < enough and time.monotonic() < end:
        time.sleep(0.01)


ROWS = (
    Row(
        "R17",
        "server killed again and again, on SQLite",
        on_sqlite,
        killed,
        frozenset({LOST}),
    ),
)
