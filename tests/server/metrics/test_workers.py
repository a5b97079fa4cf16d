"""The portal as it is run: all workers' numbers are one, whoever of them is asked, and whichever of them has ended."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from app.server.metrics import board
from app.server.metrics.board import LOST, Board
from tests.databases import SqliteDatabases
from tests.portal import Portal, WarmPortal
from tests.server.metrics.reading import Reading
from tests.servers import free_port

PATIENCE = 60.0


@pytest.fixture(scope="module")
def port() -> int:
    """Where the metrics are."""
    return free_port()


@pytest.fixture(scope="module")
def portal(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Portal]:
    """Two workers, and an address for metrics alone."""
    instance = tmp_path_factory.mktemp("metrics") / "instance"
    with sqlite_databases.fresh(instance, "seeded") as url:
        served = WarmPortal(instance, url, METRICS_BIND=f"127.0.0.1:{port}")
        served.start()
        yield served
        served.stop()


def read(port: int) -> Reading:
    answer = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30)
    assert answer.status_code == 200
    return Reading(answer.text)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def load(portal: Portal, count: int) -> None:
    """Ask on connections of their own, so that all workers have some."""
    for _ in range(count):
        assert requests.get(f"{portal.url}/privacy", timeout=30).status_code == 200


def privacy(port: int) -> float:
    return read(port)("portal_http_requests_total", route="/privacy")


def test_numbers_outlive_workers_and_tell_of_all(portal: Portal, port: int) -> None:
    load(portal, 40)
    wait_for(lambda: privacy(port) == 40)
    wait_for(lambda: read(port)("portal_workers") == 2)
    wait_for(lambda: len(read(port).labels("portal_http_connections", "worker")) == 2)
    # One is killed: what it counted stays, what it was doing goes.
    first = portal.workers[0]
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: first not in portal.workers and len(portal.workers) == 2)
    load(portal, 20)
    wait_for(lambda: privacy(port) == 60)
    wait_for(lambda: read(port)("portal_workers") == 2)
    assert read(port).labels("portal_database_connections_used", "worker") <= {"1", "2"}
    # All are replaced in order.
    before = set(portal.workers)
    os.kill(portal.pid, signal.SIGHUP)
    wait_for(lambda: not before & set(portal.workers) and len(portal.workers) == 2)
    load(portal, 20)
    wait_for(lambda: privacy(port) == 80)
    wait_for(lambda: read(port)("portal_workers") == 2)
    wait_for(lambda: len(read(port).labels("portal_http_connections", "worker")) == 2)
    assert read(port)("portal_metrics_lost_total") == 0


def test_its_address_has_nothing_else_and_the_portals_has_no_metrics(portal: Portal, port: int) -> None:
    assert requests.get(f"{portal.url}/metrics", timeout=30).status_code == 404
    foreign = {"Host": f"localhost:{port}", "X-Forwarded-Port": str(port), "X-Forwarded-For": "127.0.0.1"}
    assert requests.get(f"{portal.url}/metrics", headers=foreign, timeout=30).status_code == 404
    assert requests.get(f"http://127.0.0.1:{port}/health", timeout=30).status_code == 404


def test_what_the_server_refuses_is_counted(portal: Portal, port: int) -> None:
    with socket.create_connection(("localhost", portal.port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: one/two\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 400")
    wait_for(lambda: read(port)("portal_http_refused_total", reason="bad_host") == 1)


def test_an_address_that_is_taken_is_said_in_one_line(portal: Portal, port: int) -> None:
    second = WarmPortal(portal.instance, portal.environment["DATABASE_URL"], METRICS_BIND=f"127.0.0.1:{port}")
    second.log = portal.instance / "second.log"
    with pytest.raises(AssertionError, match=f"Cannot listen on port {port}"):
        second.start()


def test_a_page_goes_on_where_the_last_worker_ended() -> None:
    count, seconds, gauge = ("portal_a_total", "x"), ("portal_seconds",), ("portal_gauge", "1")
    shared = Board(3)
    first = shared.page(1)
    assert not first.add(count)
    assert all((first.admit(count), first.admit(seconds, 4), first.admit(gauge)))
    assert all((first.add(count), first.observe(seconds, (1.0, 2.0), 1.5), first.set(gauge, 7.0)))
    other, next_one = shared.page(2), shared.page(1)
    assert all((other.admit(count), other.add(count, 2.0)))
    assert all((next_one.add(count), next_one.observe(seconds, (1.0, 2.0), 5.0)))
    assert [(number, key, values) for number, key, values in shared.read() if key != LOST] == [
        (1, count, [2.0]),
        (1, seconds, [0.0, 1.0, 1.0, 6.5]),
        (1, gauge, [7.0]),
        (2, count, [2.0]),
    ]


@pytest.mark.parametrize("limit", [("MOST_BYTES", 400), ("MOST_VALUES", 12)])
def test_a_page_that_is_full_says_so(limit: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, *limit)
    shared = Board(1)
    page = shared.page(0)
    has_place = [page.admit(("portal_a_total", str(number))) for number in range(40)]
    assert 0 < has_place.count(True) < 40
    found = {key: value for _, key, (value, *_) in shared.read()}
    assert found[LOST] == has_place.count(False)
    assert len(found) == has_place.count(True) + 1
