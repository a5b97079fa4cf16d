"""Keys at a client's address: when it is asked, what is believed of its answer, and who waits for it."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey

from app.errors import ProtocolRefusal
from app.services.assertions.published_keys import Keys, PublishedKeys
from app.services.clients.public_keys import meant
from app.services.delivery import exchange
from tests.outsiders import Outsider, Serve, outsiders

PATIENCE = 30
ONE, TWO = ({**ECKey.generate_key("P-256").as_dict(private=False), "kid": kid} for kid in ("one", "two"))


def answering(body: str, status: str = "200 OK", more: str = "") -> Callable[[socket.socket], None]:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body.encode())}\r\n{more}\r\n"
    return lambda sock: sock.sendall(head.encode() + body.encode())


def a_set(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": keys})


class Desk:
    """A process that wants keys, and the address where they are."""

    def __init__(self, serve: Serve, places: int = 2, **said: Any) -> None:
        self.time = 1000.0
        self.outsider: Outsider = serve(answering(a_set(ONE)))
        self.uri = f"http://127.0.0.1:{self.outsider.port}/jwks"
        self.given_back = 0
        self.keys = PublishedKeys(places=places, is_production=False, now=lambda: self.time, **said)

    def wanted(self, kid: str = "one", uri: str = "") -> list[str | None]:
        """The ids of the keys there are for somebody who signed with that one."""

        def is_enough(keys: Keys) -> bool:
            return meant(keys, kid, "ES256") is not None

        return [key.kid for key in self.keys.at(uri or self.uri, is_enough, self._give_back)]

    def _give_back(self) -> None:
        self.given_back += 1

    @property
    def looks(self) -> int:
        return len(self.outsider.received)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with outsiders() as start:
        yield start


@pytest.fixture
def desk(serve: Serve) -> Desk:
    return Desk(serve)


def test_keys_are_read_once_in_ten_minutes(desk: Desk) -> None:
    assert [desk.wanted() for _ in range(5)] == [["one"]] * 5
    assert (desk.looks, desk.given_back) == (1, 1)
    request = desk.outsider.received[0].decode()
    assert request.startswith("GET /jwks HTTP/1.1\r\n")
    assert not {"cookie", "authorization"} & {line.partition(":")[0].lower() for line in request.splitlines()}
    desk.time += 599
    assert (desk.wanted(), desk.looks) == (["one"], 1)
    desk.outsider.answer = answering(a_set(TWO))
    desk.time += 2
    # A key that was taken away counts no longer.
    assert (desk.wanted(), desk.looks) == (["two"], 2)


def test_a_key_that_was_added_is_found_at_once(desk: Desk) -> None:
    desk.wanted()
    desk.time += 61
    desk.outsider.answer = answering(a_set(ONE, TWO))
    assert (desk.wanted("two"), desk.wanted("one"), desk.looks) == (["one", "two"], ["one", "two"], 2)


def test_a_flood_of_unknown_keys_is_one_look_a_minute(desk: Desk) -> None:
    desk.wanted()
    for number in range(200):
        assert desk.wanted(f"made-up-{number}") == ["one"]
    assert desk.looks == 1
    desk.time += 60
    for number in range(200):
        assert desk.wanted(f"made-up-{number}") == ["one"]
    assert desk.looks == 2


def test_keys_stay_for_an_hour_while_the_address_fails(desk: Desk) -> None:
    desk.wanted()
    desk.outsider.answer = answering("", "500 Internal Server Error")
    desk.time += 3599
    assert [desk.wanted() for _ in range(9)] == [["one"]] * 9
    assert desk.looks == 2
    desk.time += 2
    assert (desk.wanted(), desk.wanted()) == ([], [])
    desk.outsider.answer = answering(a_set(ONE))
    desk.time += 60
    assert desk.wanted() == ["one"]


ANSWERS: dict[str, Callable[[socket.socket], object]] = {
    "a redirect": answering("", "302 Found", "Location: http://127.0.0.1:1/jwks\r\n"),
    "not found": answering(a_set(ONE), "404 Not Found"),
    "of somebody else": answering(a_set(ONE), "203 Non-Authoritative Information"),
    "no JSON": answering("no keys"),
    "an empty set": answering(a_set()),
    "a private key": answering(a_set(ECKey.generate_key("P-256").as_dict(private=True))),
    "half a pair": answering('{"keys": ["\\ud83d"]}'),
    "too much": answering(json.dumps({"keys": [ONE], "more": "x" * 20_000})),
    "less than announced": lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    "no text": lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe"),
    "nothing": lambda sock: None,
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_what_is_no_set_of_keys_gives_none_and_is_asked_again_soon(
    desk: Desk, answer: Callable[[socket.socket], object]
) -> None:
    desk.outsider.answer = answer
    assert [desk.wanted() for _ in range(20)] == [[]] * 20
    assert desk.looks == 1
    desk.outsider.answer = answering(a_set(ONE))
    desk.time += 10
    assert (desk.wanted(), desk.looks) == (["one"], 2)


def test_nobody_is_followed_to_another_address(serve: Serve, desk: Desk) -> None:
    inner = serve(answering(a_set(ONE)))
    desk.outsider.answer = answering("", "307 Temporary Redirect", f"Location: http://127.0.0.1:{inner.port}/\r\n")
    assert (desk.wanted(), inner.received) == ([], [])


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fd00::1", "ff02::1"),
        *(
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8.",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "::8.8.8.8",
        ),
    ],
)
def test_in_production_no_inner_address_is_asked_whatever_its_name(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """The resolver is told what a name leads to; nothing else is replaced, and nothing is connected to."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(exchange, "addresses", lambda *_: found)
    asked: list[Any] = []
    monkeypatch.setattr(exchange.socket, "socket", lambda *given: asked.append(given))
    keys = PublishedKeys(places=1, is_production=True)
    assert keys.at("https://keys.example.com/jwks", lambda _: True, lambda: None) == ()
    assert asked == []


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"])
def test_in_production_addresses_of_everybody_are_asked(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(exchange, "addresses", lambda *_: found)
    asked: list[Any] = []

    def connect(*given: Any) -> Any:
        asked.append(given)
        raise OSError

    monkeypatch.setattr(exchange.socket, "socket", connect)
    assert PublishedKeys(places=1, is_production=True).at("https://a.test/jwks", lambda _: True, lambda: None) == ()
    assert len(asked) == 1


def test_in_production_nothing_is_asked_in_clear(desk: Desk) -> None:
    keys = PublishedKeys(places=1, is_production=True)
    assert keys.at(desk.uri, lambda _: True, lambda: None) == ()
    assert desk.looks == 0


class Hanging:
    """An answer that waits until it is let go."""

    def __init__(self, body: str) -> None:
        self.is_asked, self.may_answer = threading.Event(), threading.Event()
        self._say = answering(body)

    def __call__(self, sock: socket.socket) -> None:
        self.is_asked.set()
        if self.may_answer.wait(PATIENCE):
            self._say(sock)


def begun(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Something done beside the test, and what comes of it."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 it is looked at by the test
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def test_who_hangs_holds_up_nobody_else(serve: Serve, desk: Desk) -> None:
    hanging = Hanging(a_set(ONE))
    slow = serve(hanging)
    uri = f"http://127.0.0.1:{slow.port}/jwks"
    desk.wanted()
    thread, results = begun(lambda: desk.wanted(uri=uri))
    assert hanging.is_asked.wait(PATIENCE)
    other, of_other = begun(lambda: desk.wanted(uri=uri))
    # Both places are taken before long; others of that client hear that they may come again.
    while desk.keys._places.acquire(blocking=False):
        desk.keys._places.release()
    with pytest.raises(ProtocolRefusal) as refused:
        desk.wanted(uri=uri)
    assert (refused.value.code, refused.value.status) == ("temporarily_unavailable", 503)
    # And another client, whose keys are known, does not notice; not even once they are old.
    assert desk.wanted() == ["one"]
    desk.time += 700
    assert desk.wanted() == ["one"]
    hanging.may_answer.set()
    for each in (thread, other):
        each.join(PATIENCE)
    assert (results, of_other, len(slow.received)) == ([["one"]], [["one"]], 1)
    assert desk.wanted() == ["one"]


def test_who_has_its_key_does_not_wait_for_who_looks_for_another(desk: Desk) -> None:
    desk.wanted()
    desk.time += 61
    hanging = desk.outsider.answer = Hanging(a_set(ONE, TWO))
    thread, results = begun(lambda: desk.wanted("two"))
    assert hanging.is_asked.wait(PATIENCE)
    assert [desk.wanted("one") for _ in range(5)] == [["one"]] * 5
    hanging.may_answer.set()
    thread.join(PATIENCE)
    assert results == [["one", "two"]]


def test_many_at_once_are_one_look(serve: Serve) -> None:
    desk = Desk(serve, places=8)
    hanging = desk.outsider.answer = Hanging(a_set(ONE))
    threads = [begun(desk.wanted) for _ in range(8)]
    assert hanging.is_asked.wait(PATIENCE)
    hanging.may_answer.set()
    for thread, _ in threads:
        thread.join(PATIENCE)
    assert [results for _, results in threads] == [[["one"]]] * 8
    assert desk.looks == 1


def test_who_cannot_ask_leaves_the_place_to_others(desk: Desk) -> None:
    class Outage(Exception):
        """The database is away."""

    def fail() -> None:
        raise Outage

    for _ in range(5):
        with pytest.raises(Outage):
            desk.keys.at(desk.uri, lambda _: True, fail)
        desk.time += 10
    assert (desk.wanted(), desk.looks) == (["one"], 1)


@pytest.mark.parametrize("uri", ["http://", "http://a..b/", "http://[::1/", "http://127.0.0.1:99999/", "x"])
def test_what_is_no_address_gives_no_keys(desk: Desk, uri: str) -> None:
    assert desk.wanted(uri=uri) == []


def test_addresses_without_end_are_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.assertions.published_keys.MOST_ADDRESSES", 3)
    for number in range(9):
        desk.wanted(uri=f"{desk.uri}?{number}")
    assert len(desk.keys._known) == 3
