"""What the stores do when what they stand on fails: a Redis gone, hanging, full or read-only; a file that is none."""

import logging
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
import redis

from app.stores import Hit, KeyValueStore, StoreUnavailable, open_store
from app.stores.fallback import RETRY_SECONDS
from tests.servers import RedisServer, running

pytestmark = pytest.mark.timed

CALLS: list[Callable[[KeyValueStore], object]] = [
    lambda store: store.get("key"),
    lambda store: store.put("key", b"value", 60),
    lambda store: store.add("key", b"value", 60),
    lambda store: store.take("key"),
    lambda store: store.increment("key", 60),
    lambda store: store.take_back("key", Hit(1, time.monotonic() + 60, store)),
    lambda store: store.peek_ttl("key"),
    lambda store: store.delete("key"),
    lambda store: store.ping(),
]


@pytest.fixture(scope="module")
def _server() -> Iterator[RedisServer]:
    with running(RedisServer) as server:
        yield server


@pytest.fixture
def server(_server: RedisServer) -> Iterator[RedisServer]:
    """A Redis this module may break; each test gets it well."""
    yield _server
    _server.stop()
    _server.start()


@pytest.fixture
def both(server: RedisServer, tmp_path: Path) -> Iterator[KeyValueStore]:
    store = open_store(server.url, fallback=f"sqlite:///{tmp_path}/kv.db")
    yield store
    store.close()


@pytest.mark.parametrize("failure", ["stopped", "hanging"])
def test_a_redis_that_does_not_answer_is_refused_within_half_a_second(server: RedisServer, failure: str) -> None:
    store = open_store(server.url)
    store.ping()
    server.stop() if failure == "stopped" else server.pause()
    took = []
    for call in CALLS:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            call(store)
        took.append(time.monotonic() - began)
    assert median(took) < 0.6
    store.close()


@pytest.mark.parametrize("setting", ["full", "read-only"])
def test_a_redis_that_cannot_write_is_refused(server: RedisServer, setting: str) -> None:
    with redis.Redis.from_url(server.url) as admin:
        if setting == "full":
            admin.config_set("maxmemory", 1)
        else:
            admin.replicaof("127.0.0.1", "1")
    store = open_store(server.url)
    with pytest.raises(StoreUnavailable):
        store.put("key", b"value", 60)
    store.close()


def test_a_redis_that_came_back_answers_without_anything_being_reopened(server: RedisServer) -> None:
    store = open_store(server.url)
    store.increment("key", 60)
    server.stop()
    server.start()
    # Its scripts went with it.
    assert store.increment("key", 60) == 1
    store.close()


@pytest.mark.parametrize("failure", ["stopped", "hanging"])
def test_the_embedded_store_answers_during_an_outage(server: RedisServer, both: KeyValueStore, failure: str) -> None:
    server.stop() if failure == "stopped" else server.pause()
    began = time.monotonic()
    both.put("key", b"value", 60)
    assert both.get("key") == b"value"
    assert both.add("key", b"other", 60) is False
    assert [both.increment("counter", 60) for _ in range(3)] == [1, 2, 3]
    assert both.peek_ttl("counter") in {59, 60}
    assert both.take("key") == b"value"
    assert both.take("key") is None
    # One time-out for all of them, not one each.
    assert time.monotonic() - began < 3.5
    with pytest.raises(StoreUnavailable):
        both.ping()


def test_an_outage_is_reported_once_and_so_is_its_end(
    server: RedisServer, both: KeyValueStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.stop()
    for _ in range(5):
        both.get("key")
    time.sleep(RETRY_SECONDS + 0.1)
    both.get("key")
    server.start()
    time.sleep(RETRY_SECONDS + 0.1)
    for _ in range(5):
        both.get("key")
    assert [record.getMessage() for record in caplog.records] == ["store_unavailable", "store_recovered"]


def test_what_was_written_during_an_outage_holds_afterwards(server: RedisServer, both: KeyValueStore) -> None:
    server.stop()
    both.put("code", b"value", 60)
    assert both.add("replay mark", b"1", 60) is True
    server.start()
    time.sleep(RETRY_SECONDS + 0.1)
    assert both.add("replay mark", b"1", 60) is False
    assert both.take("code") == b"value"
    assert both.take("code") is None


def test_a_value_from_an_outage_never_shows_behind_a_newer_one(server: RedisServer, both: KeyValueStore) -> None:
    server.stop()
    both.put("key", b"old", 60)
    server.start()
    time.sleep(RETRY_SECONDS + 0.1)
    both.put("key", b"new", 60)
    assert both.take("key") == b"new"
    assert both.get("key") is None


@pytest.mark.parametrize("content", [b"not a database, but long enough to be looked at", None])
def test_a_file_that_is_no_store_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "kv.db"
    path.mkdir() if content is None else path.write_bytes(content * 100)
    store = open_store(f"sqlite:///{path}")
    for call in CALLS:
        with pytest.raises(StoreUnavailable):
            call(store)


def test_the_file_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/new/kv.db")
    store.put("key", b"value", 60)
    files = list((tmp_path / "new").iterdir())
    assert {file.name for file in files} == {"kv.db", "kv.db-wal", "kv.db-shm"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    store.close()


def test_expired_entries_do_not_pile_up_in_the_file(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/kv.db")
    for number in range(500):
        store.put(f"key{number}", b"value", 1)
    time.sleep(1.1)
    for _ in range(500):
        store.increment("counter", 60)
    assert store.sweep() == 0
    store.close()


def test_a_forked_process_opens_the_file_for_itself(tmp_path: Path) -> None:
    program = f"""
import os
from app.stores import open_store
store = open_store("sqlite:///{tmp_path}/kv.db")
store.increment("key", 60)
children = []
for _ in range(4):
    if (child := os.fork()) == 0:
        for _ in range(50):
            store.increment("key", 60)
        os._exit(0)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
print(store.increment("key", 60))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ))
    assert (done.stdout, done.stderr) == ("202\n", "")


@pytest.mark.parametrize("url", ["", "memory://", "sqlite://", "sqlite:///", "http://user:secret@host/", "kv.db"])
def test_an_unknown_kind_of_store_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="A store URL starts with") as refusal:
        open_store(url)
    assert "secret" not in str(refusal.value)


def test_a_hit_is_taken_back_where_it_was_counted(server: RedisServer, both: KeyValueStore) -> None:
    before = both.count("key", 60)
    assert both.count("key", 60).number == 2
    server.stop()
    meanwhile = both.count("key", 60)
    assert both.count("key", 60).number == 2
    both.take_back("key", before)  # Redis is away: it stays counted there, and nothing is taken from the file
    assert both.count("key", 60).number == 3
    server.start()
    time.sleep(RETRY_SECONDS + 0.1)
    both.put("found", b"again", 60)
    fresh = both.count("key", 60)
    both.take_back("key", meanwhile)
    assert both.count("key", 60).number == fresh.number + 1
