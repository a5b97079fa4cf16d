"""R30, R31: descriptors run out; workers and masters are replaced while people are served. No request fails."""

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from benchmarks.faults.balancer import ASK_SECONDS, is_ready
from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import behind_a_balancer, on_sqlite

DESCRIPTORS, IDLE = 256, 600
PATIENCE_SECONDS = 60.0


def crowded(run: Run) -> None:
    """More people than there are descriptors connect and say nothing."""
    portal = run.stand.portal
    before = portal.workers
    with ExitStack() as stack:
        idle: list[socket.socket] = []
        for _ in range(IDLE):
            idle.append(stack.enter_context(socket.create_connection(("127.0.0.1", portal.port), timeout=10)))
            time.sleep(0.005)
        time.sleep(run.seconds(6, 60))
        closed = [connection for connection in idle if _is_closed(connection)]
        run.has_bitten = bool(closed)
        run.facts.append(f"{IDLE} idle connections, of which {len(closed)} made room for others")
    if portal.workers != before:
        run.problems.append("a worker was replaced")
    lines = [line for line in portal.log.read_text().splitlines() if "descriptors" in line or "accept_failed" in line]
    if len(lines) != 1:
        run.problems.append(f"{len(lines)} lines about descriptors")


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return not connection.recv(1)
    except BlockingIOError:
        return False
    except OSError:
        return True


def renewed(run: Run) -> None:
    """``SIGHUP``, again and again: new workers take over."""
    portal, times = run.stand.portal, 10 if run.is_full else 3
    for _ in range(times):
        old = portal.workers
        os.kill(portal.pid, signal.SIGHUP)
        _wait(run, lambda old=old: len(portal.workers) == len(old) and not {*old} & {*portal.workers})  # type: ignore[misc]
        run.has_bitten = True
    run.facts.append(f"{times} times new workers")


def handed_over(run: Run) -> None:
    """``SIGUSR2``, then ``SIGTERM`` to the old master, again and again."""
    portal, times = run.stand.portal, 5 if run.is_full else 2
    for _ in range(times):
        old, began = portal.pid, time.monotonic()
        portal.hand_over()
        run.has_bitten = portal.pid != old
        run.facts.append(f"a new master after {time.monotonic() - began:.1f} s")


def deployed(run: Run) -> None:
    """``SIGTERM`` for one node after the other, each started again; a balancer asks them whether they are ready."""
    first, second = run.stand.portal, run.stand.second
    assert second is not None
    for node in (first, second) * (3 if run.is_full else 1):
        old, began = node.pid, time.monotonic()
        node.stop()
        run.facts.append(f"a node went in {time.monotonic() - began:.1f} s")
        node.start()
        run.has_bitten = node.pid != old
        _wait(run, lambda node=node: is_ready(node.port))  # type: ignore[misc]
        time.sleep(2 * ASK_SECONDS)  # the balancer has heard of it, too


def killed(run: Run) -> None:
    """``SIGKILL`` for one worker after the other: only what it held is lost."""
    portal, times = run.stand.portal, 20 if run.is_full else 6
    for number in range(times):
        old = portal.workers
        victim = old[number % len(old)]
        os.kill(victim, signal.SIGKILL)
        _wait(run, lambda old=old, victim=victim: len(portal.workers) == len(old) and victim not in portal.workers)  # type: ignore[misc]
    run.facts.append(f"{times} workers killed")


def _wait(run: Run, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            run.problems.append("the old workers did not go, or no new ones came")
            return
        time.sleep(0.05)


_on_few = partial(on_sqlite, descriptors=DESCRIPTORS)
_draining = partial(behind_a_balancer, DRAIN_SECONDS="4")
ROWS = (
    Row("R30", f"{IDLE} idle connections, {DESCRIPTORS} descriptors", _on_few, crowded),
    Row("R31 HUP", "New workers (SIGHUP)", on_sqlite, renewed),
    Row("R31 USR2", "A new master (SIGUSR2, SIGTERM)", on_sqlite, handed_over),
    Row("R31 TERM", "A rolling deploy of two nodes (SIGTERM)", _draining, deployed),
    Row("R31 KILL", "Workers killed", on_sqlite, killed, frozenset({0})),
)
