"""Rate limits: what passes, what is refused, for how long, and for whom."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.errors import TooManyAttempts, Unavailable
from app.services.foundation.rate_limits import RateLimiter, parse_limit
from app.stores import KeyValueStore, open_store


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    url = f"sqlite:///{tmp_path}/kv.db" if request.param == "sqlite" else request.getfixturevalue("redis_url")
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def limiter(store: KeyValueStore) -> RateLimiter:
    return RateLimiter(store)


@pytest.fixture
def broken(tmp_path: Path) -> RateLimiter:
    """A limiter whose store can neither read nor write."""
    (tmp_path / "broken.db").mkdir()
    return RateLimiter(open_store(f"sqlite:///{tmp_path}/broken.db"))


def passes(attempt: Callable[[], None]) -> bool:
    try:
        attempt()
    except TooManyAttempts:
        return False
    return True


def test_exactly_the_limit_passes(limiter: RateLimiter) -> None:
    outcomes = [passes(lambda: limiter.hit("login", "5/minute", "a@example.com")) for _ in range(8)]
    assert outcomes == [True] * 5 + [False] * 3


def test_a_refusal_says_how_many_seconds_are_left(limiter: RateLimiter) -> None:
    limiter.hit("login", "1/minute", "a@example.com")
    with pytest.raises(TooManyAttempts) as refusal:
        limiter.hit("login", "1/minute", "a@example.com")
    assert refusal.value.retry_after in {59, 60}


def test_a_new_window_opens_when_the_old_one_has_ended_and_refusals_do_not_prolong_it(limiter: RateLimiter) -> None:
    limiter.hit("login", "1/second", "a@example.com")
    time.sleep(0.6)
    assert not passes(lambda: limiter.hit("login", "1/second", "a@example.com"))
    time.sleep(0.6)
    assert passes(lambda: limiter.hit("login", "1/second", "a@example.com"))


@pytest.mark.parametrize(
    ("name", "identifiers"),
    [
        ("login", ("b@example.com", "192.0.2.1")),
        ("login", ("a@example.com", "192.0.2.2")),
        ("login", ("a@example.com",)),
        ("login", ("a@example.com1", "92.0.2.1")),
        ("login", ()),
        ("register", ("a@example.com", "192.0.2.1")),
    ],
)
def test_everyone_and_everything_has_a_count_of_its_own(
    limiter: RateLimiter, name: str, identifiers: tuple[str, ...]
) -> None:
    limiter.hit("login", "1/minute", "a@example.com", "192.0.2.1")
    assert passes(lambda: limiter.hit(name, "1/minute", *identifiers))


def test_checking_does_not_count(limiter: RateLimiter) -> None:
    for _ in range(3):
        limiter.check("login", "2/minute", "a@example.com")
    limiter.hit("login", "2/minute", "a@example.com")
    limiter.check("login", "2/minute", "a@example.com")
    limiter.hit("login", "2/minute", "a@example.com")
    with pytest.raises(TooManyAttempts) as refusal:
        limiter.check("login", "2/minute", "a@example.com")
    assert refusal.value.retry_after in {59, 60}


def test_clearing_forgets_one_count_and_no_other(limiter: RateLimiter) -> None:
    for who in ("a@example.com", "b@example.com"):
        limiter.hit("login", "1/minute", who)
    limiter.clear("login", "a@example.com")
    assert passes(lambda: limiter.hit("login", "1/minute", "a@example.com"))
    assert not passes(lambda: limiter.hit("login", "1/minute", "b@example.com"))


def test_giving_back_is_for_one_attempt_and_no_other(limiter: RateLimiter) -> None:
    for who in ("a", "b"):
        first = limiter.hit("login", "2/minute", who)
        assert passes(lambda: limiter.hit("login", "2/minute", who))  # noqa: B023
        assert not passes(lambda: limiter.hit("login", "3/minute", who) and limiter.hit("login", "2/minute", who))  # noqa: B023
        assert first is not None
        if who == "a":
            limiter.give_back(first)
    limiter.check("login", "4/minute", "a")
    with pytest.raises(TooManyAttempts):
        limiter.check("login", "4/minute", "b")


def test_nothing_is_given_back_where_no_store_answers(
    broken: RateLimiter, store: KeyValueStore, caplog: pytest.LogCaptureFixture
) -> None:
    counted = RateLimiter(store).hit("login", "2/minute", "a")
    assert counted is not None
    broken.give_back(counted)
    assert [record.getMessage() for record in caplog.records] == ["rate_limit_not_given_back"]


@pytest.mark.parametrize("limit", ["", "none", " none "])
def test_no_limit_lets_everything_pass(limiter: RateLimiter, limit: str) -> None:
    for _ in range(200):
        limiter.hit("token", limit, "client")
    limiter.check("token", limit, "client")


def test_a_limit_of_zero_lets_nothing_pass(limiter: RateLimiter) -> None:
    assert not passes(lambda: limiter.hit("login", "0/minute", "a@example.com"))
    assert not passes(lambda: limiter.check("login", "0/minute", "b@example.com"))


def test_limits_can_be_turned_off(store: KeyValueStore) -> None:
    limiter = RateLimiter(store, enabled=False)
    for _ in range(10):
        limiter.hit("login", "1/minute", "a@example.com")
    limiter.check("login", "0/minute", "a@example.com")


def test_two_workers_share_one_count(store: KeyValueStore) -> None:
    workers = [RateLimiter(store), RateLimiter(store)]
    outcomes = [passes(lambda: workers[turn % 2].hit("login", "5/minute", "a")) for turn in range(8)]  # noqa: B023
    assert outcomes == [True] * 5 + [False] * 3


def test_simultaneous_attempts_do_not_slip_through(limiter: RateLimiter) -> None:
    outcomes: list[bool] = []
    barrier = threading.Barrier(20)

    def attempt() -> None:
        barrier.wait()
        outcomes.append(passes(lambda: limiter.hit("login", "5/minute", "a@example.com")))

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcomes) == 5


def test_nothing_is_tried_uncounted_when_no_store_answers(broken: RateLimiter) -> None:
    with pytest.raises(Unavailable):
        broken.hit("login", "5/minute", "a@example.com")
    with pytest.raises(Unavailable):
        broken.check("login", "5/minute", "a@example.com")
    broken.clear("login", "a@example.com")


def test_pages_stay_readable_when_no_store_answers(broken: RateLimiter, caplog: pytest.LogCaptureFixture) -> None:
    broken.hit("default", "100/minute", "192.0.2.1", must_count=False)
    assert [record.getMessage() for record in caplog.records] == ["rate_limit_not_counted"]


@pytest.mark.parametrize(
    ("limit", "amount", "seconds"),
    [("5/minute", 5, 60), ("100 per hour", 100, 3600), ("3/10 minutes", 3, 600), ("1/second", 1, 1)],
)
def test_the_notation_of_the_settings_is_understood(limit: str, amount: int, seconds: int) -> None:
    rule = parse_limit(limit)
    assert rule is not None
    assert (rule.amount, rule.get_expiry()) == (amount, seconds)


@pytest.mark.parametrize("limit", ["5/minute;100/hour", "5/minute,100/hour", "many", "5/fortnight", "-1/minute", "5"])
def test_anything_but_one_rule_is_refused(limit: str) -> None:
    with pytest.raises(ValueError, match=r"rate limit|granularity"):
        parse_limit(limit)


def test_no_identifier_is_kept_in_the_clear(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/kv.db")
    RateLimiter(store).hit("login", "5/minute", "a@example.com", "192.0.2.1")
    store.close()
    kept = (tmp_path / "kv.db").read_bytes()
    assert b"rate:login:" in kept
    assert b"example" not in kept
    assert b"192.0.2" not in kept
