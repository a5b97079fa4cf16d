"""Taking and giving back, with the month's end, changes of plans and clocks that differ."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from app.errors import InvalidInput, NotFound
from app.models import User
from app.services.plans.quotas import KEPT, KeyInUse, QuotaExceeded, QuotaState
from tests.clock import Clock
from tests.relying_party import add_client, add_person

START = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
APP = "maxlab"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, open_database: Callable[..., str]) -> str:
    return open_database(request.param)


@pytest.fixture
def app(make_app: Callable[..., Flask], database: str, clock: Clock) -> Flask:
    clock.now = START
    return make_app(database)


@dataclass
class Person:
    """Somebody of whose quota applications take, each time in a transaction of its own."""

    app: Flask
    id: str

    @contextmanager
    def services(self) -> Iterator[Any]:
        with self.app.app_context():
            services = self.app.extensions["services"]
            try:
                yield services
                services.db.commit()
            except BaseException:
                services.db.rollback()
                raise

    def take(self, amount: int = 1, key: str | None = None, client_id: str = APP) -> QuotaState:
        with self.services() as services:
            answer: QuotaState = services.quotas.consume(self.id, amount, client_id=client_id, key=key).answer
            return answer

    def give_back(self, key: str, amount: int | None = None, client_id: str = APP) -> int:
        with self.services() as services:
            given: int = services.quotas.release(self.id, key, client_id=client_id, amount=amount)[1]
            return given

    @property
    def used(self) -> int:
        return self.state.used

    @property
    def state(self) -> QuotaState:
        with self.services() as services:
            state: QuotaState = services.quotas.read(self.id)
            return state

    def put(self, plan: str, **more: Any) -> None:
        with self.services() as services:
            services.administration.set_plan(self.id, plan, **more)

    def grant(self, **more: Any) -> str:
        with self.services() as services:
            return str(services.overrides.add(self.id, reason="a test", **more).id)


@pytest.fixture
def ada(app: Flask) -> Person:
    return Person(app, add_person(app))


def exceeded(person: Person, amount: int = 1, key: str | None = None) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as refused:
        person.take(amount, key)
    return refused.value


def test_all_or_nothing_is_taken_up_to_the_limit(ada: Person) -> None:
    assert ada.state == QuotaState("free", 100, 0, START, datetime(2026, 2, 28, 9, 0, tzinfo=UTC))
    assert ada.take(60).remaining == 40
    refusal = exceeded(ada, 41)
    assert str(refusal) == "Monthly quota exceeded. Upgrade to Pro plan for more."
    assert (refusal.state.used, refusal.state.remaining) == (60, 40)
    assert ada.take(40).remaining == 0
    exceeded(ada)
    assert ada.used == 100


def test_months_begin_on_the_day_of_the_first_one(ada: Person, clock: Clock) -> None:
    ada.take(100)
    for day in ("2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"):
        begins = datetime.fromisoformat(f"{day}T09:00:00+00:00")
        clock.now = begins - timedelta(microseconds=1)
        exceeded(ada)
        clock.now = begins
        assert (ada.used, ada.take(100).used, ada.state.began_at) == (0, 100, begins)
    clock.now = datetime(2027, 9, 3, tzinfo=UTC)
    assert ada.take(1).used == 1
    assert ada.state.began_at == datetime(2027, 8, 31, 9, 0, tzinfo=UTC)


def test_months_begin_with_the_plan_of_the_first_consumption_and_stay(ada: Person, clock: Clock) -> None:
    clock.now = START + timedelta(days=5)
    ada.put("pro")
    begun = clock.now
    assert (ada.state.began_at, ada.state.limit) == (begun, 1000)
    ada.take(200)
    clock.advance(days=3)
    # A change in the middle keeps what was used, and the day.
    ada.put("studio")
    assert (ada.used, ada.state.limit, ada.state.began_at) == (200, 5000, begun)
    ada.put("free")
    assert (ada.state.used, ada.state.limit, ada.state.remaining) == (200, 100, 0)
    exceeded(ada)
    ada.put("pro")
    assert ada.state.remaining == 800


def test_a_plan_that_ends_ends_by_itself(ada: Person, clock: Clock) -> None:
    ada.put("pro", status="cancelled", ends_at=clock.now + timedelta(days=7))
    assert ada.take(150).plan == "pro"
    clock.advance(days=7)
    refusal = exceeded(ada)
    assert (refusal.state.plan, refusal.state.limit, refusal.state.used) == ("free", 100, 150)


def test_what_is_no_plan_is_refused(ada: Person) -> None:
    for plan, status in (("golden", "active"), ("pro", "frozen"), ("pro", "cancelled")):
        with pytest.raises(InvalidInput):
            ada.put(plan, status=status)
    for year in (1, 1999, 3000, 9999):
        with pytest.raises(InvalidInput):
            ada.put("pro", ends_at=datetime(year, 12, 31, 23, 59, tzinfo=UTC))
    assert ada.state.plan == "free"


def test_overrides_give_a_plan_or_a_limit_for_a_while(ada: Person, clock: Clock) -> None:
    ada.grant(plan="studio", ends_at=clock.now + timedelta(days=2))
    ada.grant(monthly_limit=7, starts_at=clock.now + timedelta(days=1))
    assert (ada.state.plan, ada.state.limit) == ("studio", 5000)
    ada.take(5)
    clock.advance(days=1)
    assert (ada.state.plan, ada.state.limit, ada.state.remaining) == ("studio", 7, 2)
    # A larger plan would not help: what was granted counts whatever is bought.
    assert str(exceeded(ada, 3)) == "Monthly quota exceeded. It resets at the time in resets_at."
    clock.advance(days=1)
    assert (ada.state.plan, ada.state.limit) == ("free", 7)
    with ada.services() as services:
        services.overrides.end(ada.id)
    assert (ada.state.plan, ada.state.limit) == ("free", 100)
    with ada.services() as services, pytest.raises(NotFound):
        services.overrides.end(ada.id)


def test_what_is_no_override_is_refused(ada: Person) -> None:
    wrong: list[dict[str, Any]] = [
        {},
        {"plan": "golden"},
        {"monthly_limit": -1},
        {"monthly_limit": 2_000_000_000},
        {"plan": "pro", "ends_at": START},
        {"plan": "pro", "ends_at": datetime.max.replace(tzinfo=UTC)},
        {"plan": "pro", "starts_at": datetime.min.replace(tzinfo=UTC)},
        {"plan": "pro", "starts_at": START + timedelta(days=2), "ends_at": START + timedelta(days=1)},
        {"plan": "pro", "reason": "\u200b"},
        {"plan": "pro", "reason": "x" * 201},
    ]
    for each in wrong:
        with ada.services() as services, pytest.raises(InvalidInput):
            services.overrides.add(ada.id, **{"reason": "a test", **each})
    assert ada.state.plan == "free"


def test_there_are_not_ever_more_overrides(ada: Person, clock: Clock) -> None:
    for _ in range(20):
        ada.grant(plan="pro", ends_at=clock.now + timedelta(days=1))
    with pytest.raises(InvalidInput):
        ada.grant(plan="pro")
    clock.advance(days=1)
    ada.grant(plan="pro")


def test_without_a_limit_all_is_taken_and_counted(ada: Person) -> None:
    ada.put("enterprise")
    assert ada.take(1_000_000) == ada.state
    assert ada.take(1_000_000).used == 2_000_000
    assert (ada.state.limit, ada.state.remaining) == (None, None)


def test_where_there_is_no_larger_plan_it_says_what_is_true(ada: Person) -> None:
    ada.put("enterprise")
    with ada.services() as services:
        services.plans.set_limit("enterprise", 3)
    assert str(exceeded(ada, 4)) == "Monthly quota exceeded. It resets at the time in resets_at."
    # The next one up gives no more: the one above it does.
    ada.put("free")
    with ada.services() as services:
        services.plans.set_limit("pro", 100)
    assert str(exceeded(ada, 101)) == "Monthly quota exceeded. Upgrade to Studio plan for more."


def test_a_plan_that_is_not_known_gives_nothing(ada: Person) -> None:
    with ada.services() as services:
        services.db.session.execute(sa.update(User).where(User.id == ada.id).values(plan="platinum"))
    assert (ada.state.plan, ada.state.limit) == ("platinum", 0)
    exceeded(ada)


def test_a_key_takes_once_and_gets_the_same_answer_again(ada: Person, clock: Clock) -> None:
    first = ada.take(30, "job-1")
    ada.take(50)
    ada.put("pro")
    clock.advance(days=3)
    assert (ada.take(30, "job-1").used, ada.take(30, "job-1").limit) == (first.used, first.limit)
    assert ada.used == 80
    with pytest.raises(KeyInUse):
        ada.take(31, "job-1")
    assert ada.used == 80
    # It is one of that person and client.
    assert ada.take(10, "job-1", "maxllm").used == 90
    assert Person(ada.app, add_person(ada.app, "kim@example.com")).take(1, "job-1").used == 1


def test_a_key_gets_its_answer_again_when_nothing_is_left_and_in_the_next_month(ada: Person, clock: Clock) -> None:
    first = ada.take(100, "all")
    assert ada.take(100, "all") == first
    with pytest.raises(KeyInUse):
        ada.take(1, "all")
    clock.now = first.resets_at + timedelta(days=1)
    again = ada.take(100, "all")
    assert (again.used, again.resets_at) == (100, first.resets_at)
    assert ada.used == 0


def test_what_was_refused_is_not_remembered(ada: Person, clock: Clock) -> None:
    ada.take(100)
    exceeded(ada, 1, "later")
    clock.now = ada.state.resets_at
    assert ada.take(1, "later").used == 1


def test_what_was_taken_is_given_back_once(ada: Person) -> None:
    ada.take(30, "job-1")
    ada.take(20)
    assert (ada.give_back("job-1"), ada.used) == (30, 20)
    assert (ada.give_back("job-1"), ada.used) == (0, 20)
    # Else one amount would pay for any number of jobs.
    with pytest.raises(KeyInUse):
        ada.take(30, "job-1")
    assert ada.used == 20


def test_a_part_is_given_back_and_never_more_than_was_taken(ada: Person) -> None:
    ada.take(30, "job-1")
    with pytest.raises(InvalidInput):
        ada.give_back("job-1", 31)
    assert (ada.give_back("job-1", 10), ada.used) == (10, 20)
    assert (ada.give_back("job-1", 20), ada.used) == (0, 20)


def test_another_ones_key_is_as_unknown_as_one_that_never_was(ada: Person) -> None:
    ada.take(30, "job-1")
    kim = Person(ada.app, add_person(ada.app, "kim@example.com"))
    kim.take(5, "job-2")
    for person, key, client_id in ((kim, "job-1", APP), (ada, "never", APP), (ada, "job-1", "maxllm")):
        with pytest.raises(NotFound):
            person.give_back(key, client_id=client_id)
    assert (ada.used, kim.used) == (30, 5)


def test_nothing_is_given_back_of_a_month_that_is_over(ada: Person, clock: Clock) -> None:
    ada.take(30, "job-1")
    ada.take(30, "job-2")
    clock.now = ada.state.resets_at
    assert (ada.give_back("job-1"), ada.used) == (0, 0)
    ada.take(40)
    assert (ada.give_back("job-2"), ada.used) == (0, 40)


def test_nothing_is_given_back_of_what_was_set_back(ada: Person) -> None:
    ada.take(30, "job-1")
    with ada.services() as services:
        resets_at = services.quotas.reset(ada.id).resets_at
    assert (ada.used, ada.state.resets_at) == (0, resets_at)
    ada.take(10)
    assert (ada.give_back("job-1"), ada.used) == (0, 10)


def test_who_is_stopped_takes_nothing_and_nobody_neither(ada: Person) -> None:
    ada.take(5, "job-1")
    with ada.services() as services:
        services.administration.disable(ada.id)
    with pytest.raises(NotFound):
        ada.take(1)
    assert (ada.give_back("job-1"), ada.used) == (5, 0)
    with pytest.raises(NotFound):
        Person(ada.app, "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11").take(1)


def test_a_client_that_is_registered_anew_holds_none_of_the_keys(ada: Person) -> None:
    add_client(ada.app, "notes")
    ada.take(5, "job-1", "notes")
    with ada.services() as services:
        services.clients.delete("notes")
    add_client(ada.app, "notes")
    with pytest.raises(NotFound):
        ada.give_back("job-1", client_id="notes")
    with ada.services() as services:
        assert [(use.app, use.amount) for use in services.uses.page(ada.id).items] == [("", 5)]


def test_clocks_a_minute_apart_give_a_month_once(
    ada: Person, make_app: Callable[..., Flask], database: str, clock: Clock
) -> None:
    """Two nodes on one database, one of them a minute ahead: at the month's end the quota is not had twice."""
    late = Person(make_app(database), ada.id)
    ahead, behind = Clock(), clock
    ada.app.extensions["services"].quotas.clock = ahead
    late.app.extensions["services"].quotas.clock = behind
    ahead.now = behind.now + timedelta(minutes=1)
    late.take(100)
    exceeded(ada)
    behind.now = late.state.resets_at - timedelta(seconds=30)
    ahead.now = behind.now + timedelta(minutes=1)
    exceeded(late)
    assert ada.take(60).used == 60  # the new month has begun by this clock, and so for all
    assert late.take(40).used == 100
    exceeded(late)
    exceeded(ada)
    behind.advance(minutes=1)
    ahead.advance(minutes=1)
    exceeded(late)
    exceeded(ada)


def test_uses_are_told_in_parts_and_removed_after_two_months(ada: Person, clock: Clock) -> None:
    for number in range(7):
        clock.advance(seconds=number % 2)  # some at one moment
        ada.take(number + 1, f"job-{number}")
    ada.give_back("job-3", 2)
    found, after = [], None
    with ada.services() as services:
        while True:
            page = services.uses.page(ada.id, limit=3, after=after)
            found += [(use.app, use.amount, use.given_back) for use in page.items]
            if (after := page.next) is None:
                break
    assert sorted(amount for _, amount, _ in found) == [1, 2, 3, 4, 5, 6, 7]
    assert {app for app, _, _ in found} == {"MAX Lab"}
    assert [given for _, amount, given in found if amount == 4] == [2]
    clock.advance(days=KEPT.days - 1)
    with ada.services() as services:
        assert services.cleaning.run(pause=0)["quota_uses"] == 0
    clock.advance(days=1, seconds=10)
    with ada.services() as services:
        assert services.cleaning.run(pause=0)["quota_uses"] == 7
    with pytest.raises(NotFound):
        ada.give_back("job-3")


class Machine(RuleBasedStateMachine):
    """A model of a month beside the real one, under any order of events."""

    person: Person
    clock: Clock

    @initialize()
    def begin(self) -> None:
        with self.person.services() as services:
            services.quotas.reset(self.person.id)
        self.person.put("free")
        self.used, self.limit, self.keys = 0, 100, {}
        self.run = getattr(Machine, "runs", 0)
        Machine.runs = self.run + 1

    @rule(amount=st.sampled_from((1, 30, 70, 100, 101)), key=st.sampled_from((None, "a", "b", "c")))
    def take(self, amount: int, key: str | None) -> None:
        named = key and f"{self.run}-{key}"
        kept = self.keys.get(named) if named else None
        try:
            used = self.person.take(amount, named).used
        except KeyInUse:
            assert kept
            assert kept[0] != amount or kept[2]
            return
        except QuotaExceeded:
            assert not kept
            assert self.used + amount > self.limit
            assert self.person.used == self.used
            return
        if kept:
            assert (kept[0], kept[2]) == (amount, False)
            assert used == kept[1]
            return
        self.used += amount
        assert used == self.used <= self.limit
        if named:
            self.keys[named] = [amount, used, False, True]

    @rule(key=st.sampled_from(("a", "b", "c")), part=st.none() | st.integers(1, 40))
    def give_back(self, key: str, part: int | None) -> None:
        named = f"{self.run}-{key}"
        kept = self.keys.get(named)
        try:
            given = self.person.give_back(named, part)
        except NotFound:
            assert not kept
            return
        except InvalidInput:
            assert kept
            assert part
            assert part > kept[0]
            return
        expected = 0 if kept[2] or not kept[3] else (part or kept[0])
        assert given == expected
        kept[2] = True
        self.used -= given

    @rule(plan=st.sampled_from((("free", 100), ("pro", 1000))))
    def change(self, plan: tuple[str, int]) -> None:
        self.person.put(plan[0])
        self.limit = plan[1]

    @rule(days=st.sampled_from((1, 12, 31, 40)))
    def wait(self, days: int) -> None:
        resets_at = self.person.state.resets_at
        self.clock.advance(days=days)
        if self.clock.now >= resets_at:
            self.used = 0
            for kept in self.keys.values():
                kept[3] = False

    def teardown(self) -> None:
        if hasattr(self, "used"):
            state = self.person.state
            assert (state.used, state.limit) == (self.used, self.limit)
            assert state.remaining == max(self.limit - self.used, 0)


def test_any_order_of_events_comes_to_what_the_rules_say(ada: Person, clock: Clock) -> None:
    class Here(Machine):
        pass

    Machine.person, Machine.clock = ada, clock
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Here,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
