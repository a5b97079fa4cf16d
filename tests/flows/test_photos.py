"""Photos on a portal with several workers: uploaded at once, slowly, and by those who want to be in the way."""

import http.client
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest
import requests

from app.models import Photo
from app.server.connections.connections import MOST_FOR_LONG, READ_SECONDS
from tests.databases import SqliteDatabases, running_portal
from tests.flows.live_client import LiveClient, Workers, by_services
from tests.pictures import BLUE, RED, encoded, opened, plain
from tests.portal import Portal
from tests.relying_party import PASSWORD

pytestmark = pytest.mark.timed

EMAIL = "photo@example.com"
PHOTO = "/api/v1/auth/photo"
AT_ONCE = 8
LARGE = encoded(plain(RED), "PNG") + bytes(700_000)


def token_of(portal: Portal, email: str = EMAIL) -> str:
    """An access token of somebody's, who may be new."""
    portal.flask("users", "create", email, "--password", PASSWORD)
    answer = requests.post(f"{portal.url}/api/v1/auth/login", json={"email": email, "password": PASSWORD}, timeout=30)
    return str(answer.json()["access_token"])


def put(portal: Portal, token: str, data: bytes) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "image/png"}
    return requests.put(f"{portal.url}{PHOTO}", data=data, headers=headers, timeout=30)


def head(token: str, length: int) -> bytes:
    lines = [
        f"PUT {PHOTO} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token}",
        "Content-Type: image/png",
        f"Content-Length: {length}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize("live_portal", ["sqlite", "postgresql+redis"], indirect=True)
def test_of_many_uploads_at_once_one_is_left_and_every_worker_serves_that_one(live_portal: Portal) -> None:
    token = token_of(live_portal)
    colours = [encoded(plain((number * 20, 10, 10))) for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda data: put(live_portal, token, data), colours))
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE
    me = requests.get(
        f"{live_portal.url}/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}, timeout=30
    ).json()
    path = urlsplit(me["avatar_url"]).path
    client, workers = LiveClient(live_portal, "nobody"), Workers(live_portal)
    assert [answer.status_code for answer in workers.each(lambda: client.send("GET", path))] == [200, 200]
    ids: list[str] = []
    by_services(live_portal, lambda services: ids.extend(_photos(services)))
    assert len(ids) == 1
    assert ids[0] in path
    assert put(live_portal, token, encoded(plain(BLUE))).status_code == 200
    assert [answer.status_code for answer in workers.each(lambda: client.send("GET", path))] == [404, 404]
    workers.close()


def _photos(services: object) -> list[str]:
    rows = services.db.session.query(Photo.id, Photo.user_id).all()  # type: ignore[attr-defined]
    return [row.id for row in rows]


def test_an_upload_over_a_slow_line_has_the_time_it_takes(live_portal: Portal) -> None:
    token = token_of(live_portal, "slow@example.com")
    with socket.create_connection(("127.0.0.1", live_portal.port), timeout=30) as line:
        line.sendall(head(token, len(LARGE)) + LARGE[:600_000])
        time.sleep(READ_SECONDS + 2.5)
        line.sendall(LARGE[600_000:])
        answer = http.client.HTTPResponse(line)
        answer.begin()
        assert (answer.status, b"/photos/" in answer.read()) == (200, True)


@pytest.fixture(scope="module")
def small(sqlite_databases: SqliteDatabases) -> Iterator[Portal]:
    """A portal of one worker."""
    with running_portal(sqlite_databases, WEB_CONCURRENCY="1") as portal:
        yield portal


def test_uploads_that_never_end_keep_nobody_else_out(small: Portal) -> None:
    token = token_of(small)
    begun, most = 4_500_000, MOST_FOR_LONG // 4_500_000
    with ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection(("127.0.0.1", small.port), timeout=10))
            for _ in range(most + 3)
        ]
        for line in lines:
            with suppress(OSError):  # it may be cut off meanwhile
                line.sendall(head(token, begun + 400_000) + bytes(begun))
        refused, deadline = set[socket.socket](), time.monotonic() + 60
        while len(refused) < len(lines) - most and time.monotonic() < deadline:
            refused |= {line for line in lines if line not in refused and is_refused(line)}
            time.sleep(0.1)
        assert len(lines) - most <= len(refused) < len(lines)
        form = {"email": EMAIL, "password": PASSWORD, "more": "x" * 100_000}
        answer = requests.post(f"{small.url}/api/v1/auth/login", json=form, timeout=10)
        assert answer.status_code == 200
        assert put(small, token, encoded(plain(RED))).status_code == 200
    time.sleep(1.5)
    assert put(small, token, LARGE).status_code == 200


def is_refused(line: socket.socket) -> bool:
    """Whether the portal has said that it takes no more of this."""
    line.setblocking(False)
    try:
        return line.recv(100)[:12] in {b"", b"HTTP/1.1 503"}
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_a_body_is_long_only_where_a_file_is_expected(small: Portal) -> None:
    token = token_of(small, "long@example.com")
    headers = {"Authorization": f"Bearer {token}"}
    for method, path in (("POST", PHOTO), ("PUT", "/api/v1/auth/profile"), ("PUT", f"{PHOTO}/x"), ("POST", "/login")):
        with socket.create_connection(("127.0.0.1", small.port), timeout=10) as line:
            line.sendall(head(token, 1_000_000).replace(f"PUT {PHOTO}".encode(), f"{method} {path}".encode()))
            answer = http.client.HTTPResponse(line)
            answer.begin()  # at once, without its body
            assert answer.status in {404, 405, 413, 415}, path
            answer.close()
    address = put(small, token, LARGE).json()["avatar_url"]
    assert opened(requests.get(address, timeout=10).content).size == (512, 512)
    assert requests.get(f"{small.url}/api/v1/auth/me", headers=headers, timeout=10).json()["avatar_url"] == address
