"""Ready means able to serve: what is only slower is said and answered with 200, what stops a login with 503."""

from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from flask import Flask

from app.settings import ConfigurationError, Settings
from tests.relying_party import EMAIL, add_person, log_in
from tests.servers import RedisServer, running

STORE = "The store file store.db cannot be used."


def ready(app: Flask) -> tuple[int, object]:
    answer = app.test_client().get("/ready")
    return answer.status_code, answer.json


def spoil_store(app: Flask) -> None:
    """Put something in the place of the embedded store that no process can use."""
    services = app.extensions["services"]
    services.store.close()
    path = Path(services.settings.instance_path) / "store.db"
    for name in (path, path.with_name("store.db-wal"), path.with_name("store.db-shm")):
        name.unlink(missing_ok=True)
    path.mkdir()


def test_without_redis_the_embedded_store_is_needed(app: Flask) -> None:
    checks = {"database": "ok", "schema": "ok", "keys": "ok", "embedded_store": "ok"}
    assert ready(app) == (200, {"status": "ready", "checks": checks})
    spoil_store(app)
    assert ready(app) == (503, {"status": "unavailable", "checks": {**checks, "embedded_store": STORE}})


def test_with_redis_it_is_not(make_app: Callable[..., Flask], redis_url: str) -> None:
    app = make_app(REDIS_URL=redis_url, RATE_LIMIT_ENABLED="true")
    add_person(app)
    spoil_store(app)
    checks = {"database": "ok", "schema": "ok", "keys": "ok", "redis": "ok", "embedded_store": STORE}
    assert ready(app) == (200, {"status": "degraded", "checks": checks})
    assert log_in(app.test_client(), EMAIL).status_code == 303
    # What the background does is not held up either.
    with app.app_context():
        store = app.extensions["services"].store
        assert [store.add("chore:deletions", b"", 60) for _ in range(2)] == [True, False]


def test_while_redis_is_away_everything_is_answered(make_app: Callable[..., Flask]) -> None:
    with running(RedisServer) as server:
        app = make_app(REDIS_URL=server.url, RATE_LIMIT_ENABLED="true")
        add_person(app)
        server.stop()
        checks = {
            "database": "ok",
            "schema": "ok",
            "keys": "ok",
            "redis": "Redis did not answer.",
            "embedded_store": "ok",
        }
        assert ready(app) == (200, {"status": "degraded", "checks": checks})
        assert log_in(app.test_client(), EMAIL).status_code == 303
        spoil_store(app)
        # Nobody can count guesses now, so nobody may guess.
        assert ready(app)[0] == 503
        assert log_in(app.test_client(), EMAIL).status_code == 503


@pytest.mark.parametrize("setting", ["full", "a replica that cannot be written"])
def test_a_redis_that_answers_and_cannot_be_written_is_named(make_app: Callable[..., Flask], setting: str) -> None:
    with running(RedisServer) as server, redis.Redis.from_url(server.url) as admin:
        app = make_app(REDIS_URL=server.url)
        admin.config_set("maxmemory", 1) if setting == "full" else admin.replicaof("127.0.0.1", "1")
        status, answer = ready(app)
        assert status == 200
        assert isinstance(answer, dict)
        assert answer["status"] == "degraded"
        assert answer["checks"]["redis"] == f"Redis is {setting}."


def test_keys_of_a_portal_begin_with_its_prefix(make_app: Callable[..., Flask], redis_url: str) -> None:
    app = make_app(REDIS_URL=redis_url, REDIS_PREFIX="id:", RATE_LIMIT_ENABLED="true")
    user_id = add_person(app)
    log_in(app.test_client(), EMAIL)
    with app.app_context():
        services = app.extensions["services"]
        services.denylist.catch_up()
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        keys = client.keys()
    assert keys
    assert {key for key in keys if not key.startswith("id:")} == set()
    assert user_id not in str(keys)


def test_two_portals_on_one_redis_each_do_their_own_chores(make_app: Callable[..., Flask], redis_url: str) -> None:
    marks = []
    for issuer in ("http://localhost:8000", "http://localhost:8001"):
        app = make_app(REDIS_URL=redis_url, PUBLIC_URL=issuer)
        with app.app_context():
            background = app.extensions["background"]
            marks.append({background._mark(chore) for chore in background._chores})
            assert app.extensions["services"].denylist.place.startswith("denylist:complete_until:")
    assert not marks[0] & marks[1]


@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_directory_that_cannot_be_written_is_said_at_start(tmp_path: Path, environment: str) -> None:
    (tmp_path / "file").write_text("")
    given = {"APP_ENV": environment, "INSTANCE_PATH": str(tmp_path / "file" / "instance"), "PORT": "8000"}
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment({**given, "SECRET_KEY": "s" * 40, "ENCRYPTION_KEYS": "A" * 43 + "="})
    problems = [line for line in refused.value.problems if "cannot be written" in line]
    assert len(problems) == 1
    assert "file/instance" in problems[0]
    assert "attempts are counted there" in problems[0]
    assert "the database is there" in problems[0]


def test_with_postgresql_and_redis_nothing_needs_to_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    given = {
        "APP_ENV": "production",
        "INSTANCE_PATH": str(tmp_path / "file" / "instance"),
        "SECRET_KEY": "s" * 40,
        "ENCRYPTION_KEYS": "A" * 43 + "=",
        "PUBLIC_URL": "https://id.example.com",
        "DATABASE_URL": "postgresql://portal@db/portal",
        "REDIS_URL": "redis://cache/0",
    }
    assert Settings.from_environment(given).is_production
