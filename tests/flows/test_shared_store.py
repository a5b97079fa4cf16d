"""What the workers share through the store holds over all of them, and through an outage of Redis."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import TypeVar

import pytest
import requests

from tests.browser_http import HttpBrowser
from tests.databases import SqliteDatabases
from tests.portal import Portal, WarmPortal
from tests.servers import RedisServer, running

pytestmark = pytest.mark.timed

T = TypeVar("T")
EMAIL, PASSWORD = "park@example.com", "correct horse battery staple"


@pytest.fixture
def redis_to_break() -> Iterator[RedisServer]:
    with running(RedisServer) as server:
        yield server


@pytest.fixture(params=["embedded", "redis"])
def portal(
    request: pytest.FixtureRequest, sqlite_databases: SqliteDatabases, redis_to_break: RedisServer, tmp_path: Path
) -> Iterator[Portal]:
    """A portal with its limits on; two workers."""
    redis_url = redis_to_break.url if request.param == "redis" else ""
    with sqlite_databases.fresh(tmp_path, "seeded") as url:
        started = WarmPortal(tmp_path, url, REDIS_URL=redis_url, RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="none")
        started.flask("users", "create", EMAIL, "--password", PASSWORD, "--verified")
        started.start()
        yield started
        started.stop()


def attempt(portal: Portal, password: str = "a wrong guess") -> requests.Response:
    """One login by a new browser, over a new connection: any worker may get it."""
    with requests.Session() as session:
        page = session.get(f"{portal.url}/login", timeout=5)
        token = page.text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
        form = {"csrf_token": token, "email": EMAIL, "password": password}
        return session.post(f"{portal.url}/login", data=form, allow_redirects=False, timeout=5)


def test_all_workers_count_login_attempts_together(portal: Portal) -> None:
    statuses = [attempt(portal).status_code for _ in range(9)]
    assert statuses == [401] * 5 + [429] * 4
    refused = attempt(portal, PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("portal", ["redis"], indirect=True)
@pytest.mark.parametrize("failure", ["stop", "pause"])
def test_everything_keeps_working_and_nobody_waits_while_redis_is_down(
    portal: Portal, redis_to_break: RedisServer, failure: str
) -> None:
    took: list[float] = []

    def quickly(call: Callable[[], T]) -> T:
        began = time.monotonic()
        result = call()
        took.append(time.monotonic() - began)
        return result

    browser = HttpBrowser(portal.url)
    browser.log_in(browser.open("/login"), EMAIL, PASSWORD)
    getattr(redis_to_break, failure)()

    for _ in range(6):
        assert quickly(lambda: browser.open("/")).status == 200
        assert quickly(lambda: requests.get(f"{portal.url}/login", timeout=5)).status_code == 200
    readiness = requests.get(f"{portal.url}/ready", timeout=5)
    # A balancer that asks must go on sending people here.
    assert readiness.status_code == 200
    assert readiness.json() == {
        "status": "degraded",
        "checks": {
            "database": "ok",
            "schema": "ok",
            "keys": "ok",
            "redis": "Redis did not answer.",
            "embedded_store": "ok",
        },
    }
    # Each worker counts on, together, in the embedded store.
    assert [quickly(lambda: attempt(portal)).status_code for _ in range(7)].count(429) == 2
    # Each worker waits for Redis once, half a second; nobody after that does.
    assert median(took) < 0.4

    redis_to_break.resume() if failure == "pause" else redis_to_break.start()
    deadline = time.monotonic() + 30
    while requests.get(f"{portal.url}/ready", timeout=5).json()["status"] != "ready":
        assert time.monotonic() < deadline
    assert browser.open("/").status == 200
    assert portal.log.read_text().count("store_unavailable") <= len(portal.workers)
    browser.close()
