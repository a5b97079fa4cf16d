"""Section V: restarts and faults, seen from outside. ``benchmarks/faults`` does the same under load and counts."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from resource import RLIMIT_FSIZE, prlimit
from statistics import median

import pytest
import requests

from tests.databases import PostgresDatabases, SqliteDatabases
from tests.flows.live_client import LiveClient
from tests.portal import Portal, WarmPortal
from tests.relying_party import REDIRECT_URI
from tests.security.answers import is_challenged
from tests.security.parties import Parties
from tests.servers import PostgresCluster, RedisServer, running

pytestmark = pytest.mark.timed

EMAIL, PASSWORD = "ada@example.com", "correct horse battery 9"
SCOPES = "openid profile offline_access"
CLIENT = ["web", "--json", "--consent", "implicit", "--redirect-uri", REDIRECT_URI, "--scope", SCOPES]


def begun(portal: Portal) -> LiveClient:
    """A seeded portal that runs, with Ada logged in at a public client."""
    portal.flask("seed")
    portal.flask("users", "create", EMAIL, "--password", PASSWORD, "--name", "Ada", "--verified")
    portal.flask("clients", "create", *CLIENT, "--grant", "authorization_code", "--grant", "refresh_token")
    portal.start()
    client = LiveClient(portal, "web")
    assert client.log_in(EMAIL, PASSWORD).status_code == 303
    return client


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start(stack: ExitStack, sqlite_databases: SqliteDatabases, tmp_path: Path) -> Callable[..., LiveClient]:
    """Runs a portal on SQLite: ``start(REDIS_URL=…)``."""

    def run(**environ: str) -> LiveClient:
        url = stack.enter_context(sqlite_databases.fresh(tmp_path, "empty"))
        portal = WarmPortal(tmp_path, url, **environ)
        stack.callback(portal.stop)
        return begun(portal)

    return run


def until(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_v315_a_worker_that_is_killed_costs_nobody_else_anything(start: Callable[..., LiveClient]) -> None:
    client = start()
    token = client.tokens()["access_token"]
    before = set(client.portal.workers)
    os.kill(min(before), signal.SIGKILL)
    lost = 0
    began = time.monotonic()
    while time.monotonic() - began < 2:
        try:
            assert client.userinfo(token).status_code == 200
        except requests.ConnectionError:
            lost += 1
    after = set(client.portal.workers)
    assert (len(after), len(after - before)) == (2, 1)
    # One may have been on its way to the worker just then.
    assert lost <= 1


def test_v317_a_restart_takes_nothing_away(start: Callable[..., LiveClient]) -> None:
    """Sessions, codes, refresh tokens, tokens, remembered consent, and the form on a page that is open."""
    client = start()
    name = ["third", "--json", "--consent", "once", "--redirect-uri", REDIRECT_URI, "--scope", SCOPES]
    client.portal.flask("clients", "create", *name)
    third = LiveClient(client.portal, "third")
    third.cookies = client.cookies
    page = third.authorize(prompt="consent").headers["Location"]
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.browse("GET", page).text)
    assert token
    tokens, code = client.tokens(), client.code()
    client.portal.stop()
    client.portal.start()
    assert client.redeem(code).status_code == 200
    assert client.userinfo(tokens["access_token"]).status_code == 200
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert "code=" in client.authorize().headers["Location"]
    allowed = client.browse("POST", page, data={"csrf_token": token[1], "decision": "allow"})
    assert "code=" in client.browse("GET", allowed.headers["Location"]).headers["Location"]
    client.portal.stop()
    client.portal.start()
    assert "code=" in third.authorize().headers["Location"]


def test_v319_without_redis_everything_is_answered_soon_and_nothing_comes_back(
    stack: ExitStack, start: Callable[..., LiveClient]
) -> None:
    redis_server = stack.enter_context(running(RedisServer))
    client = start(REDIS_URL=redis_server.url)
    before, during = client.tokens()["access_token"], client.tokens()
    took: list[float] = []

    def quickly(ask: Callable[[], requests.Response]) -> requests.Response:
        began = time.monotonic()
        answer = ask()
        took.append(time.monotonic() - began)
        return answer

    assert client.token(token=before).status_code == 400
    assert client.send("POST", "/api/oauth/revoke", data={"token": before, "client_id": "web"}).status_code == 200
    redis_server.stop()
    gone = during["refresh_token"]
    revoked = quickly(lambda: client.send("POST", "/api/oauth/revoke", data={"token": gone, "client_id": "web"}))
    assert revoked.status_code == 200
    for _ in range(8):
        assert quickly(lambda: client.userinfo(before)).status_code == 401
        assert quickly(lambda: client.userinfo(during["access_token"])).status_code == 401
        assert "code=" in quickly(client.authorize).headers["Location"]
    assert median(took) < 0.4
    new = client.tokens()["access_token"]
    redis_server.start()
    until(lambda: client.send("GET", "/ready").status_code == 200, 30)
    for _ in range(4):
        assert client.userinfo(before).status_code == 401
        assert client.userinfo(during["access_token"]).status_code == 401
        assert client.userinfo(new).status_code == 200


def test_v320_postgresql_restarts_and_nothing_is_half_done(stack: ExitStack, tmp_path: Path) -> None:
    cluster = stack.enter_context(running(PostgresCluster))
    databases = PostgresDatabases(tmp_path, cluster)
    portal = Portal(tmp_path / "instance", stack.enter_context(databases.fresh(tmp_path / "instance", "empty")))
    stack.callback(portal.stop)
    client = begun(portal)
    tokens, code = client.tokens(), client.code()
    cluster.stop()
    assert {client.userinfo(tokens["access_token"]).status_code for _ in range(6)} == {503}
    assert {client.redeem(code).status_code, client.refresh(tokens["refresh_token"]).status_code} == {503}
    # Scripts of the client read it as well, from workers that no script has asked before.
    form = {"client_id": "web", "grant_type": "refresh_token", "refresh_token": "x"}
    for origin, allowed in (("https://client.example.com", "https://client.example.com"), ("https://evil.test", None)):
        refused = [client.send("POST", "/api/oauth/token", data=form, headers={"Origin": origin}) for _ in range(4)]
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.headers.get("Access-Control-Allow-Origin") for answer in refused} == {allowed}
    cluster.start()
    until(lambda: {client.send("GET", "/ready").status_code for _ in range(6)} == {200}, 30)
    assert client.redeem(code).status_code == 200
    assert client.redeem(code).json()["error"] == "invalid_grant"
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert client.userinfo(tokens["access_token"]).status_code == 200


def test_v321_a_full_disk_refuses_what_must_be_kept_and_is_over_when_there_is_room(
    start: Callable[..., LiveClient],
) -> None:
    """A file that cannot grow is a full disk for the database that is kept in it."""
    client = start()
    token, code = client.tokens()["access_token"], client.code()
    for pid in client.portal.workers:
        prlimit(pid, RLIMIT_FSIZE, (1, prlimit(pid, RLIMIT_FSIZE)[1]))
    answers = [client.authorize() for _ in range(4)]
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["Retry-After"].isdecimal() for answer in answers} == {True}
    assert client.redeem(code).status_code == 503
    assert client.userinfo(token).status_code == 200
    for pid in client.portal.workers:
        prlimit(pid, RLIMIT_FSIZE, (prlimit(pid, RLIMIT_FSIZE)[1],) * 2)
    assert client.redeem(code).status_code == 200
    assert "code=" in client.authorize().headers["Location"]


def test_v322_who_is_being_answered_when_it_ends_is_answered(start: Callable[..., LiveClient]) -> None:
    """Logins take long: some are under way when the portal is told to end."""
    client = start()
    outcomes: list[object] = []

    def log_in() -> None:
        try:
            outcomes.append(LiveClient(client.portal, "web").log_in(EMAIL, PASSWORD).status_code)
        except (requests.ConnectionError, AssertionError) as error:
            outcomes.append(error)

    def go_on() -> None:
        while not is_over.is_set():
            log_in()

    is_over = threading.Event()
    people = [threading.Thread(target=go_on) for _ in range(4)]
    for each in people:
        each.start()
    until(lambda: len(outcomes) > 4, 20)
    began = time.monotonic()
    client.portal.stop()
    assert time.monotonic() - began < 20
    is_over.set()
    for each in people:
        each.join()
    answered = [each for each in outcomes if isinstance(each, int)]
    assert set(answered) == {303}
    with pytest.raises(requests.ConnectionError):
        client.send("GET", "/health")
    client.portal.start()
    assert "code=" in client.authorize().headers["Location"]


@pytest.mark.parametrize("seconds", [-3600, -90, 90, 3600])
def test_v323_a_clock_that_is_set_breaks_nothing(fresh: Parties, seconds: int) -> None:
    client = fresh.client("web", is_confidential=True)
    tokens, code = client.tokens(), client.code()
    auth = ("web", client.secret or "")
    fresh.clock.advance(seconds=seconds)
    assert client.redeem(code).status_code == (200 if seconds < 60 else 400)
    again = client.browser.get("/logout")
    assert again.status_code == (200 if seconds < 3600 else 302) or again.location == "/logged-out"
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert client.browser.post("/api/oauth/introspect", data={"token": token}, auth=auth).status_code == 200
        assert client.browser.post("/api/oauth/revoke", data={"token": token}, auth=auth).status_code == 200
        answer = client.browser.post("/api/oauth/introspect", data={"token": token}, auth=auth)
        assert answer.json == {"active": False}


def test_v323_a_token_of_a_clock_a_little_ahead_counts_and_one_of_the_future_does_not(fresh: Parties) -> None:
    """Two minutes are tolerated between the hosts of one portal."""
    client = fresh.client("web", is_confidential=True)
    token = client.tokens()["access_token"]
    fresh.clock.advance(seconds=-120)
    assert client.userinfo(token).status_code == 200
    fresh.clock.advance(seconds=-1)
    is_challenged(client.userinfo(token))
    fresh.clock.advance(seconds=3600 + 120)
    assert client.userinfo(token).status_code == 200
    fresh.clock.advance(seconds=1)
    is_challenged(client.userinfo(token))
