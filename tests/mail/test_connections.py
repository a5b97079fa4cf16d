"""Connections to mail servers: TLS is proven, a login is made where one is asked for, nobody is waited for long."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.certificates import certified
from tests.mail.conftest import smtp_settings
from tests.mail.queue import deliver, outcome, queue
from tests.mail.smtp_server import SmtpServer
from tests.servers import free_port

MakeApp = Callable[..., Flask]


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ssl.SSLContext]:
    """Makes a server's context with a certificate for a name, which this process trusts."""

    def make(name: str) -> ssl.SSLContext:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
        return certified(tmp_path / "trusted.pem", name)

    return make


@contextmanager
def running(server: SmtpServer) -> Iterator[SmtpServer]:
    """Start a server for the block."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


def tls_settings(server: SmtpServer, **changes: str) -> dict[str, str]:
    """The settings of a portal that sends to ``server`` by TLS."""
    how = {"MAIL_USE_SSL": "true"} if server.is_tls_only else {"MAIL_USE_TLS": "true"}
    return smtp_settings(server, MAIL_SERVER="localhost", **how, **changes)


@pytest.mark.parametrize(("password", "state", "reason"), [("right", "done", ""), ("wrong", "waits", "login_refused")])
def test_the_portal_logs_in(
    make_app: MakeApp, trusted: Callable[[str], ssl.SSLContext], password: str, state: str, reason: str
) -> None:
    with running(SmtpServer(tls=trusted("localhost"), password="right")) as server:
        app = make_app(**tls_settings(server, MAIL_USERNAME="portal", MAIL_PASSWORD=password))
        queue(app)
        deliver(app)
        assert outcome(app) == (state, reason)


def test_a_login_that_the_server_does_not_offer_is_the_operators_to_mend(
    make_app: MakeApp, mail_server: SmtpServer
) -> None:
    app = make_app(**smtp_settings(mail_server, MAIL_USERNAME="portal", MAIL_PASSWORD="right"))
    queue(app)
    deliver(app)
    assert outcome(app) == ("waits", "tls_or_login_missing")
    assert mail_server.asked == []


def test_no_mail_goes_in_clear_where_tls_is_wanted(make_app: MakeApp, mail_server: SmtpServer) -> None:
    app = make_app(**smtp_settings(mail_server, MAIL_USE_TLS="true"))
    queue(app)
    deliver(app)
    assert outcome(app) == ("waits", "tls_or_login_missing")
    assert mail_server.asked == []


@pytest.mark.parametrize("is_tls_only", [False, True])
def test_a_server_that_proves_who_it_is_gets_mails(
    make_app: MakeApp, trusted: Callable[[str], ssl.SSLContext], is_tls_only: bool
) -> None:
    with running(SmtpServer(tls=trusted("localhost"), is_tls_only=is_tls_only)) as server:
        app = make_app(**tls_settings(server))
        queue(app)
        deliver(app)
        assert outcome(app) == ("done", "")
        assert len(server.arrived) == 1


@pytest.mark.parametrize("is_tls_only", [False, True])
@pytest.mark.parametrize(("name", "is_trusted"), [("localhost", False), ("mail.example.com", True)])
def test_a_server_that_does_not_gets_nothing(
    make_app: MakeApp,
    trusted: Callable[[str], ssl.SSLContext],
    tmp_path: Path,
    is_tls_only: bool,
    name: str,
    is_trusted: bool,
) -> None:
    tls = trusted(name) if is_trusted else certified(tmp_path / "unknown.pem", name)
    with running(SmtpServer(tls=tls, is_tls_only=is_tls_only)) as server:
        app = make_app(**tls_settings(server))
        queue(app)
        deliver(app)
        assert outcome(app) == ("waits", "tls_failed")
        assert server.asked == []


def test_a_server_that_greets_with_a_refusal_is_tried_again(make_app: MakeApp) -> None:
    with greeting(b"554 5.3.2 closed for good\r\n") as port:
        app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(port), MAIL_USE_TLS="false", MAIL_TIMEOUT="1")
        queue(app)
        deliver(app)
        assert outcome(app) == ("waits", "server_refused")


def test_a_server_that_says_nothing_is_not_waited_for_long(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def connect(address: tuple[str, int], seconds: float, *more: object) -> socket.socket:
        waits.append(seconds)
        return create_connection(address, seconds, *more)

    create_connection: Any = socket.create_connection
    monkeypatch.setattr(smtplib.socket, "create_connection", connect)  # type: ignore[attr-defined]
    with greeting(b"") as port:
        app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(port), MAIL_USE_TLS="false", MAIL_TIMEOUT="1")
        queue(app)
        deliver(app)
        assert outcome(app) == ("waits", "no_connection")
        assert waits == [1.0]


@contextmanager
def greeting(line: bytes) -> Iterator[int]:
    """A port that greets every connection with ``line`` and is silent from then on."""
    accepted: list[socket.socket] = []

    def greet() -> None:
        with suppress(OSError):
            while True:
                accepted.append(listener.accept()[0])
                accepted[-1].sendall(line)

    with socket.create_server(("127.0.0.1", free_port())) as listener:
        threading.Thread(target=greet, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    for connection in accepted:
        connection.close()
