"""What a provider answers is read whole, in time and within bounds, or it is no answer, for one of five reasons."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from flask import Flask

from app.services.delivery import exchange
from app.services.delivery.exchange import Deadline
from app.social.transport import MOST_BYTES, BoundedAdapter, BoundedSession, ProviderUnavailable, within
from tests.certificates import certified
from tests.outsiders import Outsider, Say, Serve, outsiders

PATIENCE = 30.0
SOON = 0.5
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"Content-Length: 5\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def serve() -> Iterator[Serve]:
    with outsiders() as start:
        yield start


def saying(*parts: bytes) -> Say:
    return lambda sock: [sock.sendall(part) for part in parts]


def without_end(part: bytes, first: bytes = b"", pause: float = 0.0) -> Say:
    """Say something again and again, until the other side hangs up."""

    def say(sock: socket.socket) -> None:
        sock.sendall(first)
        while True:
            sock.sendall(part)
            time.sleep(pause)

    return say


def hanging(first: bytes = b"") -> Say:
    """Say the beginning, and nothing more until the other side hangs up."""

    def say(sock: socket.socket) -> None:
        sock.sendall(first)
        while sock.recv(65536):
            pass

    return say


def dropping(first: bytes) -> Say:
    """Say the beginning, then reset the connection."""

    def say(sock: socket.socket) -> None:
        sock.sendall(first)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    return say


def get(url: str, seconds: float = PATIENCE, **named: Any) -> requests.Response:
    with within(seconds), BoundedSession() as session:
        return session.request("GET", url, withhold_token=True, **named)


def reason(url: str, seconds: float = PATIENCE, **named: Any) -> str:
    with pytest.raises(ProviderUnavailable) as caught:
        get(url, seconds, **named)
    assert isinstance(caught.value, requests.RequestException)
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


def head(outsider: Outsider) -> bytes:
    return outsider.received[0].partition(b"\r\n\r\n")[0]


WHOLE = {
    "a length": (LENGTH + b"hello", 200, b"hello"),
    "more than its length": (LENGTH + b"hello and more", 200, b"hello"),
    "chunks": (CHUNKED + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", 200, b"hello"),
    "chunks and a trailer": (CHUNKED + b"5\r\nhello\r\n0\r\nX: y\r\n\r\n", 200, b"hello"),
    "until it is closed": (OK + b"\r\nhello", 200, b"hello"),
    "until it is closed, of old": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello", 200, b"hello"),
    "nothing": (OK + b"Content-Length: 0\r\n\r\n", 200, b""),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "no phrase": (b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "after others": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + LENGTH + b"hello",
        200,
        b"hello",
    ),
    "an error": (b"HTTP/1.1 500 Whatever\r\nContent-Length: 5\r\n\r\nhello", 500, b"hello"),
    "as much as may be": (OK + b"Content-Length: %d\r\n\r\n" % MOST_BYTES + b"x" * MOST_BYTES, 200, b"x" * MOST_BYTES),
    "as much in chunks": (
        CHUNKED + (b"1000\r\n" + b"x" * 0x1000 + b"\r\n") * (MOST_BYTES // 0x1000) + b"0\r\n\r\n",
        200,
        b"x" * MOST_BYTES,
    ),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_an_answer_is_read_whole_however_its_end_is_told(serve: Serve, kind: str) -> None:
    said, status, content = WHOLE[kind]
    answer = get(serve(saying(said)).uri)
    assert (answer.status_code, answer.content) == (status, content)


def test_an_answer_may_come_in_pieces(serve: Serve) -> None:
    said = CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    outsider = serve(lambda sock: [sock.sendall(bytes([byte])) for byte in said])
    assert get(outsider.uri).content == b"hello"


def test_an_answer_is_one_of_requests(serve: Serve) -> None:
    body = '{"name": "홍길동"}'.encode()
    fields = b"Content-Type: application/json; charset=utf-8\r\nSet-Cookie: a=b\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    outsider = serve(saying(OK + fields + body))
    with BoundedSession() as session:
        answer = session.request("GET", outsider.uri, withhold_token=True)
        assert not session.cookies
    assert answer.json() == {"name": "홍길동"}
    assert answer.text == body.decode()
    assert (answer.ok, answer.reason, answer.url, answer.encoding) == (True, "OK", outsider.uri, "utf-8")
    assert answer.headers["content-type"] == answer.headers["CONTENT-TYPE"]
    assert list(answer.iter_content(5)) == [body[at : at + 5] for at in range(0, len(body), 5)]
    answer.raise_for_status()
    answer.close()


def test_what_is_sent_says_who_we_are_and_wants_no_compression(serve: Serve) -> None:
    outsider = serve(saying(LENGTH + b"hello"))
    with within(PATIENCE), BoundedSession() as session:
        session.headers.update({"User-Agent": "Authlib", "Accept-Encoding": "gzip"})
        named: dict[str, Any] = {"data": {"code": "c d"}, "headers": {"Authorization": "Basic eDp5"}}
        session.request("POST", outsider.uri, withhold_token=True, **named)
    fields = head(outsider).split(b"\r\n")
    assert fields[0] == b"POST /logout?a=b HTTP/1.1"
    assert {
        b"User-Agent: MAX-Platform-Portal",
        b"Accept-Encoding: identity",
        b"Authorization: Basic eDp5",
        b"Content-Length: 8",
        b"Connection: close",
        b"Host: 127.0.0.1:%d" % outsider.port,
    } <= set(fields)
    assert len({field.partition(b":")[0].lower() for field in fields}) == len(fields)
    assert outsider.received[0].endswith(b"\r\n\r\ncode=c+d")


BROKEN = {
    "no answer": (saying(b""), "bad_answer"),
    "another protocol": (saying(b"SSH-2.0-OpenSSH\r\n\r\n"), "bad_answer"),
    "another version": (saying(b"HTTP/2 200\r\n\r\n"), "bad_answer"),
    "no status": (saying(b"HTTP/1.1 \xff\r\n\r\n"), "bad_answer"),
    "a line without end": (saying(OK + b"X: " + b"x" * 10**6), "bad_answer"),
    "many fields": (saying(OK + b"X: y\r\n" * 1000 + b"\r\n"), "bad_answer"),
    "less than its length": (saying(LENGTH + b"hel"), "bad_answer"),
    "no last chunk": (saying(CHUNKED + b"5\r\nhello\r\n"), "bad_answer"),
    "less than its chunk": (saying(CHUNKED + b"5\r\nhel"), "bad_answer"),
    "no chunk": (saying(CHUNKED + b"hello\r\n"), "bad_answer"),
    "compression": (saying(OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"), "bad_answer"),
    "reset at once": (dropping(b""), "connection"),
    "reset in the head": (dropping(OK), "connection"),
    "a large length": (saying(OK + b"Content-Length: 10000000\r\n\r\n"), "too_large"),
    "a large length, and nothing more": (hanging(OK + b"Content-Length: 10000000\r\n\r\n"), "too_large"),
    "one byte too many": (saying(OK + b"Content-Length: %d\r\n\r\n" % (MOST_BYTES + 1)), "too_large"),
    "ten megabytes": (saying(OK + b"\r\n" + b"x" * 10**7), "too_large"),
    "ten megabytes in chunks": (saying(CHUNKED + (b"1000\r\n" + b"x" * 0x1000 + b"\r\n") * 2500), "too_large"),
    "a body without end": (without_end(b"x" * 1000, OK + b"\r\n"), "too_large"),
    "chunks without end": (without_end(b"1\r\nx\r\n" * 1000, CHUNKED), "too_large"),
    "trailers without end": (without_end(b"X: y\r\n" * 1000, CHUNKED + b"0\r\n"), "too_large"),
    "interim answers without end": (without_end(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000), "too_large"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_broken_or_too_large_is_no_answer(serve: Serve, kind: str) -> None:
    say, expected = BROKEN[kind]
    assert reason(serve(say).uri) == expected


SLOW = {
    "nothing": hanging(),
    "a slow head": without_end(b"H", pause=0.05),
    "slow fields": without_end(b"X: y\r\n", OK, pause=0.05),
    "slow interim answers": without_end(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.05),
    "a slow body": without_end(b"x", OK + b"Content-Length: 100000\r\n\r\n", pause=0.05),
    "a slow body to its end": without_end(b"x", OK + b"\r\n", pause=0.05),
    "slow chunks": without_end(b"1\r\nx\r\n", CHUNKED, pause=0.05),
    "one slow chunk": without_end(b"x", CHUNKED + b"ffff\r\n", pause=0.05),
    "slow trailers": without_end(b"X: y\r\n", CHUNKED + b"0\r\n", pause=0.05),
    "a body, and no end": hanging(OK + b"\r\nhello"),
}


@pytest.mark.parametrize("kind", SLOW)
def test_who_is_slow_has_no_more_time_for_it(serve: Serve, kind: str) -> None:
    assert reason(serve(SLOW[kind]).uri, SOON) == "timeout"


def test_all_exchanges_of_one_block_share_its_time(serve: Serve) -> None:
    quick, silent = serve(saying(LENGTH + b"hello")), serve(hanging())
    with within(SOON):
        with BoundedSession() as session:
            assert session.request("GET", quick.uri, withhold_token=True).content == b"hello"
        for outsider in (silent, quick):
            with BoundedSession() as session, pytest.raises(ProviderUnavailable, match="timeout"):
                session.request("GET", outsider.uri, withhold_token=True)
    # Where no time was left nobody was asked, and outside of the block there is time again.
    assert len(quick.received) == 1
    with BoundedSession() as session:
        assert session.request("GET", quick.uri, withhold_token=True).content == b"hello"


def test_an_adapter_serves_any_session_and_has_its_own_bound(serve: Serve) -> None:
    outsider = serve(saying(LENGTH + b"hello"))
    for most, expected in ((5, b"hello"), (4, None)):
        with requests.Session() as session:
            session.mount("http://", BoundedAdapter(Deadline(PATIENCE), most_bytes=most))
            if expected:
                assert session.get(outsider.uri).content == expected
            else:
                with pytest.raises(ProviderUnavailable, match="too_large"):
                    session.get(outsider.uri)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_is_followed_to_another_address(serve: Serve, status: int, method: str) -> None:
    inner = serve(saying(LENGTH + b"hello"))
    location = b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, inner.uri.encode())
    with within(PATIENCE), BoundedSession() as session:
        answer = session.request(method, serve(saying(location)).uri, withhold_token=True, allow_redirects=True)
    assert (answer.status_code, answer.history, answer.is_redirect) == (status, [], True)
    assert inner.received == []


def test_nothing_is_taken_from_where_the_portal_runs(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, outsider = serve(saying(b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n")), serve(saying(LENGTH + b"hello"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, proxy.uri)
    assert get(outsider.uri).content == b"hello"
    assert proxy.received == []
    assert b"authorization" not in head(outsider).lower()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://provider.test/token", "connection"),
        ("http://169.254.169.254/latest", "connection"),
        ("http://10.0.0.1/", "connection"),
        ("http://localhost.provider.test/", "connection"),
        ("http://127.0.0.1@provider.test/", "connection"),
        ("ftp://127.0.0.1/token", "bad_answer"),
        ("file:///etc/passwd", "bad_answer"),
        ("//127.0.0.1/token", "bad_answer"),
        ("http://", "bad_answer"),
        ("http://[::1", "bad_answer"),
        ("token", "bad_answer"),
        ("", "bad_answer"),
    ],
)
def test_nobody_is_asked_in_clear_but_this_machine(url: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "addresses", lambda *_: pytest.fail("it was looked up"))
    assert reason(url) == expected


def test_who_is_not_there_is_unavailable(serve: Serve) -> None:
    outsider = serve(saying(b""))
    outsider.close()
    assert reason(outsider.uri) == "connection"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file of authorities that the portal believes as well; empty at first."""
    path = tmp_path / "authorities.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    exchange._context.cache_clear()
    yield path
    exchange._context.cache_clear()


def test_a_certificate_is_for_the_name_and_by_who_is_believed(serve: Serve, authority: Path, tmp_path: Path) -> None:
    good, other = certified(authority, "localhost"), certified(tmp_path / "other.pem", "localhost")
    wrong = certified(tmp_path / "wrong.pem", "provider.test")
    authority.write_bytes(authority.read_bytes() + (tmp_path / "wrong.pem").read_bytes())
    address = "https://localhost:%d/token"
    assert get(address % serve(saying(LENGTH + b"hello"), good).port).content == b"hello"
    for context in (other, wrong):
        outsider = serve(saying(LENGTH + b"hello"), context)
        assert reason(address % outsider.port) == "tls"
        assert reason(address % outsider.port, verify=False) == "tls"
        assert outsider.received == []


def test_who_speaks_no_tls_is_told_nothing() -> None:
    received: list[bytes] = []

    def speak() -> None:
        with listener.accept()[0] as line:
            received.append(line.recv(65536))
            line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        speaker = threading.Thread(target=speak)
        speaker.start()
        assert reason(f"https://localhost:{listener.getsockname()[1]}/token?code=secret") == "tls"
        speaker.join(PATIENCE)
    assert received
    assert b"secret" not in received[0]


def test_who_never_ends_a_handshake_has_no_more_time_for_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert reason(f"https://localhost:{listener.getsockname()[1]}/token", SOON) == "timeout"


class ProviderApp(FlaskOAuth2App):  # type: ignore[misc]
    client_cls = BoundedSession


@pytest.fixture
def ask() -> Callable[[str], Any]:
    """Authlib's client of a provider, for an address of its documents."""
    app = Flask(__name__)
    client = OAuth(app)
    client.oauth2_client_cls = ProviderApp

    def named(base: str) -> Any:
        document = base + "/.well-known/openid-configuration"
        return client.register(base, overwrite=True, client_id="c", client_secret="s", server_metadata_url=document)

    return named


def telling(**members: str) -> Say:
    body = json.dumps(members).encode()
    return saying(OK + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def test_the_client_of_authlib_asks_by_it(serve: Serve, ask: Callable[[str], Any]) -> None:
    token = serve(telling(access_token="t", token_type="bearer"))
    profile = serve(telling(sub="1"))
    metadata = serve(telling(token_endpoint=token.uri, userinfo_endpoint=profile.uri))
    provider = ask(metadata.uri.rpartition("/")[0])
    with within(PATIENCE):
        given = provider.fetch_access_token(redirect_uri="http://localhost/callback", code="k", code_verifier="v")
        assert provider.userinfo(token=given)["sub"] == "1"
    assert head(metadata).startswith(b"GET /.well-known/openid-configuration HTTP/1.1\r\n")
    assert b"code=k" in token.received[0]
    assert b"Authorization: Bearer t\r\n" in profile.received[0]
    for outsider in (token, profile, metadata):
        assert b"User-Agent: MAX-Platform-Portal" in head(outsider)


def test_the_client_of_authlib_says_why_nobody_answers(serve: Serve, ask: Callable[[str], Any]) -> None:
    silent = serve(hanging())
    for members, seconds, expected in (
        ({"token_endpoint": silent.uri}, SOON, "timeout"),
        ({"token_endpoint": "http://169.254.169.254/token"}, PATIENCE, "connection"),
        ({"token_endpoint": "http://[::1"}, PATIENCE, "bad_answer"),
    ):
        provider = ask(serve(telling(**members)).uri.rpartition("/")[0])
        with within(seconds), pytest.raises(ProviderUnavailable, match=expected):
            provider.fetch_access_token(redirect_uri="http://localhost/callback", code="k")
