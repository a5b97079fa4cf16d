"""A deploy resets nobody: under load, new workers, a new master, the end, and a worker that is killed."""

import json
import os
import selectors
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.databases import SqliteDatabases
from tests.portal import Portal, WarmPortal

pytestmark = pytest.mark.timed

ASK = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATHS = (b"/health", b"/privacy", b"/.well-known/jwks.json")
GRACE = 2


@dataclass
class Load:
    """People who keep their connections and people who do not; ``lost`` says which requests had no answer."""

    portal: Portal
    answered: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    closing: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def keep(self, pause: float) -> None:
        """Ask again and again on one connection, and on another one where that was closed, or said to end."""
        connection: socket.socket | None = None
        while not self._ended.is_set():
            if connection is not None and is_closed(connection):
                connection.close()
                connection = None
            connection = connection or self._connected()
            if connection and not self._ask(connection, "kept"):
                connection.close()
                connection = None
            time.sleep(pause)
        if connection:
            connection.close()

    def come_and_go(self) -> None:
        """Ask once on each connection."""
        while not self._ended.is_set():
            if connection := self._connected():
                with connection:
                    self._ask(connection, "new")

    def _connected(self) -> socket.socket | None:
        try:
            return socket.create_connection(("127.0.0.1", self.portal.port), timeout=30)
        except ConnectionRefusedError:
            self.refused.append(time.monotonic())
            time.sleep(0.02)
        except OSError as error:
            self.lost.append(f"connecting: {error!r}")
        return None

    def _ask(self, connection: socket.socket, kind: str) -> bool:
        """Ask for something; whether the connection can be used again."""
        answer = b""
        try:
            connection.sendall(ASK % PATHS[sum(self.answered.values()) % len(PATHS)])
            while not is_whole(answer):
                more = connection.recv(65536)
                if not more:
                    raise ConnectionResetError(f"after {len(answer)} bytes")
                answer += more
        except OSError as error:
            self.lost.append(f"{kind}: {error!r}")
            return False
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        self.answered[kind] += 1
        says_close = b"\r\nConnection: close\r\n" in answer
        self.closing += says_close
        return not says_close

    def end(self) -> None:
        self._ended.set()


def is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(end) and len(body) >= int(lengths[0].split(b":")[1])


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has closed it, which every client looks for before it sends."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0))


@contextmanager
def load_on(portal: Portal) -> Iterator[Load]:
    load = Load(portal)
    jobs = [
        (load.keep, (0.0,)),
        (load.keep, (0.05,)),
        (load.keep, (0.3,)),
        (load.come_and_go, ()),
        (load.come_and_go, ()),
    ]
    threads = [threading.Thread(target=job, args=arguments) for job, arguments in jobs]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        yield load
    finally:
        load.end()
        for thread in threads:
            thread.join(30)


@pytest.fixture
def database_url(sqlite_databases: SqliteDatabases, tmp_path: Path) -> Iterator[str]:
    with sqlite_databases.fresh(tmp_path, "seeded") as url:
        yield url


@pytest.fixture
def portal(database_url: str, tmp_path: Path) -> Iterator[Portal]:
    portal = WarmPortal(tmp_path, database_url, DRAIN_SECONDS=str(GRACE))
    portal.start()
    yield portal
    portal.stop()


def wait_until(condition: Callable[[], bool], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "This did not happen in time."
        time.sleep(0.02)


def is_there(pid: int) -> bool:
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_new_workers_take_over_without_a_reset(portal: Portal) -> None:
    with load_on(portal) as load:
        for _ in range(3):
            old = set(portal.workers)
            os.kill(portal.pid, signal.SIGHUP)
            wait_until(lambda: len(portal.workers) == 2 and not old & set(portal.workers))  # noqa: B023
            assert requests.get(f"{portal.url}/ready", timeout=5).status_code == 200
        wait_until(lambda: min(load.answered["new"], load.answered["kept"]) > 50)
    assert (load.lost, load.refused) == ([], [])


def test_a_worker_that_is_told_to_go_is_replaced_without_a_reset(portal: Portal) -> None:
    with load_on(portal) as load:
        for pid in portal.workers:
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: len(portal.workers) == 2 and pid not in portal.workers)  # noqa: B023
            assert requests.get(f"{portal.url}/ready", timeout=5).status_code == 200
    assert (load.lost, load.refused) == ([], [])


def test_a_killed_worker_loses_no_more_than_it_held(portal: Portal) -> None:
    with load_on(portal) as load:
        for _ in range(3):
            victim = portal.workers[0]
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: len(portal.workers) == 2 and victim not in portal.workers)  # noqa: B023
    assert load.refused == []
    # Each of the five can have one request in that worker, or its connection there.
    assert len(load.lost) <= 3 * 5
    assert not [each for each in load.lost if each.startswith("connecting")]


def test_it_leaves_in_order(portal: Portal) -> None:
    statuses: list[tuple[int, object]] = []
    with load_on(portal) as load:
        master = portal.pid
        began = time.monotonic()
        os.kill(master, signal.SIGTERM)
        while time.monotonic() < began + GRACE - 0.5:
            with requests.get(f"{portal.url}/ready", timeout=5) as answer:
                statuses.append((answer.status_code, answer.json()))
            assert requests.get(f"{portal.url}/health", timeout=5).status_code == 200
            time.sleep(0.1)
        wait_until(lambda: bool(load.refused))
        until = load.refused[0] - began
        wait_until(lambda: not is_there(master))
        ended = time.monotonic() - began
    assert load.lost == []
    assert load.closing > 0
    assert statuses[-1] == (503, {"status": "leaving"})
    assert [code for code, _ in statuses].count(503) >= len(statuses) - 1
    assert until >= GRACE
    assert ended < GRACE + 10


def test_who_is_in_a_hurry_says_so_twice(portal: Portal) -> None:
    portal.environment["DRAIN_SECONDS"] = "60"
    portal.stop()
    portal.start()
    os.kill(portal.pid, signal.SIGTERM)
    wait_until(lambda: requests.get(f"{portal.url}/ready", timeout=5).json() == {"status": "leaving"})
    os.kill(portal.pid, signal.SIGTERM)
    wait_until(lambda: not is_there(portal.pid), 15)


def test_what_is_under_way_is_answered_at_the_end(portal: Portal) -> None:
    """Half a request at the moment of the end is one that is under way; the rest of it is still heard."""
    with socket.create_connection(("127.0.0.1", portal.port), timeout=20) as slow:
        slow.sendall(b"POST /api/oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n")
        time.sleep(0.2)
        os.kill(portal.pid, signal.SIGTERM)
        time.sleep(GRACE + 1.5)
        slow.sendall(b"x")
        answer = slow.recv(65536)
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"\r\nConnection: close\r\n" in answer


def upgraded(portal: Portal, pid_file: Path) -> int:
    """Send SIGUSR2 and answer the process id of the new master once it serves."""
    os.kill(portal.pid, signal.SIGUSR2)
    second = pid_file.with_name(pid_file.name + ".2")
    wait_until(second.exists)
    new = int(second.read_text())
    wait_until(lambda: len(children(new)) == 2)
    return new


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("bind", ["tcp", "unix"])
def test_a_new_master_takes_over_without_a_reset(database_url: str, tmp_path: Path, bind: str) -> None:
    pid_file = tmp_path / "portal.pid"
    arguments = f"--pid {pid_file}"
    portal = Portal(tmp_path, database_url, DRAIN_SECONDS=str(GRACE), GUNICORN_CMD_ARGS=arguments)
    if bind == "unix":
        portal.environment["GUNICORN_CMD_ARGS"] += f" --bind unix:{tmp_path}/p.sock --bind 127.0.0.1:{portal.port}"
    portal.start()
    old = portal.pid
    try:
        with load_on(portal) as load:
            new = upgraded(portal, pid_file)
            os.kill(old, signal.SIGTERM)
            began = time.monotonic()
            wait_until(lambda: not is_there(old))
            # Somebody else serves: nobody needs to hear of it, and nothing is waited for.
            assert time.monotonic() - began < GRACE + 8
            wait_until(lambda: pid_file.exists() and int(pid_file.read_text()) == new)
            assert requests.get(f"{portal.url}/ready", timeout=5).status_code == 200
            if bind == "unix":
                assert over_unix(tmp_path / "p.sock").startswith(b"HTTP/1.1 200 ")
            time.sleep(0.5)
        assert (load.lost, load.refused) == ([], [])
    finally:
        with suppress(UnboundLocalError, ProcessLookupError):
            os.kill(new, signal.SIGTERM)
            wait_until(lambda: not is_there(new))
        portal.stop()


def over_unix(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        client.sendall(ASK % b"/ready")
        return client.recv(65536)


def test_an_upgrade_can_be_taken_back_without_a_reset(database_url: str, tmp_path: Path) -> None:
    pid_file = tmp_path / "portal.pid"
    portal = Portal(tmp_path, database_url, DRAIN_SECONDS=str(GRACE), GUNICORN_CMD_ARGS=f"--pid {pid_file}")
    portal.start()
    try:
        with load_on(portal) as load:
            new = upgraded(portal, pid_file)
            os.kill(new, signal.SIGTERM)
            wait_until(lambda: not is_there(new))
            assert requests.get(f"{portal.url}/ready", timeout=5).json()["status"] == "ready"
        assert (load.lost, load.refused) == ([], [])
        assert int(pid_file.read_text()) == portal.pid
    finally:
        portal.stop()


def test_a_secret_that_cannot_be_read_any_more_ends_nobody(tmp_path: Path) -> None:
    secret = tmp_path / "a_secret"
    secret.write_text("s" * 40)
    portal = Portal(tmp_path, SECRET_KEY_FILE=str(secret))
    portal.start()
    try:
        secret.unlink()
        old = set(portal.workers)
        os.kill(portal.pid, signal.SIGHUP)
        wait_until(lambda: len(portal.workers) == 2 and not old & set(portal.workers))
        assert json.loads(requests.get(f"{portal.url}/health", timeout=5).text) == {"status": "ok"}
    finally:
        portal.stop()


def test_what_one_portal_says_is_said_of_no_other(database_url: str, tmp_path: Path) -> None:
    """Both are forked from one process; the memory that a master shares is that of its own workers."""
    first, second = WarmPortal(tmp_path, database_url, DRAIN_SECONDS="30"), WarmPortal(tmp_path, database_url)
    second.log = tmp_path / "second.log"
    first.start()
    second.start()
    try:
        os.kill(first.pid, signal.SIGTERM)
        wait_until(lambda: requests.get(f"{first.url}/ready", timeout=5).json() == {"status": "leaving"})
        answer = requests.get(f"{second.url}/ready", timeout=5)
        assert (answer.status_code, answer.json()["status"] == "leaving") == (200, False)
        os.kill(first.pid, signal.SIGTERM)
    finally:
        second.stop()
        first.stop()
