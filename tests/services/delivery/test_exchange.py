"""What an exchange does before anything is said: to find out where to connect, and to connect, has its time as well."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import requests

from app.services.delivery import exchange, lookup
from app.services.delivery.exchange import Deadline, NoAnswer, fetch, post_form
from app.services.delivery.lookup import addresses
from tests.outsiders import Serve, outsiders

PATIENCE = 30.0
SOON = 0.3
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def at(*ports: int) -> lookup.Addresses:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]


FOUND = at(9)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with outsiders() as start:
        yield start


class Resolver:
    """Stands in for the system's: answers no name before it is told to."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: object) -> lookup.Addresses:
        self.asked.append(host)
        if host.startswith("silent"):
            assert self.goes_on.wait(PATIENCE)
        if host == "nobody.test":
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return FOUND


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    standing_in = Resolver()
    monkeypatch.setattr(lookup.socket, "getaddrinfo", standing_in)
    monkeypatch.setattr(lookup, "_under_way", {})
    yield standing_in
    standing_in.goes_on.set()
    for thread in threading.enumerate():
        if thread.name == "lookup":
            thread.join(PATIENCE)


def in_thread(call: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    return thread, results


def test_a_name_that_is_not_found_in_time_is_not_waited_for(resolver: Resolver) -> None:
    with pytest.raises(TimeoutError):
        addresses("silent.test", 443, SOON)
    with pytest.raises(NoAnswer, match="Timeout"):
        post_form("https://silent.test/", {}, seconds=SOON)
    assert not resolver.goes_on.is_set()


def test_a_silent_name_holds_one_thread_and_no_other_name(resolver: Resolver) -> None:
    for _ in range(lookup.MOST + 5):
        with pytest.raises(TimeoutError):
            addresses("silent.test", 443, 0.001)
    assert addresses("other.test", 443, PATIENCE) == FOUND
    assert resolver.asked == ["silent.test", "other.test"]


def test_who_waits_for_the_same_name_has_the_same_answer(resolver: Resolver) -> None:
    waiting = [in_thread(lambda: addresses("silent.test", 443, PATIENCE)) for _ in range(3)]
    resolver.goes_on.set()
    for thread, results in waiting:
        thread.join(PATIENCE)
        assert results == [FOUND]


def test_a_name_is_asked_for_again_once_it_was_answered(resolver: Resolver) -> None:
    for _ in range(2):
        assert addresses("here.test", 443, PATIENCE) == FOUND
        with pytest.raises(socket.gaierror):
            addresses("nobody.test", 443, PATIENCE)
    assert resolver.asked == ["here.test", "nobody.test"] * 2
    assert lookup._under_way == {}


def test_no_more_names_are_looked_up_at_a_time_than_there_are_threads_for(resolver: Resolver) -> None:
    for number in range(lookup.MOST):
        with pytest.raises(TimeoutError):
            addresses(f"silent-{number}.test", 443, 0.001)
    with pytest.raises(OSError, match="too many"):
        addresses("other.test", 443, PATIENCE)
    assert "other.test" not in resolver.asked


@pytest.mark.parametrize("host", ["nobody.test", "a" * 64 + ".test"])
def test_what_is_no_name_is_an_outage(resolver: Resolver, host: str) -> None:
    with pytest.raises(NoAnswer, match="ConnectionError"):
        post_form(f"https://{host}/", {}, seconds=PATIENCE)


def got(url: str, deadline: Deadline) -> bytes:
    return fetch(requests.Request("GET", url).prepare(), deadline=deadline, most_bytes=100).body


def test_an_address_that_is_silent_leaves_time_for_the_next(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    good = serve(lambda sock: sock.sendall(HELLO))
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # the system lets a few in line, and then answers nobody
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", each)
            for each in (silent.getsockname(), ("127.0.0.1", good.port))
        ]
        monkeypatch.setattr(exchange, "addresses", lambda *_: found)
        assert got("http://two.test/", Deadline(2)) == b"hello"
        monkeypatch.setattr(exchange, "addresses", lambda *_: found[:1])
        with pytest.raises(NoAnswer, match="Timeout"):
            got("http://one.test/", Deadline(SOON))


def test_an_address_that_refuses_leads_to_the_next(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, good = serve(lambda sock: None), serve(lambda sock: sock.sendall(HELLO))
    gone.close()
    found = at(gone.port, good.port)
    monkeypatch.setattr(exchange, "addresses", lambda *_: found)
    assert got("http://two.test/", Deadline(PATIENCE)) == b"hello"
    monkeypatch.setattr(exchange, "addresses", lambda *_: found[:1])
    with pytest.raises(NoAnswer, match="ConnectionError"):
        got("http://one.test/", Deadline(PATIENCE))
