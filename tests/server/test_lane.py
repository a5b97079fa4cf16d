"""Answers that wait for somebody outside have threads of their own: however many of them hang, nobody else waits."""

import http.client
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from gunicorn import glogging
from gunicorn.config import Config

from app.server import outward
from app.server.answering import Answering
from app.server.connections import connections
from app.server.connections.connections import Connections
from app.server.connections.lane import INSIDE, PLACES, PLACES_OF_ONE, outside
from app.server.refusals import Refusals
from app.server.terms import Terms
from tests.servers import PROJECT_ROOT, Server, free_port

ASK = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"
OUTWARD, ORDINARY = b"/auth/google/callback?code=c&state=s", b"/login"
TERMS = Terms((), 1000, frozenset({b"GET /health"}), outward=outward.paths(["google", "kakao", "naver"]))
THREADS = 2
MANY = 200
PATIENCE = 30
"""Seconds after which something that should have happened has not."""


class House:
    """An application behind sockets: what is outward hangs until it ``goes_on``, and says that it is ``under_way``.

    Each answer is the path and the kind of the thread that gave it.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.goes_on, self.under_way = threading.Event(), threading.Semaphore(0)
        stack.callback(self.goes_on.set)
        refusals = Refusals(TERMS)
        answering = Answering(Config(), glogging.Logger(Config()), self._application, refusals)
        self.connections = Connections(
            lambda conn: answering.answer(conn, ends=False),
            answering.refusal,
            refusals,
            longest_body=TERMS.longest_body,
            is_prompt=TERMS.is_prompt,
            outward_to=TERMS.outward_to,
            threads=THREADS,
            idle_seconds=75,
        )
        self.connections.start(lambda: None)

    def _application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if "stays" in environ["QUERY_STRING"]:
            self.under_way.release()
            assert self.goes_on.wait(PATIENCE)
        elif path.startswith(("/auth/google", "/auth/kakao")):
            self.under_way.release()
            with outside():
                assert self.goes_on.wait(PATIENCE)
        if "breaks" in environ["QUERY_STRING"]:
            raise RuntimeError
        kind = threading.current_thread().name.partition("-")[0]
        body = f"{path} {kind}".encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def connect(self, *targets: bytes) -> socket.socket:
        """A client that has asked for these."""
        ours, theirs = socket.socketpair()
        self._stack.enter_context(theirs)
        theirs.settimeout(PATIENCE)
        self.connections.welcome(ours, "", "")
        theirs.sendall(b"".join(ASK % target for target in targets))
        return theirs

    def hang(self, number: int, target: bytes = OUTWARD) -> list[socket.socket]:
        """So many clients whose answers wait for the same one outside; as many as have a place are under way."""
        clients = [self.connect(target) for _ in range(number)]
        for _ in range(min(number, PLACES_OF_ONE)):
            assert self.under_way.acquire(timeout=PATIENCE)
        wait_for(lambda: len(self.connections._lane.waiting) >= number - PLACES_OF_ONE)
        return clients


@pytest.fixture
def house() -> Iterator[House]:
    with ExitStack() as stack:
        yield House(stack)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "This did not happen in time."
        time.sleep(0.01)


def answer(client: socket.socket) -> str:
    """The body of the next answer, or the status of one that is a refusal."""
    received = http.client.HTTPResponse(client)
    received.begin()
    return received.read().decode() if received.status == 200 else str(received.status)


def test_nobody_waits_for_those_who_wait_for_somebody_outside(house: House) -> None:
    hanging = house.hang(MANY)
    for _ in range(5):
        others = [house.connect(ORDINARY) for _ in range(4 * THREADS)]
        assert {answer(client) for client in others} == {"/login answers"}
        assert answer(house.connect(b"/health")) == "/health answers"
        assert answer(house.connect(b"/auth/acme")) == "/auth/acme answers"
    assert not select.select(hanging, [], [], 0)[0]
    assert not house.goes_on.is_set()
    house.goes_on.set()
    assert {answer(client) for client in hanging} == {"/auth/google/callback outward"}


def test_one_who_hangs_leaves_places_to_the_others(house: House) -> None:
    hanging = house.hang(MANY)
    for _ in range(2 * PLACES):
        assert answer(house.connect(b"/auth/naver")) == "/auth/naver outward"
    assert not select.select(hanging, [], [], 0)[0]
    house.goes_on.set()
    assert len([answer(client) for client in hanging]) == MANY


def test_no_more_are_under_way_than_there_are_places_and_each_is_given_back(house: House) -> None:
    for _ in range(2):
        house.goes_on.clear()
        hanging = [*house.hang(PLACES_OF_ONE + 1), *house.hang(PLACES - PLACES_OF_ONE, b"/auth/kakao")]
        assert not house.under_way.acquire(blocking=False)
        last = house.connect(b"/auth/naver")
        wait_for(lambda: len(house.connections._lane.waiting) == 2)
        house.goes_on.set()
        assert house.under_way.acquire(timeout=PATIENCE)
        assert len([answer(client) for client in hanging]) == PLACES + 1
        assert answer(last) == "/auth/naver outward"


def test_few_are_anywhere_else_than_outside(house: House) -> None:
    hanging = house.hang(PLACES_OF_ONE)
    inside = [house.connect(b"/auth/naver?stays") for _ in range(INSIDE + 1)]
    for _ in range(INSIDE):
        assert house.under_way.acquire(timeout=PATIENCE)
    wait_for(lambda: not house.connections._lane.waiting)
    assert not house.under_way.acquire(blocking=False)
    house.goes_on.set()
    assert {answer(client) for client in inside} == {"/auth/naver outward"}
    assert len([answer(client) for client in hanging]) == PLACES_OF_ONE


def test_to_be_outside_is_nothing_special_for_other_threads() -> None:
    with outside():
        pass


def test_a_place_is_given_back_by_who_breaks_or_goes_away(house: House) -> None:
    broken = [house.connect(OUTWARD + b"&breaks") for _ in range(PLACES_OF_ONE // 2)]
    for client in house.hang(PLACES_OF_ONE // 2):
        client.close()
    for _ in broken:
        assert house.under_way.acquire(timeout=PATIENCE)
    house.goes_on.set()
    assert {answer(client) for client in broken} == {"500"}
    house.goes_on.clear()
    house.hang(PLACES_OF_ONE)


def test_who_finds_no_place_for_too_long_is_told_to_come_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = house.hang(PLACES_OF_ONE + 3)
    house.connections.end_what_takes_too_long()
    assert not select.select(hanging, [], [], 0)[0]
    monkeypatch.setattr(connections, "WAIT_SECONDS", -1)
    house.connections.end_what_takes_too_long()
    refused = select.select(hanging, [], [], 0)[0]
    assert [answer(client) for client in refused] == ["503"] * 3
    assert [client.recv(1) for client in refused] == [b""] * 3
    house.goes_on.set()
    assert len([answer(client) for client in hanging if client not in refused]) == PLACES_OF_ONE


def test_a_connection_is_outward_for_one_request_only(house: House) -> None:
    client = house.connect(OUTWARD)
    assert house.under_way.acquire(timeout=PATIENCE)
    house.goes_on.set()
    assert answer(client) == "/auth/google/callback outward"
    for target, given in ((ORDINARY, "/login answers"), (OUTWARD, "/auth/google/callback outward")) * 2:
        client.sendall(ASK % target)
        assert answer(client) == given


def test_requests_in_a_row_are_answered_in_a_row_each_by_its_own_threads(house: House) -> None:
    client = house.connect(*[ORDINARY, OUTWARD, OUTWARD, b"/health"] * 50)
    reader = client.makefile("rb")
    assert house.under_way.acquire(timeout=PATIENCE)
    house.goes_on.set()
    given = []
    while len(given) < 200:
        assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
        fields = http.client.parse_headers(reader)
        given.append(reader.read(int(fields["Content-Length"])).decode())
    both = ["/auth/google/callback outward"] * 2
    assert given == ["/login answers", *both, "/health answers"] * 50


def test_what_came_before_is_sent_while_an_answer_hangs(house: House) -> None:
    client = house.connect(ORDINARY, OUTWARD, ORDINARY)
    assert answer(client) == "/login answers"
    assert not house.goes_on.is_set()


def test_a_slow_client_holds_no_place(house: House) -> None:
    for _ in range(3 * PLACES):
        house.connect().sendall((ASK % OUTWARD)[:-1])
    house.hang(PLACES_OF_ONE)


def test_who_waits_for_a_place_makes_room_before_who_is_at_a_request(house: House) -> None:
    hanging = house.hang(PLACES_OF_ONE + 1)
    ordinary = house.connect()
    ordinary.sendall((ASK % ORDINARY)[:-1])
    wait_for(lambda: bool(house.connections._arriving))
    idle = house.connect()
    assert house.connections.make_room()
    assert idle.recv(1) == b""
    assert house.connections.make_room()
    (refused,) = select.select(hanging, [], [], 0)[0]
    assert answer(refused) == "503"
    assert refused.recv(1) == b""
    ordinary.sendall(b"\n")
    assert answer(ordinary) == "/login answers"
    wait_for(lambda: bool(house.connections._idle))
    assert house.connections.make_room()
    assert not house.connections.make_room()


SMALL_APPLICATION = """
import socket
from flask import Flask
from gunicorn import glogging
from app.server import outward, terms
from app.server.connections.lane import outside as waiting

class Logger(glogging.Logger):
    def flush(self):
        pass

def outside():
    with waiting(), socket.create_connection(("127.0.0.1", {port})) as line:
        return line.makefile().readline().strip()

app = Flask(__name__)
app.add_url_rule("/auth/google", "outside", outside)
app.add_url_rule("/login", "ordinary", lambda: "ordinary")
terms.agree(app, terms.Terms((), 1000, frozenset(), outward=outward.paths(["google"])))
"""


class SmallServer(Server):
    """A worker of the portal's with a small application, which asks somebody outside: a listener of the test's."""

    def __init__(self, directory: Path, outside: int) -> None:
        self.directory = directory
        (directory / "small.py").write_text(SMALL_APPLICATION.format(port=outside))
        self.port = free_port()
        options = f"-k app.server.worker.PatientWorker --logger-class small.Logger --threads {THREADS}".split()
        command = [
            str(Path(sys.executable).with_name("gunicorn")),
            *options,
            "-b",
            f"127.0.0.1:{self.port}",
            "small:app",
        ]
        environment = {"PYTHONPATH": f"{directory}:{PROJECT_ROOT}"}
        super().__init__(command, directory / "log", self._answers, environment=environment)

    def ask(self, target: bytes) -> socket.socket:
        """A connection on which this was asked."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        client.sendall(ASK % target)
        return client

    def _answers(self) -> bool:
        try:
            with self.ask(ORDINARY) as client:
                return answer(client) == "ordinary"
        except OSError:
            return False


def test_a_worker_that_ends_waits_for_who_is_outside(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=MANY) as outside, ExitStack() as stack:
        outside.settimeout(PATIENCE)
        server = SmallServer(tmp_path, outside.getsockname()[1])
        server.start()
        stack.callback(server.stop)
        clients = [stack.enter_context(server.ask(b"/auth/google")) for _ in range(PLACES_OF_ONE)]
        lines = [stack.enter_context(outside.accept()[0]) for _ in clients]
        with server.ask(ORDINARY) as client:
            assert answer(client) == "ordinary"
        ending = threading.Thread(target=server.stop)
        ending.start()
        wait_for(lambda: is_closed(server.port))
        assert not select.select(clients, [], [], 0)[0]
        for line in lines:
            line.sendall(b"outside\n")
        assert {answer(client) for client in clients} == {"outside"}
        ending.join(PATIENCE)
        assert not ending.is_alive()


def is_closed(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return True
    return False
