"""The portal as a process: how fast it starts, what it needs, how it ends, what it refuses to start with."""

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import gunicorn
import pytest
import requests
from argon2 import PasswordHasher, extract_parameters
from cryptography.fernet import Fernet

from app.server.connections.connections import READ_SECONDS
from app.services.people.passwords import QUICK
from tests.databases import SqliteDatabases
from tests.flows.live_client import LiveClient
from tests.portal import Portal, WarmPortal
from tests.servers import PROJECT_ROOT
from tests.warm import Command

READY_SECONDS = 3.0
WORKER_MEGABYTES = 155
TELLING = """
import sys
from pathlib import Path

with open({real!r}) as file:
    exec(compile(file.read(), {real!r}, "exec"))
_exit = worker_exit


def worker_exit(server, worker):
    Path({told!r}).write_text(" ".join(sys.modules))
    _exit(server, worker)
"""
"""The portal's own configuration, with which a worker says at its end what it has loaded."""


@pytest.fixture(scope="module")
def production(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A production portal on loopback, migrated and seeded, running."""
    instance = tmp_path_factory.mktemp("production")
    with sqlite_databases.fresh(instance, "seeded") as database_url:
        keys = {
            "SECRET_KEY": (instance / "secret_key").read_text(),
            "ENCRYPTION_KEYS": (instance / "encryption_key").read_text(),
        }
        # One of the tests has an answer take longer than a connection may be idle.
        portal = Portal(instance, database_url, APP_ENV="production", DB_LOCK_TIMEOUT="30", **keys)
        portal.environment["PUBLIC_URL"] = portal.url
        portal.start()
        yield portal
        portal.stop()


def log_lines(portal: Portal) -> list[dict[str, object]]:
    # A last line without its end is still being written.
    return [json.loads(line) for line in portal.log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def access_line(portal: Portal, answer: requests.Response) -> dict[str, object]:
    """The one line of an answer; it is written when the answer is already on its way."""
    request_id = answer.headers["X-Request-ID"]
    lines: list[dict[str, object]] = []

    def is_written() -> bool:
        lines[:] = [line for line in log_lines(portal) if line.get("request_id") == request_id]
        return bool(lines)

    wait_for(is_written)
    (line,) = lines
    return line


def answer_to(portal: Portal, raw: bytes) -> bytes:
    """The first bytes that come back for bytes no HTTP library would send; empty where the connection is closed."""
    with socket.create_connection(("127.0.0.1", portal.port), timeout=5) as connection:
        connection.sendall(raw)
        return connection.recv(65536)


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "This did not happen in time."
        time.sleep(0.05)


def processor_seconds(portal: Portal) -> float:
    """What the portal's processes have computed so far."""
    ticks = 0
    for process in (portal.pid, *portal.workers):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def test_it_is_ready_within_seconds_of_its_start(production: Portal) -> None:
    # Its own time, for whatever else this machine does at the moment is not the portal's.
    assert 0 < processor_seconds(production) < READY_SECONDS * len(production.workers)
    assert requests.get(f"{production.url}/ready", timeout=5).json()["status"] == "ready"


def test_a_login_brings_a_hash_to_the_recommended_cost(production: Portal) -> None:
    """What starts as operators start it hashes as they expect; the tests' own commands hash quickly."""
    email, password = "costly@example.com", "violet lantern 72 harbour"
    production.flask("users", "create", email, "--password", password, "--verified")
    stored = [stored_hash(production, email)]
    assert LiveClient(production, "").log_in(email, password).status_code == 303
    stored.append(stored_hash(production, email))
    assert [extract_parameters(each).memory_cost for each in stored] == [
        QUICK.memory_cost,
        PasswordHasher().memory_cost,
    ]
    assert extract_parameters(stored[1]) == extract_parameters(PasswordHasher().hash(password))


def stored_hash(portal: Portal, email: str) -> str:
    with closing(sqlite3.connect(portal.environment["DATABASE_URL"].removeprefix("sqlite:///"))) as database:
        (stored,) = database.execute("SELECT password_hash FROM users WHERE email = ?", [email]).fetchone()
    return str(stored)


def test_a_worker_stays_small(production: Portal) -> None:
    for _ in range(50):
        requests.get(f"{production.url}/login", timeout=5)
    assert len(production.workers) == 2
    for pid in production.workers:
        (resident,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        assert int(resident) / 1024 < WORKER_MEGABYTES


def test_a_worker_loads_nothing_that_only_commands_and_a_few_pages_need(
    sqlite_databases: SqliteDatabases, tmp_path: Path
) -> None:
    told, configuration = tmp_path / "modules", tmp_path / "gunicorn.conf.py"
    configuration.write_text(TELLING.format(real=str(PROJECT_ROOT / "gunicorn.conf.py"), told=str(told)))
    with sqlite_databases.fresh(tmp_path, "seeded") as database_url:
        portal = Portal(tmp_path, database_url, configuration=str(configuration), WEB_CONCURRENCY="1")
        portal.start()
        try:
            for path in ("/ready", "/login", "/metrics", "/.well-known/jwks.json"):
                assert requests.get(f"{portal.url}{path}", timeout=30).ok
        finally:
            portal.stop()
    loaded = set(told.read_text().split())
    assert {"app.extensions", "app.database.schema"} <= loaded
    assert loaded & {"alembic", "mako", "pygments", "flask_migrate", "redis", "opentelemetry"} == set()


def test_every_request_is_one_json_line_without_its_query(production: Portal) -> None:
    answer = requests.get(f"{production.url}/login?code=hunter2", headers={"User-Agent": "probe\x9b31m"}, timeout=5)
    line = access_line(production, answer)
    assert {name: line[name] for name in ("event", "method", "path", "status", "ip")} == {
        "event": "request",
        "method": "GET",
        "path": "/login",
        "status": 200,
        "ip": "127.0.0.1",
    }
    assert line["bytes"] == len(answer.content)
    assert "hunter2" not in production.log.read_text()
    assert "\x9b" not in production.log.read_text()


def test_the_server_is_the_one_these_tests_are_about(production: Portal) -> None:
    events = [str(line["event"]) for line in log_lines(production)]
    assert next(event for event in events if event.startswith("Starting gunicorn")).split()[-1] == gunicorn.__version__


def test_probes_are_not_logged(production: Portal) -> None:
    requests.get(f"{production.url}/ready", timeout=5)
    access_line(production, requests.get(f"{production.url}/login", timeout=5))
    assert not [line for line in log_lines(production) if line.get("path") in {"/health", "/ready"}]


def test_no_version_is_told(production: Portal) -> None:
    answer = requests.get(f"{production.url}/health", timeout=5)
    assert not re.search(r"\d", answer.headers.get("Server", ""))
    assert "X-Powered-By" not in answer.headers


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(100)) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Name : x\r\n\r\n",
    ],
)
def test_what_is_no_proper_request_is_the_senders_fault(production: Portal, raw: bytes) -> None:
    assert re.match(rb"HTTP/1\.[01] 4\d\d ", answer_to(production, raw))
    assert requests.get(f"{production.url}/health", timeout=5).ok


def test_a_request_with_two_lengths_is_not_answered(production: Portal) -> None:
    # Where a proxy and the portal disagree on where a request ends, one person's request starts another's.
    lengths = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    answer = answer_to(production, b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + lengths)
    assert not answer.startswith(b"HTTP/1.1 2")


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example", "X-Forwarded-For: 1.1.1.1"]
)
def test_a_forwarded_header_means_nothing_without_a_trusted_proxy(production: Portal, header: str) -> None:
    name, value = header.split(": ")
    answer = requests.get(f"{production.url}/login", headers={name: value}, timeout=5)
    assert answer.status_code == 200
    assert "evil.example" not in answer.text
    assert access_line(production, answer)["ip"] == "127.0.0.1"


def test_a_worker_that_dies_is_replaced_within_two_seconds(production: Portal) -> None:
    before = set(production.workers)
    os.kill(min(before), signal.SIGKILL)
    wait_for(lambda: len(set(production.workers) - before) == 1, 2.0)
    wait_for(lambda: requests.get(f"{production.url}/ready", timeout=5).ok)


def test_an_answer_that_takes_long_costs_no_connection(production: Portal) -> None:
    options = ["--json", "--confidential", "--grant", "client_credentials"]
    made = json.loads(production.flask("clients", "create", "slow", *options))
    form = f"grant_type=client_credentials&client_id=slow&client_secret={made['client_secret']}"
    kept = http.client.HTTPConnection("127.0.0.1", production.port, timeout=30)
    path = production.environment["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(kept), closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        let_go = threading.Timer(READ_SECONDS + 1.5, other.execute, ["ROLLBACK"])
        let_go.start()
        kept.request("POST", "/api/oauth/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = kept.getresponse()
        assert (answer.status, bool(json.loads(answer.read())["access_token"])) == (200, True)
        let_go.join()
        kept.request("GET", "/health")
        assert kept.getresponse().status == 200


def test_a_request_that_was_begun_is_answered_although_the_portal_ends(production: Portal) -> None:
    body = b"grant_type=client_credentials"
    with socket.create_connection(("127.0.0.1", production.port), timeout=10) as connection:
        connection.sendall(
            b"POST /api/oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        time.sleep(0.3)
        ending = threading.Thread(target=production.stop)
        ending.start()
        time.sleep(0.3)
        connection.sendall(body)
        answer = connection.makefile("rb").read()
    ending.join()
    assert re.match(rb"HTTP/1\.1 40[01] ", answer), answer[:200]
    production.start()


def test_told_to_end_as_soon_as_it_began_it_does(sqlite_databases: SqliteDatabases, tmp_path: Path) -> None:
    """A worker that has only just been forked heeds the signal too, and is not waited for and killed."""
    with sqlite_databases.fresh(tmp_path, "seeded") as database_url:
        portal = WarmPortal(tmp_path, database_url, WEB_CONCURRENCY="4")
        for _ in range(5):
            portal.start()
            assert portal.stop() == 0


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"APP_ENV": "production"}, ["SECRET_KEY", "ENCRYPTION_KEYS"]),
        (
            {
                "APP_ENV": "production",
                "SECRET_KEY": "k" * 40,
                "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
                "PUBLIC_URL": "http://id.example.com",
                "FLASK_DEBUG": "true",
            },
            ["PUBLIC_URL", "FLASK_DEBUG"],
        ),
        ({"PORT": "many", "RATE_LIMIT_LOGIN": "often"}, ["PORT", "RATE_LIMIT_LOGIN"]),
    ],
)
def test_it_refuses_to_start_with_one_line_for_each_problem(
    tmp_path: Path, changes: dict[str, str], problems: list[str]
) -> None:
    environment = {"PATH": os.environ["PATH"], "INSTANCE_PATH": str(tmp_path), **changes}
    done = started(environment)
    assert done.returncode != 0
    assert [line.split(" ")[0] for line in done.stderr.splitlines()] == problems
    assert done.stdout == ""


def started(environment: dict[str, str]) -> "CompletedProcess[str]":
    """Start the portal with exactly this environment and wait until it gives up."""
    return Command(["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"], environment, PROJECT_ROOT).completed()
