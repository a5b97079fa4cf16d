"""Whoever holds a body back until it is asked for is answered at once (:rfc:`9110#section-10.1.1`)."""

import http.client
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask

from tests.portal import Portal

PARAMETER = re.compile(r"<any\('([^']*)'[^>]*>|<(?:[^<>]*:)?(\w+)>")
"""Of a rule: the first of the words it may be, or its name."""
BODY = b"grant_type=refresh_token&client_id=nobody&refresh_token=x"
AT_ONCE = 1.0


@contextmanager
def asked(portal: Portal, head: bytes) -> Iterator[socket.socket]:
    """A connection on which the head of a request was sent, and nothing of its body."""
    with socket.create_connection(("127.0.0.1", portal.port), timeout=AT_ONCE) as connection:
        connection.sendall(head)
        yield connection


def head(path: str, method: str = "POST", version: str = "1.1", length: int = len(BODY), more: str = "") -> bytes:
    lines = [
        f"{method} {path} HTTP/{version}",
        "Host: localhost",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {length}",
        "Expect: 100-continue",
    ]
    return "\r\n".join([*lines, more, "\r\n"] if more else [*lines, "\r\n"]).encode()


def final(connection: socket.socket) -> int:
    """The status of the answer that comes now; a second 100 would be one."""
    connection.settimeout(10)
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def test_every_endpoint_with_a_body_asks_for_it(live_portal: Portal, app: Flask) -> None:
    asked_for = []
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods or set()):
            if method in {"POST", "PUT", "PATCH", "DELETE"}:
                path = PARAMETER.sub(lambda found: found[1] or found[2], rule.rule)
                with asked(live_portal, head(path, method)) as connection:
                    assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n", path
                    connection.sendall(BODY)
                    assert 200 <= final(connection) < 500, path
                asked_for.append(path)
    assert {"/api/oauth/token", "/api/v1/auth/login", "/login", "/api/oauth/revoke"} <= set(asked_for)


def test_the_body_is_read_as_without_it(live_portal: Portal) -> None:
    with asked(live_portal, head("/api/oauth/token")) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        for at in range(0, len(BODY), 20):
            connection.sendall(BODY[at : at + 20])
            time.sleep(0.02)
        assert final(connection) == 401
        # The connection goes on, and so does its next request.
        connection.sendall(head("/api/oauth/token") + BODY)
        assert connection.recv(1000).startswith(b"HTTP/1.1 ")


def test_chunks_are_asked_for_as_well(live_portal: Portal) -> None:
    chunked = head("/api/oauth/token").replace(b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked")
    with asked(live_portal, chunked) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY))
        assert final(connection) == 401


def test_a_body_that_is_there_already_is_not_asked_for(live_portal: Portal) -> None:
    with asked(live_portal, head("/api/oauth/token") + BODY) as connection:
        assert final(connection) == 401


def test_a_second_request_on_the_connection_is_asked_too(live_portal: Portal) -> None:
    with asked(
        live_portal, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" + head("/api/oauth/token")
    ) as connection:
        received = b""
        while b"100 Continue" not in received:
            more = connection.recv(1000)
            assert more, received
            received += more
        assert received.startswith(b"HTTP/1.1 200 ")
        connection.sendall(BODY)
        assert final(connection) == 401


def test_an_old_client_is_told_nothing_in_between(live_portal: Portal) -> None:
    with asked(live_portal, head("/api/oauth/token", version="1.0")) as connection:
        with pytest.raises(TimeoutError):
            connection.recv(1000)
        connection.sendall(BODY)
        assert final(connection) == 401


@pytest.mark.parametrize("expectation", ["more", "100-continue, more", "200-ok", ""])
def test_what_else_is_expected_cannot_be_met(live_portal: Portal, expectation: str) -> None:
    other = head("/api/oauth/token").replace(b"100-continue", expectation.encode())
    with asked(live_portal, other) as connection:
        assert final(connection) == 417
        assert connection.recv(1) == b""


@pytest.mark.parametrize("path", ["/api/oauth/token", "/api/v1/auth/login", "/login", "/api/oauth/revoke", "/register"])
@pytest.mark.parametrize("length", [300_000, 10**9, 10**30])
def test_a_body_that_is_too_long_is_refused_before_it_is_sent(live_portal: Portal, path: str, length: int) -> None:
    too_long = head(path, length=length)
    if "/v1/" in path:
        too_long = too_long.replace(b"application/x-www-form-urlencoded", b"application/json")
    with asked(live_portal, too_long) as connection:
        assert final(connection) == 413
        assert connection.recv(1) == b""


@pytest.mark.parametrize("doubt", ["Transfer-Encoding: chunked", "Content-Length: 5", "Host: evil.test", "Bad Name: x"])
def test_what_is_no_proper_request_is_refused_before_its_body(live_portal: Portal, doubt: str) -> None:
    with asked(live_portal, head("/api/oauth/token", more=doubt)) as connection:
        assert final(connection) == 400
        assert connection.recv(1) == b""
