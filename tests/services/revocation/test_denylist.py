"""``blacklist:{jti}`` in a shared Redis: written at once, completed after whatever happened to Redis, nowhere else."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask

from app.services.revocation import denylist
from app.stores.fallback import RETRY_SECONDS
from tests.clock import Clock
from tests.relying_party import RelyingParty, add_client, add_person, log_in
from tests.servers import RedisServer, running


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with running(RedisServer) as server:
        yield server


@pytest.fixture
def app(make_app: Callable[..., Flask], server: RedisServer) -> Flask:
    app = make_app(REDIS_URL=server.url)
    add_person(app)
    return app


@pytest.fixture
def party(app: Flask) -> RelyingParty:
    browser = app.test_client()
    log_in(browser)
    return RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))


def listed(server: RedisServer) -> dict[str, tuple[dict[str, object], int]]:
    """The copies by token id, with the seconds they have left."""
    with redis.Redis.from_url(server.url) as client:
        return {
            key.decode().removeprefix("blacklist:"): (json.loads(client.get(key)), client.ttl(key))
            for key in client.keys("blacklist:*")
        }


def catch_up(app: Flask) -> int:
    with app.app_context():
        return int(app.extensions["services"].denylist.catch_up())


def revoked(party: RelyingParty) -> None:
    auth = (party.client_id, party.secret or "")
    answer = party.browser.post("/api/oauth/revoke", data={"token": party.tokens()["access_token"]}, auth=auth)
    assert answer.status_code == 200


def test_a_copy_says_why_when_whose_and_until_when(
    server: RedisServer, app: Flask, party: RelyingParty, clock: Clock
) -> None:
    revoked(party)
    with app.app_context():
        user_id = app.extensions["services"].accounts.find("ada@example.com").id
    ((value, seconds),) = listed(server).values()
    assert value == {
        "reason": "revoked_by_client",
        "blacklisted_at": clock.now.isoformat(),
        "user_id": user_id,
        "exp": int(clock.now.timestamp()) + 3600,
    }
    assert 3590 <= seconds <= 3600


def test_what_a_flush_took_comes_back(server: RedisServer, app: Flask, party: RelyingParty) -> None:
    for _ in range(3):
        revoked(party)
    before = {jti: value for jti, (value, _) in listed(server).items()}
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    assert catch_up(app) == 3
    assert {jti: value for jti, (value, _) in listed(server).items()} == before


def test_what_was_ended_while_redis_was_away_comes_when_it_is_back(
    server: RedisServer, app: Flask, party: RelyingParty
) -> None:
    catch_up(app)
    server.pause()
    # It is answered though Redis never does.
    revoked(party)
    assert catch_up(app) == 0
    server.resume()
    time.sleep(RETRY_SECONDS + 0.1)
    assert catch_up(app) == 1
    assert len(listed(server)) == 1


def test_what_is_complete_is_not_written_again(app: Flask, party: RelyingParty, clock: Clock) -> None:
    revoked(party)
    assert catch_up(app) == 1
    clock.advance(seconds=denylist.OVERLAP.total_seconds() + 1)
    assert catch_up(app) == 1  # it may have been committed after the last time was over
    clock.advance(seconds=1)
    assert catch_up(app) == 0
    revoked(party)
    assert catch_up(app) == 1


def test_what_a_snapshot_brought_back_to_an_old_state_is_completed(
    server: RedisServer, app: Flask, party: RelyingParty, clock: Clock
) -> None:
    catch_up(app)
    with redis.Redis.from_url(server.url) as client:
        snapshot = {key: client.dump(key) for key in client.keys("*")}
        clock.advance(minutes=10)
        revoked(party)
        catch_up(app)
        client.flushall()
        for key, value in snapshot.items():
            client.restore(key, 600_000, value)
        assert listed(server) == {}
        assert catch_up(app) == 1
    assert len(listed(server)) == 1


def test_an_expired_token_needs_no_copy(server: RedisServer, app: Flask, party: RelyingParty, clock: Clock) -> None:
    revoked(party)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    clock.advance(hours=2)
    assert catch_up(app) == 0
    assert listed(server) == {}


def test_the_chore_completes_it_by_itself(server: RedisServer, app: Flask, party: RelyingParty) -> None:
    revoked(party)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    background = app.extensions["background"]
    background.start()
    try:
        deadline = time.monotonic() + 20
        while not listed(server) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        background.stop()
    assert len(listed(server)) == 1


def test_without_a_shared_redis_nothing_is_copied(make_app: Callable[..., Flask], instance: Path) -> None:
    app = make_app()
    add_person(app)
    browser = app.test_client()
    log_in(browser)
    party = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))
    tokens = party.tokens()
    assert browser.post("/api/oauth/revoke", data={"token": tokens["access_token"]}, auth=("web", party.secret or ""))
    assert party.userinfo(tokens["access_token"]).status_code == 401
    store = instance / "store.db"
    assert not store.exists() or b"blacklist:" not in store.read_bytes()
    assert catch_up(app) == 0
