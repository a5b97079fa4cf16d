"""The database hangs and holds every thread: what needs no database goes on, the rest is answered in bounded time."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.databases import PostgresDatabases, running_portal
from tests.portal import Portal
from tests.servers import PostgresCluster, running, started

pytestmark = pytest.mark.timed

# Nobody gives up waiting for the database by himself as long as these tests last.
PATIENT = {"DB_STATEMENT_TIMEOUT": "60", "DB_TCP_TIMEOUT": "60", "DB_CONNECT_TIMEOUT": "60", "DB_POOL_TIMEOUT": "60"}
PROMPT = (
    *("/health", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
    *("/.well-known/jwks.json", "/api/oauth/.well-known/oauth-authorization-server", "/static/sdk/max-auth.js"),
)
SOON = 1.0
PATIENCE = 15.0
HUNG = 24


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    """One that may be broken."""
    yield from started(running(PostgresCluster))


@pytest.fixture(scope="module")
def portal(cluster: PostgresCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    databases = PostgresDatabases(tmp_path_factory.mktemp("template"), cluster)
    with running_portal(databases, WEB_THREADS="2", **PATIENT) as portal:
        yield portal


def needing(portal: Portal, number: int) -> tuple[int, float]:
    """The status of an answer that cannot be given without the database, and how long it took."""
    began = time.monotonic()
    form = {"grant_type": "client_credentials", "client_id": f"nobody-{number}", "client_secret": "x" * 40}
    answer = requests.post(f"{portal.url}/api/oauth/token", data=form, timeout=60)
    return answer.status_code, time.monotonic() - began


def test_what_needs_no_database_is_answered_while_all_threads_wait_for_it(
    portal: Portal, cluster: PostgresCluster
) -> None:
    assert Path("static/sdk/max-auth.js").exists()
    for path in PROMPT * 40:  # every worker has read what it publishes, however busy this machine is
        assert requests.get(f"{portal.url}{path}", timeout=10).status_code == 200, path
    with ThreadPoolExecutor(HUNG) as pool:
        cluster.pause()
        try:
            hung = [pool.submit(needing, portal, number) for number in range(HUNG)]
            time.sleep(0.5)
            slowest: dict[str, float] = {}
            deadline = time.monotonic() + 12
            while time.monotonic() < deadline:
                for path in PROMPT:
                    began = time.monotonic()
                    assert requests.get(f"{portal.url}{path}", timeout=10).status_code == 200, path
                    slowest[path] = max(slowest.get(path, 0), time.monotonic() - began)
                time.sleep(0.1)
            in_vain = [job.result(0) for job in hung if job.done()]
        finally:
            cluster.resume()
        results = [job.result(60) for job in hung]
    assert max(slowest.values()) < SOON, slowest
    # Four were with the database; the others were not kept waiting for a thread, and told when to come back.
    assert len(in_vain) >= HUNG - 4
    assert {status for status, _ in in_vain} == {503}
    assert max(seconds for _, seconds in in_vain) < PATIENCE
    assert {status for status, _ in results} <= {401, 503}
    assert needing(portal, 0)[0] == 401
