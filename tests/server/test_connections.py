"""Threads that wait for a database hold up nothing else: what waits for nothing goes on, the rest gets a 503."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from app.server.connections import connections
from app.server.connections.connections import Answer, Connections
from app.server.connections.rooms import Connection
from app.server.refusals import Refusals
from app.server.terms import Terms

ASK = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
THREADS = 2


class Hall:
    """Connections over socket pairs, answered by the path that was asked for; ``/slow`` hangs until ``goes_on``."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.goes_on, self.has_begun = threading.Event(), threading.Event()
        stack.callback(self.goes_on.set)
        refusals = Refusals(Terms((), 1000, frozenset()))
        limits = {"longest_body": 1000, "threads": THREADS, "idle_seconds": 75}
        is_prompt = frozenset({b"GET /health"}).__contains__
        self.connections = Connections(self._answer, lambda _: None, refusals, is_prompt=is_prompt, **limits)  # type: ignore[arg-type]
        self.connections.start(lambda: None)

    def _answer(self, conn: Connection) -> Answer:
        asked, end = conn.arrival.asked(), conn.arrival.end
        if asked == b"GET /slow":
            self.has_begun.set()
            self.goes_on.wait(10)
        return Answer(asked, ends=False, rest=bytes(conn.arrival.bytes[end:]))

    def connect(self, *paths: bytes) -> socket.socket:
        """A client that has asked for these."""
        ours, theirs = socket.socketpair()
        self._stack.enter_context(theirs)
        theirs.settimeout(1)
        self.connections.welcome(ours, "", "")
        theirs.sendall(b"".join(ASK % path for path in paths))
        return theirs


@pytest.fixture
def hall() -> Iterator[Hall]:
    with ExitStack() as stack:
        yield Hall(stack)


def test_what_waits_for_nothing_is_answered_when_all_threads_hang(hall: Hall) -> None:
    hanging = [hall.connect(b"slow") for _ in range(3 * THREADS)]
    for _ in range(5):
        assert hall.connect(b"health").recv(100) == b"GET /health"
    waiting = hall.connect(b"other")
    with pytest.raises(TimeoutError):
        waiting.recv(100)
    hall.goes_on.set()
    assert [client.recv(100) for client in hanging] == [b"GET /slow"] * len(hanging)
    assert waiting.recv(100) == b"GET /other"


def test_who_waits_too_long_for_a_thread_is_told_to_come_back(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WAIT_SECONDS", 0.1)
    hanging = [hall.connect(b"slow") for _ in range(THREADS)]
    time.sleep(0.1)
    waiting = hall.connect(b"other")
    time.sleep(0.3)
    hall.connections.end_what_takes_too_long()
    answer = waiting.recv(1000)
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nRetry-After: 5\r\n" in answer
    assert waiting.recv(1) == b""
    hall.goes_on.set()
    assert [client.recv(100) for client in hanging] == [b"GET /slow"] * len(hanging)


def test_what_waits_takes_no_more_memory_than_there_is(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_HELD", 20_000)
    body = b"POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n" + b"b" * 900
    hanging = [hall.connect(b"slow") for _ in range(THREADS)]
    assert hall.has_begun.wait(10)
    time.sleep(0.1)
    clients = [hall.connect() for _ in range(60)]
    for client in clients:
        client.sendall(body)
    time.sleep(0.2)
    hall.connections.end_what_takes_too_long()
    assert hall.connect(b"health").recv(100) == b"GET /health"
    hall.goes_on.set()
    answers = [client.recv(1000) for client in clients]
    assert {answer[:13] for answer in answers} == {b"POST /other", b"HTTP/1.1 503 "}
    assert 15 <= answers.count(b"POST /other") <= 25
    assert [client.recv(100) for client in hanging] == [b"GET /slow"] * THREADS
    # What was answered is held no more.
    for _ in range(60):
        late = hall.connect()
        late.sendall(body)
        assert late.recv(100) == b"POST /other"


def test_requests_in_a_row_are_answered_in_a_row(hall: Hall) -> None:
    client = hall.connect(*[b"other", b"health"] * 200)
    received = b""
    while len(received) < 200 * len(b"GET /otherGET /health"):
        received += client.recv(65536)
    assert received == b"GET /otherGET /health" * 200


def test_room_is_made_by_the_one_that_has_been_idle_for_longest(hall: Hall) -> None:
    first, second = hall.connect(), hall.connect()
    first.sendall(ASK % b"other")
    assert first.recv(100) == b"GET /other"
    while len(hall.connections._idle) < 2:
        time.sleep(0.01)
    busy = hall.connect(b"slow")
    assert hall.has_begun.wait(10)
    assert hall.connections.make_room()
    assert second.recv(1) == b""
    assert hall.connections.make_room()
    assert first.recv(1) == b""
    assert not hall.connections.make_room()
    hall.goes_on.set()
    assert busy.recv(100) == b"GET /slow"
