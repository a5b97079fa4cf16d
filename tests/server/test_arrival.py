"""When a request is there: told from its bytes, as they come one by one, and in agreement with gunicorn's parser."""

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from app.server.connections.arrival import LONGEST_HEAD, Arrival, Stage

LONGEST_BODY = 1000
TO = b"POST / HTTP/1.1\r\nHost: a\r\n"
WHOLE = {
    "no body": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a body": TO + b"Content-Length: 5\r\n\r\nabcde",
    "an empty body": TO + b"Content-Length: 0\r\n\r\n",
    "a length with zeros and tabs": TO + b"content-length:\t005\t \r\n\r\nabcde",
    "a body that looks like a head": TO + b"Content-Length: 26\r\n\r\n\r\nContent-Length: 9999\r\n\r\n",
    "chunks": TO + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    "chunks in capitals": TO + b"TRANSFER-ENCODING: Chunked \r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
    "chunks with extensions": TO + b'Transfer-Encoding: chunked\r\n\r\n3 ;a="b"\r\nabc\r\n0\r\n\r\n',
    "chunks with a trailer": TO + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
    "a chunk that looks like the last": TO + b"Transfer-Encoding: chunked\r\n\r\n7\r\n0\r\n\r\nxx\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
def test_a_request_is_there_with_its_last_byte_and_not_before(raw: bytes) -> None:
    arrival = Arrival(LONGEST_BODY)
    for at, byte in enumerate(raw, 1):
        arrival.add(bytes([byte]))
        assert arrival.stage() is (Stage.WHOLE if at == len(raw) else Stage.BEGUN), raw[:at]
    assert arrival.end == len(raw)
    parser = RequestParser(Config(), iter([raw, b"GET"]), ("127.0.0.1", 1))
    next(parser).body.read()
    assert parser.unreader.read() == b"GET"


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
def test_what_follows_a_request_changes_nothing(raw: bytes) -> None:
    arrival = Arrival(LONGEST_BODY, raw + TO)
    assert (arrival.stage(), arrival.end) == (Stage.WHOLE, len(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\r\nHost: a\n\n",
        b"G" * (LONGEST_HEAD + 1),
        TO + b"Content-Length: +5\r\n\r\n",
        TO + b"Content-Length: -5\r\n\r\n",
        TO + b"Content-Length: \xb2\r\n\r\n",
        TO + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
        TO + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        TO + b"Transfer-Encoding: identity\r\n\r\n",
        TO + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        TO + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\n",
        TO + b"Transfer-Encoding: chunked\r\n\r\n\r\n",
        TO + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc",
        TO + b"Transfer-Encoding: chunked\r\n\r\n1\n",
        TO + b"Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n",
        TO + b"Transfer-Encoding: chunked\r\n\r\n1;a\rb\r\na\r\n0\r\n\r\n",
        TO + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\nY: z\r\n\r\n",
    ],
)
def test_what_can_only_be_refused_is_not_waited_for(raw: bytes) -> None:
    arrival = Arrival(LONGEST_BODY, raw)
    assert (arrival.stage(), arrival.end) == (Stage.WHOLE, None)
    arrival.add(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (arrival.stage(), arrival.end) == (Stage.WHOLE, None)


@pytest.mark.parametrize(
    "raw",
    [
        TO + b"Content-Length: 1001\r\n\r\n",
        TO + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        TO + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 5000 + b"\r\n",
        TO + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 20000,
    ],
    ids=["a length", "a huge length", "a huge chunk", "small chunks"],
)
def test_what_is_too_long_is_known_before_it_is_there(raw: bytes) -> None:
    assert Arrival(LONGEST_BODY, raw).stage() is Stage.TOO_LONG


@pytest.mark.parametrize(
    ("fields", "is_held_back"),
    [
        (b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", True),
        (b"Content-Length: 5\r\nexpect:100-Continue \r\n\r\n", True),
        (b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n", True),
        (b"Content-Length: 5\r\n\r\n", False),
        (b"Expect: more\r\nContent-Length: 5\r\n\r\n", True),
        (b"Expect:\r\nContent-Length: 5\r\n\r\n", True),
        (b"X-Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", False),
        (b"Content-Length: 50\r\n\r\n\r\nExpect: 100-continue\r\n\r\n", False),
        (b"Expect: 100-continue\r\nContent-Length: 5\r\n", False),
    ],
)
def test_a_body_that_is_held_back_is_asked_for_once(fields: bytes, is_held_back: bool) -> None:
    arrival = Arrival(LONGEST_BODY, TO + fields)
    assert arrival.stage() is Stage.BEGUN
    assert arrival.is_held_back() is is_held_back
    assert not arrival.is_held_back()
    old = Arrival(LONGEST_BODY, (TO + fields).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert old.stage() is Stage.BEGUN
    assert not old.is_held_back()


def test_an_empty_line_before_a_request_is_none_of_it() -> None:
    arrival = Arrival(LONGEST_BODY)
    arrival.add(b"\r\n")
    assert not arrival.bytes
    arrival.add(b"\r\nGET /health HTTP/1.1\r\n")
    assert arrival.asked() == b"GET /health"


def test_some_requests_may_be_longer_and_no_others() -> None:
    longer = ((b"PUT /photo", 5000),)
    length = b" HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n"
    for asked in (b"PUT /photo", b"PUT /photo?x=/other"):
        arrival = Arrival(LONGEST_BODY, asked + length, longer)
        assert arrival.stage() is Stage.BEGUN
        arrival.add(bytes(3000))
        assert arrival.stage() is Stage.WHOLE
        assert Arrival(LONGEST_BODY, asked + length.replace(b"3000", b"5001"), longer).stage() is Stage.TOO_LONG
    for asked in (b"POST /photo", b"PUT /photos", b"PUT /photo/", b"PUT /other?/photo", b"GET /", b"put /photo"):
        assert Arrival(LONGEST_BODY, asked + length, longer).stage() is Stage.TOO_LONG, asked


def test_a_request_is_long_once_more_has_come_than_most_may_have() -> None:
    arrival = Arrival(
        LONGEST_BODY, b"PUT /photo HTTP/1.1\r\nContent-Length: 200000\r\n\r\n", ((b"PUT /photo", 300_000),)
    )
    assert arrival.stage() is Stage.BEGUN
    assert not arrival.is_long
    arrival.add(bytes(LONGEST_BODY + LONGEST_HEAD))
    assert arrival.is_long
