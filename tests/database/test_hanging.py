"""A database that hangs holds nobody for long, and one that can only be read is an outage; over once it is back."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask

from tests.relying_party import RelyingParty, add_client, add_person, log_in
from tests.servers import APPLICATION, PostgresCluster, running, started

pytestmark = pytest.mark.timed

SHORT = {"DB_STATEMENT_TIMEOUT": "1", "DB_LOCK_TIMEOUT": "1", "DB_CONNECT_TIMEOUT": "2", "DB_POOL_TIMEOUT": "1"}
BOUND = 8.0
BACK = 3.0


@pytest.fixture
def cluster() -> Iterator[PostgresCluster]:
    """One that may be broken."""
    yield from started(running(PostgresCluster))


def portal(make_app: Callable[..., Flask], url: str) -> tuple[Flask, RelyingParty]:
    """A portal on a new database, in production's manner, and a client whose person is logged in."""
    app = make_app(url, **SHORT)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        flask_migrate.upgrade()
    assert app.test_cli_runner().invoke(args=["seed"]).exit_code == 0
    add_person(app)
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    return app, RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))


def asked(web: RelyingParty, tokens: dict[str, str]) -> dict[str, tuple[int, float]]:
    """The status of a few requests, which read and write, with how long each took."""
    asks = {
        "ready": lambda: web.browser.get("/ready"),
        "userinfo": lambda: web.userinfo(tokens["access_token"]),
        "authorization": web.authorize,
        # These need nothing of the database once they were answered, however old they are by now.
        "metadata": lambda: web.browser.get("/.well-known/openid-configuration"),
        "keys": lambda: web.browser.get("/.well-known/jwks.json"),
        "health": lambda: web.browser.get("/health"),
    }
    found = {}
    for name, ask in asks.items():
        began = time.monotonic()
        found[name] = (ask().status_code, time.monotonic() - began)
    return found


DONE = {"ready": 200, "userinfo": 200, "authorization": 302, "metadata": 200, "keys": 200, "health": 200}
OUT = {**DONE, "ready": 503, "userinfo": 503, "authorization": 503}


def statuses(found: dict[str, tuple[int, float]]) -> dict[str, int]:
    return {name: status for name, (status, _) in found.items()}


def test_a_server_that_hangs_holds_nobody_for_long(make_app: Callable[..., Flask], cluster: PostgresCluster) -> None:
    cluster.create("portal")
    _, web = portal(make_app, cluster.url("portal"))
    tokens = web.tokens()
    assert statuses(asked(web, tokens)) == DONE
    cluster.pause()
    try:
        found = asked(web, tokens)
    finally:
        cluster.resume()
    assert statuses(found) == OUT
    assert max(seconds for _, seconds in found.values()) < BOUND
    # Whoever is asking the server at this moment is still the only one to do so.
    began = time.monotonic()
    while web.browser.get("/ready").status_code != 200:
        assert time.monotonic() - began < BACK
    assert statuses(asked(web, tokens)) == DONE


def test_a_server_that_becomes_read_only_is_an_outage(make_app: Callable[..., Flask], cluster: PostgresCluster) -> None:
    cluster.create("portal")
    _, web = portal(make_app, cluster.url("portal"))
    tokens = web.tokens()
    assert statuses(asked(web, tokens)) == DONE
    cluster.let_write(is_writing=False)
    time.sleep(0.5)
    # What only reads goes on until somebody finds out; then the connections are given up and none is to be had.
    assert web.authorize().status_code == 503
    assert statuses(asked(web, tokens)) == OUT
    cluster.let_write(is_writing=True)
    time.sleep(0.5)
    assert statuses(asked(web, tokens)) == DONE


def test_readiness_finds_out_by_itself(make_app: Callable[..., Flask], cluster: PostgresCluster) -> None:
    cluster.create("portal")
    _, web = portal(make_app, cluster.url("portal"))
    cluster.let_write(is_writing=False)
    time.sleep(0.5)
    answer = web.browser.get("/ready")
    assert (answer.status_code, answer.json["checks"]["database"]) == (503, "failed")


def test_the_copy_that_was_promoted_takes_over_without_a_restart(
    make_app: Callable[..., Flask], cluster: PostgresCluster
) -> None:
    with ExitStack() as stack:
        cluster.create("portal")

        def copied(directory: Path) -> PostgresCluster:
            return PostgresCluster(directory, copy_of=cluster)

        copy = stack.enter_context(running(copied))
        hosts = ",".join(each.url("").split("@")[1].rstrip("/") for each in (copy, cluster))
        _, web = portal(make_app, f"postgresql://{APPLICATION}@{hosts}/portal")
        tokens = web.tokens()
        assert statuses(asked(web, tokens)) == DONE
        time.sleep(0.5)
        cluster.stop()
        assert statuses(asked(web, tokens)) == OUT
        copy.promote()
        assert statuses(asked(web, tokens)) == DONE


def test_connections_are_looked_after_while_there_are_any(make_app: Callable[..., Flask], postgresql_url: str) -> None:
    """A thread that looks at nothing ends; the next connection has another one."""
    app = make_app(postgresql_url)
    before = set(threading.enumerate())

    def watchers() -> int:
        return sum(thread.name == "database-patience" for thread in set(threading.enumerate()) - before)

    for _ in range(2):
        assert app.test_client().get("/ready").status_code == 200
        assert watchers() == 1
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()
        end = time.monotonic() + 10
        while watchers():
            assert time.monotonic() < end
            time.sleep(0.1)
