"""Section T, connections: where a request ends is never in doubt, and who is slow or leaves hurts nobody else."""

import http.client
import json
import re
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import gunicorn
import pytest
import requests

from tests.portal import Portal

HOST = b"Host: localhost\r\n"
TO_TOKEN = b"POST /api/oauth/token HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
NEXT = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"

# The portal is run with the gunicorn that requirements.txt names; others are tried by `make gunicorn`.
SINCE_27 = pytest.mark.skipif(
    int(gunicorn.__version__.partition(".")[0]) < 27, reason="gunicorn looks at the characters of a target since 27"
)


def answers_to(portal: Portal, raw: bytes, *, seconds: float = 2.0) -> list[int]:
    """The status of each answer to these bytes; fails unless the portal then closes the connection."""
    with socket.create_connection(("127.0.0.1", portal.port), timeout=seconds) as connection:
        connection.sendall(raw)
        received = b""
        try:
            while more := connection.recv(65536):
                received += more
        except ConnectionResetError:
            pass
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
        b"Content-Length: 5, 5\r\n\r\nabcde",
        b"Content-Length: +5\r\n\r\nabcde",
        b"Content-Length: -5\r\n\r\nabcde",
        b"Content-Length: 0x5\r\n\r\nabcde",
        b"Content-Length: 5 5\r\n\r\nabcde",
        b"Content-Length: \r\n\r\nabcde",
        b"Content-Length: \xb2\r\n\r\nabcde",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: gzip, chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: identity\r\n\r\nabcde",
        b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        b"Host: evil.test\r\nContent-Length: 0\r\n\r\n",
        b"Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=lambda framing: ascii(framing.partition(b"\r\n\r\n")[0].decode("latin-1")),
)
def test_t300_a_request_of_doubtful_length_ends_the_connection(live_portal: Portal, framing: bytes) -> None:
    # Refused with one answer; in no case is what follows read as a request of its own.
    assert answers_to(live_portal, TO_TOKEN + framing + NEXT) in ([400], [501])


def test_t300_a_chunked_body_is_read_by_its_chunks_in_an_old_request_too(live_portal: Portal) -> None:
    old = TO_TOKEN.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert answers_to(live_portal, old + NEXT) == [400]


@pytest.mark.parametrize("chunk", [b"5\r\nabcde", b"5;name=value\r\nabcde", b"05\r\nabcde"])
def test_t300_extensions_of_a_chunk_change_nothing(live_portal: Portal, chunk: bytes) -> None:
    body = b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + b"\r\n0\r\n\r\n"
    assert answers_to(live_portal, TO_TOKEN + body + NEXT) == [400]


@pytest.mark.parametrize(
    "chunk",
    [b"0x5\r\nabcde", b"-5\r\nabcde", b"5;a\nb\r\nabcde", b"5\nabcde", b"g\r\nabcde", b"5\r\nabcdefgh", b" \r\n"],
)
def test_t300_a_chunk_that_is_none_is_the_senders_fault(live_portal: Portal, chunk: bytes) -> None:
    body = b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"\r\n0\r\n\r\n"
    assert answers_to(live_portal, TO_TOKEN + body + NEXT) == [400]


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /health HTTP/1.1\nHost: localhost\n\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\r\n\tb\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n: a\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX(y): a\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/3.0\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1 \r\nHost: localhost\r\n\r\n",
        b"get /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /log in HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX : y\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\x7fb\r\n\r\n",
        pytest.param(b"GET /hea\x00lth HTTP/1.1\r\nHost: localhost\r\n\r\n", marks=SINCE_27),
        pytest.param(b"GET /h\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n", marks=SINCE_27),
        b"G(T /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://[/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
    ids=lambda raw: ascii(raw.decode("latin-1"))[:60],
)
def test_t300_a_request_that_others_could_read_otherwise_is_refused(live_portal: Portal, raw: bytes) -> None:
    assert answers_to(live_portal, raw + NEXT) == [400]


@pytest.mark.parametrize("path", [b"/health", b"/login", b"/.well-known/jwks.json", b"/api/oauth/userinfo"])
@pytest.mark.parametrize(
    "hosts",
    [
        b"",
        b"Host: localhost\r\nHost: localhost\r\n",
        b"Host: localhost\r\nX: y\r\nhost: evil.test\r\n",
        b"Host:\r\n",
        b"Host: a..b\r\n",
        b"Host: .a\r\n",
        b"Host: .\r\n",
        b"Host: " + b"a" * 64 + b".b\r\n",
        b"Host: a b\r\n",
        b"Host: a/b\r\n",
        b"Host: a@b\r\n",
        b"Host: a:x\r\n",
        b"Host: a:1:2\r\n",
        b"Host: [::1\r\n",
        b"Host: ::1\r\n",
        b"Host: \xc3\xa4\r\n",
        b"Host: xn--a\r\n",
        b"Host: xn--a-ecp.ru\r\n",
        b"Host: [:::]\r\n",
    ],
    ids=lambda hosts: ascii(hosts.decode("latin-1"))[:40],
)
def test_t300_a_request_names_one_host_that_can_be(live_portal: Portal, path: bytes, hosts: bytes) -> None:
    assert answers_to(live_portal, b"GET " + path + b" HTTP/1.1\r\n" + hosts + b"\r\n" + NEXT) == [400]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost.", "a-b.c_d:8000", "127.0.0.1:80", "[::1]", "[2001:db8::1]:8000"]
)
def test_t300_any_host_there_can_be_is_answered(live_portal: Portal, host: str) -> None:
    assert requests.get(f"{live_portal.url}/login", headers={"Host": host}, timeout=5).status_code == 200


def test_t300_an_old_request_needs_no_host(live_portal: Portal) -> None:
    assert answers_to(live_portal, b"GET /health HTTP/1.0\r\n\r\n") == [200]
    assert answers_to(live_portal, b"GET /health HTTP/1.0\r\nHost: a..b\r\n\r\n") == [400]


REFUSED = {
    "no request": (400, b"NONSENSE\r\n\r\n"),
    "a signed length": (400, TO_TOKEN + b"Content-Length: +5\r\n\r\nabcde"),
    "a long target": (414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "a target without end": (414, b"GET /" + b"a" * 90000),
    "a long cookie": (431, b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"a" * 9000 + b"\r\n\r\n"),
    "many fields": (431, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 100 + b"\r\n"),
    "fields without end": (431, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: yyyyyyyy\r\n" * 9000),
    "an unknown coding": (501, TO_TOKEN + b"Transfer-Encoding: rot13\r\n\r\n"),
    "many small chunks": (413, TO_TOKEN + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 70000),
}


@pytest.mark.parametrize(("status", "raw"), REFUSED.values(), ids=REFUSED)
def test_t300_a_refusal_below_the_application_is_an_answer_like_any_other(
    live_portal: Portal, status: int, raw: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", live_portal.port), timeout=5) as connection:
        connection.sendall(raw)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = json.loads(answer.read())
        assert (answer.status, set(body)) == (status, {"error", "error_description"})
        like_any = requests.get(f"{live_portal.url}/health", timeout=5).headers
        for name in ("X-Content-Type-Options", "Referrer-Policy", "Content-Type"):
            assert answer.headers[name] == like_any[name]
        assert (answer.headers["Connection"], answer.headers["Cache-Control"]) == ("close", "no-store")
        assert not re.search(r"\d", answer.headers.get("Server", ""))
        assert connection.recv(1) == b""


def test_t300_the_host_of_a_request_is_not_believed(live_portal: Portal) -> None:
    for sent in ({"Host": "evil.test"}, {"X-Forwarded-Host": "evil.test"}, {"Forwarded": "host=evil.test"}):
        page = requests.get(f"{live_portal.url}/developers", headers=sent, timeout=5)
        metadata = requests.get(f"{live_portal.url}/.well-known/openid-configuration?x", headers=sent, timeout=5)
        assert (page.status_code, metadata.status_code) == (200, 200)
        assert "evil.test" not in page.text + metadata.text
        assert metadata.json()["issuer"] == live_portal.url
        asked = requests.get(f"{live_portal.url}/select-account", headers=sent, timeout=5, allow_redirects=False)
        assert asked.headers["Location"] == "/login"


@contextmanager
def slow(portal: Portal, begin: bytes, many: int) -> Iterator[None]:
    """Connections on which a request was begun and does not go on."""
    with ExitStack() as stack:
        for _ in range(many):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", portal.port), timeout=5))
            connection.sendall(begin)
        time.sleep(0.2)
        yield


IN_CHUNKS = TO_TOKEN + b"Transfer-Encoding: chunked\r\n\r\n"
BEGUN = {
    "a byte": b"G",
    "half a header": b"GET /health HTTP/1.1\r\nHost: loc",
    "half a header of the second request": NEXT + b"GET /health HTTP/1.1\r\nHost: loc",
    "half a body": TO_TOKEN + b"Content-Length: 100\r\n\r\ngrant",
    "half a body of the second request": NEXT + TO_TOKEN + b"Content-Length: 100\r\n\r\ngrant",
    "a body of a long length": TO_TOKEN + b"Content-Length: 0000000100\r\n\r\ngrant",
    "half a chunk": IN_CHUNKS + b"100\r\ngrant",
    "half the size of a chunk": IN_CHUNKS + b"5\r\ngrant\r\n1",
    "half the last chunk": IN_CHUNKS + b"5\r\ngrant\r\n0\r\nTrailer: x\r\n",
}


@pytest.mark.parametrize("begin", BEGUN)
def test_t301_who_is_slow_stops_nobody_else(live_portal: Portal, begin: str) -> None:
    requests.get(f"{live_portal.url}/privacy", timeout=5)
    with slow(live_portal, BEGUN[begin], 40):
        served = [requests.get(f"{live_portal.url}/privacy", timeout=0.5).status_code for _ in range(4)]
    assert served == [200] * 4


def test_t301_the_portal_is_back_as_soon_as_the_slow_ones_are_gone(live_portal: Portal) -> None:
    for begin in BEGUN.values():
        with slow(live_portal, begin, 40):
            pass
        assert requests.get(f"{live_portal.url}/ready", timeout=5).json()["status"] == "ready"


def seconds_until_closed(
    connections: dict[str, socket.socket], dripping: str, limit: float, answers: dict[str, bytes]
) -> dict[str, float]:
    """When the portal closed each of the connections; the one named ``dripping`` gets another byte all the time."""
    started, closed = time.monotonic(), dict[str, float]()
    with selectors.DefaultSelector() as selector:
        for name, connection in connections.items():
            selector.register(connection, selectors.EVENT_READ, name)
        while len(closed) < len(connections) and time.monotonic() - started < limit:
            for key, _ in selector.select(0.5):
                assert isinstance(key.fileobj, socket.socket)
                try:
                    more = key.fileobj.recv(65536)
                except ConnectionResetError:
                    more = b""
                answers[key.data] = answers.get(key.data, b"") + more
                if not more:
                    closed[key.data] = time.monotonic() - started
                    selector.unregister(key.fileobj)
            if dripping not in closed:
                with suppress(BrokenPipeError, ConnectionResetError):
                    connections[dripping].sendall(b"x")
    return closed


def test_t301_a_request_has_ten_seconds_to_arrive(live_portal: Portal) -> None:
    begun = {**BEGUN, "drop by drop": BEGUN["half a header"]}
    with ExitStack() as stack:

        def connected() -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", live_portal.port), timeout=5))

        connections = {name: connected() for name in begun}
        for name, connection in connections.items():
            connection.sendall(begun[name])
        silent, late = connected(), connected()
        late.sendall(NEXT[:20])
        answers: dict[str, bytes] = {}
        early = seconds_until_closed(connections, "drop by drop", 8.0, answers)
        assert early == {}
        # Somebody slow, but not too slow, and somebody quick are answered meanwhile.
        late.sendall(NEXT[20:])
        assert late.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert requests.get(f"{live_portal.url}/privacy", timeout=0.5).status_code == 200
        closed = seconds_until_closed(connections, "drop by drop", 5.0, answers)
        assert set(closed) == set(begun), closed
        assert {name for name, answer in answers.items() if b"HTTP/1.1 408 " in answer} == set(begun)
        assert min(closed.values()) > 1.5
        assert max(closed.values()) < 4.0
        # Who has begun no request is not slow.
        silent.sendall(NEXT)
        assert silent.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_t301_who_takes_no_answers_holds_no_thread_for_long(live_portal: Portal) -> None:
    large = b"GET /bootstrap/static/css/bootstrap.min.css HTTP/1.1\r\n" + HOST + b"\r\n"
    with ExitStack() as stack:
        for _ in range(8):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", live_portal.port))
            connection.sendall(large * 60)
        time.sleep(0.5)
        served = [requests.get(f"{live_portal.url}/privacy", timeout=1).status_code for _ in range(4)]
    assert served == [200] * 4


def test_t301_who_does_not_hang_up_stops_nobody_else(live_portal: Portal) -> None:
    last = NEXT.replace(HOST, HOST + b"Connection: close\r\n")
    with ExitStack() as stack:
        connections = []
        for begin in [last, b"NONSENSE\r\n\r\n"] * 10:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", live_portal.port), timeout=5))
            connection.sendall(begin)
            connections.append(connection)
        served = [requests.get(f"{live_portal.url}/privacy", timeout=0.5).status_code for _ in range(4)]
        assert served == [200] * 4
        for connection in connections:
            assert connection.makefile("rb").read().startswith(b"HTTP/1.1 ")
        # Nothing is kept for them: after two seconds each is closed, and what they still send is refused.
        time.sleep(3.5)
        for connection in connections:
            with suppress(ConnectionError):
                connection.sendall(b"x")
        time.sleep(0.2)
        for connection in connections:
            with pytest.raises(ConnectionError):
                connection.sendall(b"x")


def held(portal: Portal) -> int:
    """How many files and connections the workers hold open."""
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in portal.workers)


def test_t303_clients_that_leave_midway_leave_nothing_behind(live_portal: Portal) -> None:
    def leave(times: int) -> None:
        whole = (
            TO_TOKEN + b"Content-Length: 65\r\n\r\ngrant_type=refresh_token&client_id=playground&refresh_token=unknown!"
        )
        for number in range(times):
            with socket.create_connection(("127.0.0.1", live_portal.port), timeout=5) as connection:
                connection.sendall(whole[: 1 + number * 37 % len(whole)])

    def settled() -> int:
        for _ in range(8):
            assert requests.get(f"{live_portal.url}/ready", timeout=5).status_code == 200
        time.sleep(0.2)
        return held(live_portal)

    leave(50)
    before = settled()
    leave(1000)
    # Each thread may have opened its connection to the database meanwhile; a thousand are another matter.
    assert settled() < before + 100
    form = {"grant_type": "refresh_token", "client_id": "playground", "refresh_token": "unknown"}
    answer = requests.post(f"{live_portal.url}/api/oauth/token", data=form, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
