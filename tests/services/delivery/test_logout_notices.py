"""What an application answers to a logout notice decides what becomes of it, and how long it may take is bounded."""

import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from flask import Flask

from app.models import Delivery
from app.services.delivery.exchange import post_form
from app.services.delivery.logout_notices import KIND, tell
from app.services.delivery.outbox import DeliveryFailed, Parcel
from tests.clock import Clock
from tests.outsiders import Serve, outsiders

HEAD = b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n%s\r\n"


@pytest.fixture
def serve() -> Iterator[Serve]:
    with outsiders() as start:
        yield start


def saying(status: int, header: str = "") -> Callable[[socket.socket], None]:
    line = f"{header}\r\n".encode() if header else b""
    return lambda sock: sock.sendall(HEAD % (status, line))


def dripping(text: bytes) -> Callable[[socket.socket], None]:
    def drip(sock: socket.socket) -> None:
        for number in range(len(text)):
            sock.sendall(text[number : number + 1])
            time.sleep(0.5)

    return drip


def failure(uri: str) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        tell(uri, "the.token")
    return caught.value


@pytest.mark.parametrize("status", [200, 204])
def test_a_notice_that_was_taken_has_arrived(serve: Serve, status: int) -> None:
    application = serve(saying(status))
    tell(application.uri, "the.token")
    head, _, body = application.received[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /logout?a=b HTTP/1.1\r\n")
    assert b"Content-Type: application/x-www-form-urlencoded" in head
    assert head.count(b"Host: 127.0.0.1:") == 1
    assert body == b"logout_token=the.token"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422, 501])
def test_a_refusal_is_the_last_word(serve: Serve, status: int) -> None:
    refused = failure(serve(saying(status)).uri)
    assert (refused.reason, refused.is_final) == (f"answered:{status}", True)


@pytest.mark.parametrize("status", [302, 408, 425, 429, 500, 502, 503, 504])
def test_what_can_be_otherwise_in_a_while_is_tried_again(serve: Serve, status: int) -> None:
    refused = failure(serve(saying(status)).uri)
    assert (refused.reason, refused.is_final, refused.retry_after) == (f"answered:{status}", False, None)


def test_retry_after_is_read_in_both_of_its_forms(serve: Serve) -> None:
    assert failure(serve(saying(503, "Retry-After: 120")).uri).retry_after == 120
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    assert failure(serve(saying(429, f"Retry-After: {later}")).uri).retry_after == pytest.approx(300, abs=5)
    assert failure(serve(saying(503, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT")).uri).retry_after == 0
    for value in ("", "-5", "soon", "1.5", "\xb2", "9" * 40, "Wed, 99 Oct 9999 07:28:00 GMT"):
        assert failure(serve(saying(503, f"Retry-After: {value}")).uri).retry_after in {None, 999999999.0}


SLOW = {
    "nothing": lambda sock: time.sleep(60),
    "status line": dripping(b"HTTP/1.1 200 OK\r\n" * 9),
    "headers": lambda sock: (sock.sendall(b"HTTP/1.1 200 OK\r\n"), dripping(b"X-Slow: yes\r\n" * 9)(sock))[1],
    "interim answers": lambda sock: [
        (sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"), time.sleep(0.3)) for _ in range(200)
    ],
}


@pytest.mark.parametrize("kind", SLOW)
def test_a_whole_exchange_has_one_deadline(serve: Serve, kind: str) -> None:
    application = serve(SLOW[kind])
    refused = failure(application.uri)
    assert (refused.reason, refused.is_final) == ("no_answer:Timeout", False)
    assert not application.has_ended


def test_a_body_that_never_ends_is_not_waited_for(serve: Serve) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
    application = serve(lambda sock: (sock.sendall(head), dripping(b"x" * 100)(sock))[1])
    tell(application.uri, "t")
    assert not application.has_ended


@pytest.mark.parametrize(
    "answer",
    [b"X: y\r\n" * 10**6, b"SSH-2.0-x\r\n", b"", b"HTTP/1.1 \xff\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x" * 10**6],
)
def test_what_is_no_answer_is_none(serve: Serve, answer: bytes) -> None:
    refused = failure(serve(lambda sock: sock.sendall(answer)).uri)
    assert (refused.reason.partition(":")[0], refused.is_final) == ("no_answer", False)


def test_a_plain_application_is_not_spoken_to_in_clear_when_tls_is_meant(serve: Serve) -> None:
    application = serve(saying(200))
    refused = failure(application.uri.replace("http:", "https:"))
    assert refused.reason.startswith("no_answer:")
    assert b"the.token" not in b"".join(application.received)


def test_the_proxy_of_the_environment_is_not_asked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, application = serve(saying(502)), serve(saying(200))
    monkeypatch.setenv("http_proxy", proxy.uri)
    assert post_form(application.uri, {"a": "b"}, seconds=2).status == 200
    assert proxy.received == []


def waiting(app: Flask, clock: Clock, attempts: int, wanted: float | None) -> float:
    """After how many seconds it is tried again that failed so often, and whose receiver wants so long."""
    with app.app_context():
        services = app.extensions["services"]
        services.outbox.add_all(KIND, [Parcel({"user_id": "u", "session_id": "s"}, None, "c")], life=timedelta(days=1))
        services.db.commit()
        for _ in range(attempts):
            (due,) = services.outbox.claim([KIND], 1)
            services.outbox.failed(due, DeliveryFailed("answered:503", retry_after=wanted))
            services.db.commit()
            row = services.db.session.get(Delivery, due.id, populate_existing=True)
            pause = row.next_attempt_at - clock.now
            clock.now = row.next_attempt_at
        return float(pause.total_seconds())


@pytest.mark.parametrize(
    ("attempts", "wanted", "expected"),
    [
        (1, None, 10),
        (1, 2, 2),
        (1, 0, 1),
        (1, 120, 120),
        (1, 10**9, 3600),
        (3, 1, 1),
        (4, 1, 600),
        (4, 900, 900),
    ],
)
def test_the_receiver_says_when_within_bounds(
    app: Flask, clock: Clock, attempts: int, wanted: float | None, expected: float
) -> None:
    assert waiting(app, clock, attempts, wanted) == expected
