"""Many who are connected and say nothing, and few descriptors, keep nobody from being answered."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from app.server import descriptors
from tests.databases import SqliteDatabases
from tests.portal import Portal, WarmPortal

pytestmark = pytest.mark.timed

MANY = 2400
FEW = 256
SOON = 2.0


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Descriptors enough for both sides of these tests, and an end for what they open."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] != resource.RLIM_INFINITY and limits[1] < MANY + 500:
        pytest.skip("this machine lets no process open so many connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], MANY + 500), limits[1]))
    with ExitStack() as opened:
        yield opened
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def under_limit(portal: Portal, soft: int, hard: int) -> Portal:
    portal._command = ["sh", "-c", f'ulimit -Sn {soft}; ulimit -Hn {hard}; exec "$@"', "sh", *portal._command]
    return portal


def connected(stack: ExitStack, portal: Portal, number: int) -> list[socket.socket]:
    return [
        stack.enter_context(socket.create_connection(("127.0.0.1", portal.port), timeout=10)) for _ in range(number)
    ]


def slowest_health(portal: Portal, times: int = 10) -> float:
    slowest = 0.0
    for _ in range(times):
        began = time.monotonic()
        assert requests.get(f"{portal.url}/health", timeout=10).status_code == 200
        slowest = max(slowest, time.monotonic() - began)
    return slowest


def answers(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def test_thousands_who_are_idle_are_in_nobodys_way(stack: ExitStack, tmp_path: Path) -> None:
    portal = under_limit(Portal(tmp_path), 1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    portal.start()
    stack.callback(portal.stop)
    idle = connected(stack, portal, MANY)
    assert slowest_health(portal) < SOON
    # There was room for all of them.
    assert all(answers(connection) for connection in idle[:: MANY // 20])


def test_few_descriptors_are_shared_out_and_said_once(
    stack: ExitStack, sqlite_databases: SqliteDatabases, tmp_path: Path
) -> None:
    url = stack.enter_context(sqlite_databases.fresh(tmp_path, "seeded"))
    portal = under_limit(Portal(tmp_path, url), FEW, FEW)
    portal.start()
    stack.callback(portal.stop)
    while len(workers := portal.workers) < 2:
        time.sleep(0.05)
    idle = connected(stack, portal, 3 * FEW)
    assert slowest_health(portal) < SOON
    assert requests.get(f"{portal.url}/ready", timeout=5).json()["status"] == "ready"
    assert requests.get(f"{portal.url}/login", timeout=5).status_code == 200
    # Which worker has whom is not said, but no worker has more than it has room for.
    assert all(answers(connection) for connection in idle[-5:])
    assert sum(answers(connection) for connection in idle) <= 2 * descriptors.room(FEW, 4)
    assert portal.workers == workers
    lines = portal.log.read_text().splitlines()
    (said,) = [line for line in lines if "descriptors" in line or "accept_failed" in line]
    assert "WEB_CONNECTIONS is 4096, but the limit of 256 descriptors" in said
    assert not [line for line in lines if "Traceback" in line or "Worker exiting" in line]


def test_a_bound_of_connections_is_held(stack: ExitStack, tmp_path: Path) -> None:
    portal = WarmPortal(tmp_path, WEB_CONNECTIONS="16", WEB_CONCURRENCY="1")
    portal.start()
    stack.callback(portal.stop)
    idle = connected(stack, portal, 40)
    assert slowest_health(portal) < SOON
    # Who has been idle for longest went first; one or two more may have made room for those that asked after it.
    is_kept = [answers(connection) for connection in idle]
    assert is_kept == sorted(is_kept)
    assert 10 <= sum(is_kept) <= 16


def test_a_busy_connection_makes_room_for_nobody(stack: ExitStack, tmp_path: Path) -> None:
    portal = WarmPortal(tmp_path, WEB_CONNECTIONS="16", WEB_CONCURRENCY="1")
    portal.start()
    stack.callback(portal.stop)
    (busy,) = connected(stack, portal, 1)
    for _ in range(5):
        assert answers(busy)
        connected(stack, portal, 10)
        time.sleep(0.2)
    assert answers(busy)


def test_there_is_always_room_for_a_few() -> None:
    assert descriptors.room(65536, 4) > 60000
    assert descriptors.room(256, 4) == 152
    assert descriptors.room(64, 4) == 16
    assert descriptors.raise_limit() >= resource.getrlimit(resource.RLIMIT_NOFILE)[0]
