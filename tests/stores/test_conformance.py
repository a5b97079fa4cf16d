"""One suite for every store: what app/stores promises holds for Redis, for the SQLite file and for both together."""

import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from app.stores import KeyValueStore, open_store
from tests import warm

THREADS = 8
PROCESSES = 4
ROUNDS = 25

starting_line: Barrier


@pytest.fixture(params=["redis", "sqlite", "redis with fallback"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str | None]:
    """The arguments of open_store for each adapter."""
    file = f"sqlite:///{tmp_path}/kv.db"
    if request.param == "sqlite":
        return file, None
    redis_url: str = request.getfixturevalue("redis_url")
    return redis_url, file if "fallback" in request.param else None


@pytest.fixture
def store(urls: tuple[str, str | None]) -> Iterator[KeyValueStore]:
    opened = open_store(*urls)
    yield opened
    opened.close()


def test_a_missing_key_has_no_value(store: KeyValueStore) -> None:
    assert store.get("absent") is None
    assert store.take("absent") is None
    assert store.peek_ttl("absent") is None
    store.delete("absent")


@pytest.mark.parametrize("value", [b"", b"\x00\xff\r\n", "한글".encode(), b"7", b"x" * 1_000_000])
def test_bytes_come_back_as_they_were_put(store: KeyValueStore, value: bytes) -> None:
    store.put("키:with spaces\n", value, 60)
    assert store.get("키:with spaces\n") == value


def test_put_replaces_value_and_time_to_live(store: KeyValueStore) -> None:
    store.put("key", b"old", 1000)
    store.put("key", b"new", 10)
    assert store.get("key") == b"new"
    assert store.peek_ttl("key") in {9, 10}


def test_a_deleted_value_is_gone(store: KeyValueStore) -> None:
    store.put("key", b"value", 60)
    store.delete("key")
    assert store.get("key") is None


def test_add_never_replaces(store: KeyValueStore) -> None:
    assert store.add("key", b"first", 60) is True
    assert store.add("key", b"second", 60) is False
    assert store.get("key") == b"first"


def test_take_gives_a_value_once(store: KeyValueStore) -> None:
    store.put("key", b"value", 60)
    assert store.take("key") == b"value"
    assert store.take("key") is None
    assert store.get("key") is None


def test_the_first_hit_alone_sets_the_window_of_a_counter(store: KeyValueStore) -> None:
    assert [store.increment("key", 10), store.increment("key", 5000), store.increment("key", 1)] == [1, 2, 3]
    assert store.peek_ttl("key") in {9, 10}
    assert store.get("key") == b"3"


def test_an_expired_entry_is_as_good_as_absent(store: KeyValueStore) -> None:
    for key in ("got", "taken", "added"):
        store.put(key, b"old", 1)
    store.increment("counted", 1)
    store.increment("counted", 1)
    time.sleep(1.1)
    assert store.get("got") is None
    assert store.peek_ttl("got") is None
    assert store.take("taken") is None
    assert store.add("added", b"new", 60) is True
    assert store.increment("counted", 60) == 1
    assert store.peek_ttl("counted") in {59, 60}


def test_sweeping_leaves_what_lives(store: KeyValueStore) -> None:
    store.put("lives", b"value", 60)
    store.put("dies", b"value", 1)
    time.sleep(1.1)
    assert store.sweep() in {0, 1}
    assert store.sweep() == 0
    assert store.get("lives") == b"value"


@pytest.mark.parametrize("ttl", [0, -1])
def test_a_time_to_live_below_one_second_is_refused(store: KeyValueStore, ttl: int) -> None:
    for write in (
        lambda: store.put("key", b"value", ttl),
        lambda: store.add("key", b"value", ttl),
        lambda: store.increment("key", ttl),
    ):
        with pytest.raises(ValueError, match="at least one second"):
            write()


def test_a_closed_store_opens_again(store: KeyValueStore) -> None:
    store.put("key", b"value", 60)
    store.close()
    store.ping()
    assert store.get("key") == b"value"


@pytest.mark.parametrize("step", ["add", "take"])
def test_one_of_many_threads_wins(store: KeyValueStore, step: str) -> None:
    def run(number: int) -> bool:
        return store.add(f"key{number}", b"value", 60) if step == "add" else store.take(f"key{number}") is not None

    for number in range(ROUNDS):
        if step == "take":
            store.put(f"key{number}", b"value", 60)
        assert sorted(in_threads(run, number)) == [False] * (THREADS - 1) + [True]


def test_no_hit_of_many_threads_is_lost(store: KeyValueStore) -> None:
    hits = [hit for _ in range(ROUNDS) for hit in in_threads(lambda _: store.increment("key", 60), 0)]
    assert sorted(hits) == list(range(1, THREADS * ROUNDS + 1))


def test_one_of_many_processes_wins_and_no_hit_is_lost(urls: tuple[str, str | None], store: KeyValueStore) -> None:
    for number in range(ROUNDS):
        store.put(f"taken{number}", b"value", 60)
    # Nothing is inherited, as with workers that were started separately.
    processes = warm.context()
    with processes.Pool(PROCESSES, initializer=meet_at, initargs=(processes.Barrier(PROCESSES),)) as pool:
        outcomes = pool.map(contend, [urls] * PROCESSES, chunksize=1)
        pool.close()
        pool.join()
    assert sum(added for added, _, _ in outcomes) == ROUNDS
    assert sum(taken for _, taken, _ in outcomes) == ROUNDS
    assert sorted(hit for _, _, hits in outcomes for hit in hits) == list(range(1, PROCESSES * ROUNDS + 1))


def meet_at(barrier: Barrier) -> None:
    """Give a process of the race the point where all of them start together."""
    global starting_line
    starting_line = barrier


def contend(urls: tuple[str, str | None]) -> tuple[int, int, list[int]]:
    """One process of the race: how many keys it added and took, and the counts it saw."""
    store = open_store(*urls)
    starting_line.wait(60)
    added = sum(store.add(f"added{number}", b"value", 60) for number in range(ROUNDS))
    taken = sum(store.take(f"taken{number}") is not None for number in range(ROUNDS))
    hits = [store.increment("counted", 60) for _ in range(ROUNDS)]
    store.close()
    return added, taken, hits


def in_threads(run: Callable[[int], Any], number: int) -> list[Any]:
    """What eight threads that start together get from one call."""
    barrier = threading.Barrier(THREADS)
    results: list[Any] = []

    def work() -> None:
        barrier.wait()
        results.append(run(number))

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_hit_is_taken_back_and_no_other(store: KeyValueStore) -> None:
    hits = [store.count("key", 10) for _ in range(3)]
    assert [hit.number for hit in hits] == [1, 2, 3]
    store.take_back("key", hits[0])
    assert (store.get("key"), store.peek_ttl("key") in {9, 10}) == (b"2", True)
    store.take_back("other", hits[1])
    assert (store.get("key"), store.get("other")) == (b"2", None)
    assert store.increment("key", 10) == 3


def test_a_hit_of_a_window_that_is_over_is_not_taken_from_the_next(store: KeyValueStore) -> None:
    hit = store.count("key", 1)
    time.sleep(1.1)
    store.take_back("key", hit)
    assert store.get("key") is None
    store.increment("key", 60)
    store.take_back("key", hit)
    assert store.get("key") == b"1"


def test_a_hit_that_was_forgotten_is_not_taken_from_those_that_came_after(store: KeyValueStore) -> None:
    hit = store.count("key", 10)
    store.delete("key")
    time.sleep(0.05)
    store.increment("key", 10)
    store.take_back("key", hit)
    assert store.get("key") == b"1"


def test_no_count_goes_below_nothing(store: KeyValueStore) -> None:
    hit = store.count("key", 10)
    for _ in range(3):
        store.take_back("key", hit)
    assert store.get("key") == b"0"
    assert store.increment("key", 10) == 1


def test_of_many_threads_each_takes_its_own_back(store: KeyValueStore) -> None:
    store.count("key", 60)

    def run(_: int) -> None:
        store.take_back("key", store.count("key", 60))

    for number in range(ROUNDS):
        in_threads(run, number)
    assert store.get("key") == b"1"
