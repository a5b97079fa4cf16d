"""One SQLite file serves workers, commands and backups at once, and none of them takes another's locks away."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.flows.live_client import LiveClient, by_services
from tests.portal import Portal
from tests.relying_party import PASSWORD, REDIRECT_URI

EMAIL = "choi@example.com"


@pytest.fixture
def app(live_portal: Portal) -> LiveClient:
    """A person who is logged in to an application, on a portal whose workers have served many at once."""

    def populate(services: object) -> None:
        services.accounts.create(EMAIL, PASSWORD)  # type: ignore[attr-defined]
        services.clients.create(  # type: ignore[attr-defined]
            "app", redirects=[REDIRECT_URI], scopes=["openid", "profile"], consent_policy="implicit"
        )

    by_services(live_portal, populate)
    client = LiveClient(live_portal, "app")
    assert client.log_in(EMAIL, PASSWORD).status_code == 303
    with ThreadPoolExecutor(24) as pool:
        assert len([tokens for tokens in pool.map(lambda _: client.tokens(), range(96)) if tokens]) == 96
    return client


def test_a_process_that_comes_and_goes_leaves_the_write_ahead_log_to_the_others(
    live_portal: Portal, app: LiveClient
) -> None:
    """Only the last to close a database removes its log; removed under the others, it takes along what they write.

    That happens where a worker opens and closes the file by other means than SQLite, which drops all its locks:
    https://www.sqlite.org/howtocorrupt.html section 2.2
    """
    database = Path(live_portal.environment["DATABASE_URL"].removeprefix("sqlite:///"))
    log = database.with_name(f"{database.name}-wal")
    before = os.stat(log).st_ino
    with closing(sqlite3.connect(database)) as passing:
        passing.execute("SELECT count(*) FROM users").fetchone()
    assert log.exists()
    assert os.stat(log).st_ino == before
    assert app.userinfo(app.tokens()["access_token"]).status_code == 200
