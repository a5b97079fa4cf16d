"""Copies of sessions in Redis: they help, nobody can read them, and they never overrule a row."""

import logging
import time
from collections.abc import Callable, Iterator
from statistics import median

import pytest
import redis
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient

from app.models import User
from app.services.foundation.environment import NOBODY
from app.services.tenancy.group_changes import GroupName
from app.services.tenancy.member_changes import Placement
from app.services.tenancy.role_changes import RoleName, RolePermissions
from tests.clock import Clock
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, log_in
from tests.servers import RedisServer, running

BOB = "bob@example.com"


@pytest.fixture(scope="module")
def _server() -> Iterator[RedisServer]:
    with running(RedisServer) as server:
        yield server


@pytest.fixture
def server(_server: RedisServer) -> Iterator[RedisServer]:
    """A Redis these tests may break; each gets it well and empty."""
    with redis.Redis.from_url(_server.url) as client:
        client.flushall()
    yield _server
    _server.stop()
    _server.start()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, open_database: Callable[..., str]) -> str:
    return open_database(request.param)


@pytest.fixture
def start(make_app: Callable[..., Flask], url: str, server: RedisServer) -> Callable[..., Flask]:
    """Starts another process on the same database and Redis, as one with a memory of its own."""
    return lambda **environ: make_app(url, **{"REDIS_URL": server.url, **environ})


@pytest.fixture
def app(start: Callable[..., Flask]) -> Flask:
    app = start()
    add_person(app)
    return app


def logged_in(app: Flask, email: str = EMAIL) -> tuple[FlaskClient, str]:
    """A browser, and the value of its cookie; a copy has been made."""
    browser = app.test_client()
    assert log_in(browser, email=email).status_code == 303
    assert browser.get("/logout").status_code == 200
    cookie = browser.get_cookie("portal_session")
    assert cookie
    return browser, cookie.value


def page_of(app: Flask, cookie: str) -> str:
    """What the page that names who is logged in says to a browser with this cookie; nothing when nobody is."""
    browser = app.test_client()
    browser.set_cookie("portal_session", cookie)
    return browser.get("/logout").text if browser.get("/logout").status_code == 200 else ""


def rename(app: Flask, name: str, email: str = EMAIL, **fields: object) -> None:
    """Change a name behind the portal's back, without a word of when."""
    with app.app_context():
        db = app.extensions["services"].db
        db.session.execute(sa.update(User).where(User.email == email).values(full_name=name, **fields))
        db.session.commit()


def copies(server: RedisServer) -> dict[bytes, bytes]:
    with redis.Redis.from_url(server.url) as client:
        return {key: client.get(key) for key in client.keys("session:*")}


def end_all(app: Flask) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.sessions.end_all(services.accounts.find(EMAIL).id, "test", NOBODY)
        services.db.commit()


def test_a_copy_serves_for_a_minute_and_falls_with_any_change_of_its_person(
    app: Flask, start: Callable[..., Flask], clock: Clock
) -> None:
    """Also in a process that has not seen it before."""
    _, cookie = logged_in(app)
    rename(app, "Renamed")
    other = start()
    assert "Ada" in page_of(app, cookie)
    assert "Ada" in page_of(other, cookie)
    rename(app, "Changed", updated_at=clock())
    clock.advance(seconds=1)
    rename(app, "Changed", updated_at=clock())
    for process in (app, other, start()):
        assert "Changed" in page_of(process, cookie)
    rename(app, "Once more")
    assert "Changed" in page_of(app, cookie)
    clock.advance(seconds=60)
    for process in (app, other, start()):
        assert "Once more" in page_of(process, cookie)


def said(app: Flask, cookie: str) -> tuple[str | None, str | None, frozenset[str]]:
    """The group, the role and the permissions of whoever has this cookie, as a process knows them."""
    with app.app_context():
        session = app.extensions["services"].sessions.resolve(cookie)
        assert session
        return session.subject.group_name, session.subject.role_name, frozenset(session.subject.permissions)


def test_what_changes_of_a_role_or_a_group_counts_at_once_in_every_process(
    app: Flask, start: Callable[..., Flask], clock: Clock
) -> None:
    """Though the copy is young and the person's row says nothing of it."""
    with app.app_context():
        services = app.extensions["services"]
        editor = services.roles.create("editor", ["manage:teams", "manage:apis"], NOBODY)
        lab = services.groups.create("Lab", "group", NOBODY)
        person = services.accounts.find(EMAIL).id
        services.standing.make(Placement(person, lab.id, editor.id, becomes_primary=True))
        services.db.commit()
    _, cookie = logged_in(app)
    other = start()
    for process in (app, other):
        assert said(process, cookie) == ("Lab", "editor", {"manage:teams", "manage:apis"})
    expected = ["Lab", "editor", frozenset({"manage:teams", "manage:apis"})]
    for change, place, value in (
        (RolePermissions(editor.id, remove=frozenset({"manage:apis"})), 2, frozenset({"manage:teams"})),
        (RoleName(editor.id, "writer"), 1, "writer"),
        (GroupName(lab.id, "Laboratory"), 0, "Laboratory"),
    ):
        with other.app_context():
            other.extensions["services"].standing.make(change)
            other.extensions["services"].db.commit()
        expected[place] = value
        for process in (app, other, start()):
            assert said(process, cookie) == tuple(expected)


def test_a_place_elsewhere_counts_at_once_as_well(app: Flask, start: Callable[..., Flask], clock: Clock) -> None:
    """It moves the person's row, and the session goes on."""
    _, cookie = logged_in(app)
    other = start()
    assert "Ada" in page_of(other, cookie)
    rename(app, "Renamed")
    clock.advance(seconds=1)
    with app.app_context():
        services = app.extensions["services"]
        lab = services.groups.create("Lab", "group", NOBODY)
        services.standing.make(Placement(services.accounts.find(EMAIL).id, lab.id))
        services.db.commit()
    for process in (app, other, start()):
        assert "Renamed" in page_of(process, cookie)


def test_a_copy_lives_a_minute_in_redis(server: RedisServer, app: Flask) -> None:
    logged_in(app)
    (key,) = copies(server)
    with redis.Redis.from_url(server.url) as client:
        assert 50 < client.ttl(key) <= 60


def test_nothing_in_redis_can_be_read(server: RedisServer, app: Flask) -> None:
    browser, cookie = logged_in(app)
    RelyingParty(browser, "web", add_client(app, "web")).tokens()
    with app.app_context():
        services = app.extensions["services"]
        user_id = services.accounts.find(EMAIL).id
        (session,) = services.sessions.page(user_id).items
    with redis.Redis.from_url(server.url) as client:
        kept = b"\n".join(key + b" " + (client.get(key) or b"") for key in client.keys("*"))
    assert b"session:" in kept
    for secret in (EMAIL, "Ada Lovelace", user_id, session.id, cookie, "MAX Platform"):
        assert secret.encode() not in kept


def test_a_copy_of_an_older_key_is_read_and_of_an_unknown_one_is_none(app: Flask, start: Callable[..., Flask]) -> None:
    _, cookie = logged_in(app)
    rename(app, "Renamed")
    old = app.extensions["services"].settings.secrets.encryption_keys
    new = Fernet.generate_key().decode()
    assert "Ada" in page_of(start(ENCRYPTION_KEYS=",".join([new, *old])), cookie)
    assert "Renamed" in page_of(start(ENCRYPTION_KEYS=new), cookie)


@pytest.mark.parametrize("content", [b"", b"x", b"\xff\xfe", b"gAAAAA", b"{}"])
def test_what_is_no_copy_is_none(server: RedisServer, app: Flask, start: Callable[..., Flask], content: bytes) -> None:
    _, cookie = logged_in(app)
    with redis.Redis.from_url(server.url) as client:
        for key in copies(server):
            client.set(key, content)
    assert "Ada" in page_of(start(), cookie)


def test_a_copy_under_another_key_makes_nobody_somebody_else(
    server: RedisServer, app: Flask, start: Callable[..., Flask]
) -> None:
    add_person(app, BOB)
    rename(app, "Bob", BOB)
    _, of_ada = logged_in(app)
    (ada,) = copies(server)
    _, of_bob = logged_in(app, BOB)
    (bob,) = set(copies(server)) - {ada}
    with redis.Redis.from_url(server.url) as client:
        first, second = client.get(ada), client.get(bob)
        client.set(ada, second, ex=60)
        client.set(bob, first, ex=60)
    other = start()
    assert (EMAIL in page_of(other, of_ada), BOB in page_of(other, of_ada)) == (True, False)
    assert (EMAIL in page_of(other, of_bob), BOB in page_of(other, of_bob)) == (False, True)


def test_a_flush_logs_nobody_out(server: RedisServer, app: Flask, start: Callable[..., Flask]) -> None:
    _, cookie = logged_in(app)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    assert "Ada" in page_of(app, cookie)
    assert "Ada" in page_of(start(), cookie)


def stopped(server: RedisServer) -> Callable[[], None]:
    server.stop()
    return server.start


def paused(server: RedisServer) -> Callable[[], None]:
    server.pause()
    return server.resume


def flushed(server: RedisServer) -> Callable[[], None]:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    return lambda: None


def restored(server: RedisServer) -> Callable[[], None]:
    with redis.Redis.from_url(server.url) as client:
        snapshot = {key: client.dump(key) for key in client.keys("*")}

    def restore() -> None:
        with redis.Redis.from_url(server.url) as client:
            client.flushall()
            for key, value in snapshot.items():
                client.restore(key, 600_000, value)

    return restore


@pytest.mark.parametrize("happen", [stopped, paused, flushed, restored])
def test_what_ended_stays_ended_whatever_happens_to_redis(
    server: RedisServer, app: Flask, start: Callable[..., Flask], happen: Callable[[RedisServer], Callable[[], None]]
) -> None:
    _, cookie = logged_in(app)
    other = start()
    assert "Ada" in page_of(other, cookie)
    recover = happen(server)
    try:
        end_all(app)
        assert [page_of(process, cookie) for process in (app, other)] == ["", ""]
    finally:
        recover()
    assert [page_of(process, cookie) for process in (app, other, start())] == ["", "", ""]


def test_a_disabled_person_stops_at_once_in_every_process(app: Flask, start: Callable[..., Flask]) -> None:
    """Though no session was ended."""
    _, cookie = logged_in(app)
    other = start()
    assert "Ada" in page_of(other, cookie)
    rename(app, "Ada", is_active=False)
    assert [page_of(process, cookie) for process in (app, other, start())] == ["", "", ""]


def test_an_old_value_of_the_cookie_is_dead_though_its_copy_lives(
    server: RedisServer, app: Flask, start: Callable[..., Flask]
) -> None:
    browser, old = logged_in(app)
    other = start()
    assert "Ada" in page_of(other, old)
    assert log_in(browser, path="/login?switch=1").status_code == 303
    assert copies(server)
    assert [page_of(process, old) for process in (app, other, start())] == ["", "", ""]


def test_times_are_those_of_the_row(app: Flask, start: Callable[..., Flask], clock: Clock) -> None:
    """A copy of a session that idled out is worth as little as the session."""
    _, cookie = logged_in(app)
    clock.advance(minutes=59, seconds=30)
    assert "Ada" in page_of(app, cookie)
    with app.app_context():
        db = app.extensions["services"].db
        db.session.execute(sa.text("UPDATE user_sessions SET last_used_at = created_at"))
        db.session.commit()
    clock.advance(seconds=30)
    assert [page_of(process, cookie) for process in (app, start())] == ["", ""]


def test_an_outage_costs_one_wait_and_one_warning(
    server: RedisServer, app: Flask, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    browser, _ = logged_in(app)
    server.pause()
    took = []
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            clock.advance(seconds=61)
            began = time.monotonic()
            assert browser.get("/logout").status_code == 200
            took.append(time.monotonic() - began)
    server.resume()
    # Each further wait would be of half a second.
    assert median(took) < 0.4
    assert [record.message for record in caplog.records if "store" in record.message] == ["store_unavailable"]


def test_without_redis_there_are_no_copies(make_app: Callable[..., Flask], url: str) -> None:
    app = make_app(url)
    add_person(app)
    browser, _ = logged_in(app)
    rename(app, "Renamed")
    assert "Renamed" in browser.get("/logout").text
    store = app.extensions["services"].settings.instance_path / "store.db"
    assert not store.exists() or b"session:" not in store.read_bytes()
