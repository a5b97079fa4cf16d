"""R10: a disk is full under load. Writes are refused with 503, reads go on, nothing is damaged, and all is well when it
is cleared. A log nobody can write stops no request.

Each disk is a small file system in memory, which only root may mount; elsewhere these rows are skipped.
"""

import functools
import os
import time
from contextlib import suppress

import psycopg

from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import Cluster, Disk, on_postgresql, on_sqlite

UNAVAILABLE = frozenset({503})
# They read and write nothing.
READS = frozenset({"userinfo", "introspect"})


def tables_full(run: Run) -> None:
    """PostgreSQL cannot make its tables longer; its write-ahead log is elsewhere."""
    _fill_for(run, run.seconds(12, 60))


def database_full(run: Run) -> None:
    """PostgreSQL's whole directory is full: without room for its log it stops, and the operator starts it again."""
    disk, cluster = _disk(run), _cluster(run)
    disk.fill()
    time.sleep(2)
    # The segment in use may last for a long time; its successor has to be made.
    with suppress(psycopg.Error):
        cluster.ask("SELECT pg_switch_wal()")
    time.sleep(run.seconds(10, 60))
    was_running = cluster.is_running
    disk.clear()
    if not was_running:
        cluster.start()
    run.facts.append("PostgreSQL " + ("went on by itself" if was_running else "had stopped and was started again"))


def file_full(run: Run) -> None:
    """SQLite's file, its log and the embedded store have no room."""
    _fill_for(run, run.seconds(12, 60))


def log_full(run: Run) -> None:
    """The portal's own log cannot be written, and can again afterwards."""
    log = run.stand.portal.log
    _fill_for(run, run.seconds(10, 60))
    length = log.stat().st_size
    time.sleep(2)
    if log.stat().st_size <= length:
        run.problems.append("nothing was logged after the disk was cleared")
    run.has_bitten = True


def _fill_for(run: Run, seconds: float) -> None:
    disk = _disk(run)
    disk.fill()
    time.sleep(seconds)
    if disk.free > os.sysconf("SC_PAGE_SIZE"):
        run.problems.append(f"the disk was not full: {disk.free} bytes were free")
    disk.clear()


def _disk(run: Run) -> Disk:
    assert run.stand.disk is not None
    return run.stand.disk


def _cluster(run: Run) -> Cluster:
    assert run.stand.cluster is not None
    return run.stand.cluster


ROWS = (
    Row(
        "R10 tables",
        "disk full: PostgreSQL's tables",
        functools.partial(on_postgresql, disk="tables"),
        tables_full,
        UNAVAILABLE,
        READS,
    ),
    Row(
        "R10 data",
        "disk full: PostgreSQL with its write-ahead log",
        functools.partial(on_postgresql, disk="data"),
        database_full,
        UNAVAILABLE,
    ),
    Row("R10 sqlite", "disk full: SQLite", functools.partial(on_sqlite, disk=True), file_full, UNAVAILABLE, READS),
    Row("R10 log", "disk full: the portal's log", functools.partial(on_postgresql, disk="log"), log_full),
)
