"""Notices of the payment provider: what they say, and that any order of them comes to the same."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.models import AuditLog, BillingEvent, BillingSubscription, User
from app.services.foundation.environment import NOBODY
from app.services.plans.billing import Subscription
from app.services.plans.billing_notices import read
from tests.clock import Clock
from tests.relying_party import add_person
from tests.services.plans.notices import PLANS, PRO_YEARLY, SECRET, STUDIO, body_of, notice

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
STANDING = ("plan", "plan_status", "plan_ends_at", "billing_customer_id", "billing_subscription_id")


@pytest.fixture(params=["sqlite", "postgresql"])
def app(
    request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str], clock: Clock
) -> Flask:
    clock.now = NOW
    return make_app(open_database(request.param), BILLING_WEBHOOK_SECRET=SECRET, BILLING_PLANS=PLANS)


@pytest.fixture
def ada(app: Flask) -> str:
    return add_person(app)


def tell(app: Flask, payload: dict[str, Any]) -> str:
    """What becomes of a notice."""
    with app.app_context():
        services = app.extensions["services"]
        outcome: str = services.billing.receive(body_of(payload), NOBODY)
        services.db.commit()
        return outcome


def standing(app: Flask, user_id: str) -> tuple[Any, ...]:
    with app.app_context():
        query = sa.select(*(getattr(User, name) for name in STANDING)).where(User.id == user_id)
        return tuple(app.extensions["services"].db.session.execute(query).one())


def counting(app: Flask, user_id: str) -> str:
    with app.app_context():
        return str(app.extensions["services"].quotas.read(user_id).plan)


def audited(app: Flask) -> list[tuple[str, str | None, str | None]]:
    with app.app_context():
        query = sa.select(AuditLog.action, AuditLog.user_id, AuditLog.error_code).where(
            AuditLog.action.in_(("account:plan:billed", "billing:ignored"))
        )
        return [tuple(row) for row in app.extensions["services"].db.session.execute(query)]


def test_a_life_of_a_subscription(app: Flask, ada: str, clock: Clock) -> None:
    def say(**more: Any) -> str:
        return tell(app, notice(ada, clock.now, began_at=NOW, **more))

    assert say(name="subscription_created", renews_at=NOW + 30 * DAY) == "applied"
    assert standing(app, ada) == ("pro", "active", NOW + 33 * DAY, "7", "1")
    clock.advance(days=3)
    assert say(variant=STUDIO) == "applied"
    assert standing(app, ada)[:3] == ("studio", "active", None)
    end = NOW + 30 * DAY
    clock.advance(days=3)
    assert say(name="subscription_cancelled", variant=STUDIO, status="cancelled", ends_at=end) == "applied"
    assert standing(app, ada)[:3] == ("studio", "cancelled", end)
    assert counting(app, ada) == "studio"
    clock.now = end
    assert counting(app, ada) == "free"
    clock.advance(minutes=2)
    assert say(name="subscription_expired", variant=STUDIO, status="expired", ends_at=end) == "applied"
    assert standing(app, ada)[:3] == ("studio", "expired", end)
    assert audited(app) == [("account:plan:billed", ada, None)] * 4


@pytest.mark.parametrize(
    ("status", "more", "expected"),
    [
        ("on_trial", {}, ("active", None)),
        ("past_due", {}, ("active", None)),
        ("active", {"ends_at": NOW + DAY}, ("active", None)),  # was cancelled and resumed
        ("cancelled", {"renews_at": NOW + DAY}, ("cancelled", NOW + DAY)),
        ("cancelled", {}, ("cancelled", NOW)),
        ("unpaid", {}, ("expired", NOW)),
        ("expired", {"ends_at": NOW - DAY}, ("expired", NOW - DAY)),
        ("paused", {"pause": {"mode": "void", "resumes_at": None}}, ("expired", NOW)),
        ("paused", {"pause": {"mode": "free", "resumes_at": None}}, ("active", None)),
        ("paused", {}, ("expired", NOW)),
        ("dunning", {}, (None, None)),
    ],
)
def test_what_a_status_means(status: str, more: dict[str, Any], expected: tuple[str | None, datetime | None]) -> None:
    told = read(notice("x", NOW, status=status, **more))
    assert (told.status, told.ends_at) == expected


def without(path: str, value: Any = ...) -> dict[str, Any]:
    payload = notice("7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11", NOW)
    *places, name = path.split(".")
    part: Any = payload
    for place in places:
        part = part[place]
    if value is ...:
        del part[name]
    else:
        part[name] = value
    return payload


@pytest.mark.parametrize(
    "payload",
    [
        *(without(path) for path in ("meta", "data", "data.id", "data.attributes", "meta.event_name", "data.type")),
        *(without(f"data.attributes.{name}") for name in ("status", "variant_id", "customer_id", "updated_at")),
        without("meta.event_name", 7),
        without("meta.event_name", "subscription_" + "x" * 80),
        without("data.type", "orders"),
        without("data.id", "1 OR 1=1"),
        without("data.id", "x" * 65),
        without("data.id", True),
        without("data.attributes.customer_id", -1),
        without("data.attributes.customer_id", 1.5),
        without("data.attributes.variant_id", 1 << 70),
        without("data.attributes.status", None),
        without("data.attributes.updated_at", "yesterday"),
        without("data.attributes.updated_at", "2026-11-30T12:00:00"),
        without("data.attributes.updated_at", "0001-01-01T00:00:00+14:00"),
        without("data.attributes.updated_at", "1999-12-31T23:59:59Z"),
        without("data.attributes.created_at", "9999-12-31T23:59:59.000000Z"),
        without("data.attributes.ends_at", "9999-12-31T23:59:59.000000Z"),
        without("data.attributes.ends_at", 5),
    ],
)
def test_what_is_no_notice(payload: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^\w+$"):
        read(payload)


@pytest.mark.parametrize("custom", [None, "", [], {}, "x", {"user": "x"}])
def test_a_checkout_that_names_nobody(custom: Any) -> None:
    assert read(without("meta.custom_data", custom)).user_id is None


@pytest.mark.parametrize("named", [7, None, "", "ada", ["x"], {"a": 1}, "x" * 500])
def test_a_checkout_that_names_what_is_no_id(named: Any) -> None:
    assert read(without("meta.custom_data", {"user_id": named})).user_id == ""


END = NOW + 9 * DAY
LIFE: list[dict[str, Any]] = [
    {"changed_at": NOW, "name": "subscription_created"},
    {"changed_at": NOW + DAY, "variant": STUDIO},
    {"changed_at": NOW + 2 * DAY, "name": "subscription_cancelled", "status": "cancelled", "ends_at": END},
    {"changed_at": NOW + 2 * DAY, "status": "active"},
    {"changed_at": END, "name": "subscription_expired", "status": "expired", "ends_at": END},
]


def test_any_order_of_notices_comes_to_the_same(app: Flask) -> None:
    """The life of a subscription in several orders, with repeats; two notices of one moment are in it."""
    for number, order in enumerate(([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [3, 2, 4, 0, 2, 1, 4], [1, 1, 3, 4, 0, 2])):
        user_id = add_person(app, f"p{number}@example.com")
        named = {"subscription": str(100 + number), "customer": 100 + number}
        said = [tell(app, notice(user_id, **LIFE[each], **named)) for each in order]
        assert set(said) <= {"applied", "outdated", "repeated"}
        assert standing(app, user_id)[:3] == ("pro", "expired", END), order


MOMENTS = st.sampled_from([NOW + step * DAY for step in range(4)])
TOLD = st.builds(
    Subscription,
    id=st.just("1"),
    customer_id=st.sampled_from(("7", "8")),
    plan=st.sampled_from(("pro", "studio")),
    status=st.sampled_from(("active", "cancelled", "expired")),
    began_at=st.just(NOW),
    renews_at=st.none() | MOMENTS,
    ends_at=st.none() | MOMENTS,
    changed_at=MOMENTS,
)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(told=st.lists(TOLD, min_size=1, max_size=6), order=st.randoms(use_true_random=False))
def test_the_latest_is_the_same_in_any_order(told: list[Subscription], order: random.Random) -> None:
    def last(arriving: list[Subscription]) -> Subscription:
        kept = arriving[0]
        for each in arriving[1:]:
            kept = each if each.is_later_than(kept) else kept
        return kept

    shuffled = told + order.sample(told, len(told) // 2)
    order.shuffle(shuffled)
    assert last(shuffled) == last(told)
    assert not last(told).is_later_than(last(told))


def test_of_one_moment_the_nearer_to_the_end_counts(app: Flask, ada: str) -> None:
    lee = add_person(app, "lee@example.com")
    two = [{"status": "active"}, {"status": "cancelled", "ends_at": NOW + DAY}]
    for more in two:
        tell(app, notice(ada, NOW, **more))
    for more in reversed(two):
        tell(app, notice(lee, NOW, subscription="2", customer=8, **more))
    assert standing(app, ada)[:3] == standing(app, lee)[:3] == ("pro", "cancelled", NOW + DAY)


def test_a_notice_is_dealt_with_once(app: Flask, ada: str, clock: Clock) -> None:
    payload = notice(ada, NOW)
    assert [tell(app, payload) for _ in range(3)] == ["applied", "repeated", "repeated"]
    assert tell(app, {**payload, "again": 1}) == "outdated"
    assert len(audited(app)) == 1
    with app.app_context():
        services = app.extensions["services"]
        kept = services.db.session.execute(sa.select(BillingEvent.name, BillingEvent.outcome)).all()
        assert sorted(map(tuple, kept)) == [("subscription_updated", "applied"), ("subscription_updated", "outdated")]
        clock.advance(days=91)
        assert services.cleaning.run(pause=0)["billing_events"] == 2


def test_what_renews_only_is_no_change_of_plan(app: Flask, ada: str) -> None:
    tell(app, notice(ada, NOW, renews_at=NOW + 30 * DAY))
    assert tell(app, notice(ada, NOW + 30 * DAY, renews_at=NOW + 60 * DAY)) == "applied"
    assert len(audited(app)) == 1
    with app.app_context():
        assert app.extensions["services"].standings.of(ada).renews_at == NOW + 60 * DAY


@pytest.mark.parametrize(
    ("more", "days"),
    [
        ({"renews_at": NOW + 30 * DAY}, 33),
        ({"renews_at": NOW + 30 * DAY, "status": "on_trial"}, 33),
        ({"renews_at": NOW + DAY, "status": "past_due"}, 4),  # the next attempt
        ({"renews_at": NOW - 4 * DAY}, -1),
        ({}, None),
        ({"renews_at": NOW + 30 * DAY, "status": "paused", "pause": {"mode": "free", "resumes_at": None}}, None),
        ({"renews_at": NOW + 30 * DAY, "status": "cancelled", "ends_at": NOW + 30 * DAY}, 30),
    ],
)
def test_without_a_notice_a_plan_ends_some_days_after_it_should_have_renewed(
    app: Flask, ada: str, clock: Clock, more: dict[str, Any], days: int | None
) -> None:
    assert tell(app, notice(ada, NOW, **more)) == "applied"
    assert standing(app, ada)[2] == (None if days is None else NOW + days * DAY)
    if days is None or days < 0:
        assert counting(app, ada) == ("pro" if days is None else "free")
        return
    clock.now = NOW + days * DAY - timedelta(seconds=1)
    assert counting(app, ada) == "pro"
    clock.now = NOW + days * DAY
    assert counting(app, ada) == "free"
    # It was late, and comes after all.
    assert tell(app, notice(ada, clock.now, renews_at=clock.now + 30 * DAY)) == "applied"
    assert counting(app, ada) == "pro"


def test_a_lost_end_leads_to_another_subscription_and_what_older_code_left_open_ends(
    app: Flask, ada: str, clock: Clock
) -> None:
    tell(app, notice(ada, NOW, variant=STUDIO, renews_at=NOW + DAY))
    tell(app, notice(ada, NOW, subscription="2", renews_at=NOW + 30 * DAY))
    with app.app_context():
        services = app.extensions["services"]
        services.db.session.execute(sa.update(User).where(User.id == ada).values(plan_ends_at=None))
        services.db.commit()
        clock.now = NOW + 3 * DAY
        assert services.billing.settle() == 0
        clock.now = NOW + 4 * DAY
        assert services.billing.settle() == 1
    assert standing(app, ada) == ("pro", "active", NOW + 33 * DAY, "7", "2")
    clock.now = NOW + 33 * DAY
    with app.app_context():
        assert app.extensions["services"].billing.settle() == 0
    assert counting(app, ada) == "free"


def test_by_a_clock_that_is_ahead_a_plan_begins_now(app: Flask, ada: str) -> None:
    tell(app, notice(ada, NOW, began_at=NOW + 400 * DAY))
    with app.app_context():
        services = app.extensions["services"]
        assert services.standings.of(ada).started_at == services.quotas.read(ada).began_at == NOW


def test_of_several_subscriptions_the_best_counts_and_the_end_of_one_leads_back(app: Flask, ada: str) -> None:
    tell(app, notice(ada, NOW))
    tell(app, notice(ada, NOW, subscription="2", customer=8, variant=STUDIO))
    assert standing(app, ada) == ("studio", "active", None, "8", "2")
    # Whoever pays chooses for whom: what a stranger bought and ended takes nothing away.
    tell(app, notice(ada, NOW + DAY, subscription="2", customer=8, variant=STUDIO, status="expired"))
    assert standing(app, ada) == ("pro", "active", None, "7", "1")
    tell(app, notice(ada, NOW, subscription="3", customer=9, variant=PRO_YEARLY, status="expired"))
    assert standing(app, ada) == ("pro", "active", None, "7", "1")
    tell(app, notice(ada, NOW + 2 * DAY, status="expired"))
    assert standing(app, ada) == ("pro", "expired", NOW + 2 * DAY, "7", "1")


def test_at_the_end_of_one_the_other_counts_though_nothing_is_told(app: Flask, ada: str, clock: Clock) -> None:
    tell(app, notice(ada, NOW))
    tell(app, notice(ada, NOW, subscription="2", variant=STUDIO, status="cancelled", ends_at=NOW + DAY))
    assert counting(app, ada) == "studio"
    clock.advance(days=1)
    with app.app_context():
        assert app.extensions["services"].billing.settle() == 1
        assert app.extensions["services"].billing.settle() == 0
    assert counting(app, ada) == "pro"


def test_what_an_operator_set_for_a_while_leads_back_to_what_is_paid_for(app: Flask, ada: str, clock: Clock) -> None:
    tell(app, notice(ada, NOW))
    with app.app_context():
        services = app.extensions["services"]
        services.administration.set_plan(ada, "enterprise", ends_at=NOW + DAY)
        services.db.commit()
        assert services.billing.settle() == 0
        clock.advance(days=1)
        assert (services.billing.settle(), services.billing.settle()) == (1, 0)
    assert standing(app, ada) == ("pro", "active", None, "7", "1")


def test_what_an_operator_set_stays_while_no_subscription_gives_more(app: Flask, ada: str) -> None:
    def put(plan: str) -> bool:
        with app.app_context():
            services = app.extensions["services"]
            followed: bool = services.administration.set_plan(ada, plan)
            services.db.commit()
            return followed

    assert put("studio") is False
    tell(app, notice(ada, NOW))
    assert standing(app, ada) == ("studio", "active", None, None, None)
    assert put("free") is False
    tell(app, notice(ada, NOW + DAY))
    assert standing(app, ada)[0] == "pro"
    assert put("studio") is True
    tell(app, notice(ada, NOW + 2 * DAY, status="expired"))
    assert standing(app, ada)[:2] == ("studio", "active")


def test_whose_a_subscription_is(app: Flask, ada: str) -> None:
    kim = add_person(app, "kim@example.com")
    nobody = "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"
    assert tell(app, notice(None, NOW)) == "unknown_person"
    assert tell(app, notice(nobody, NOW)) == "unknown_person"
    assert tell(app, notice(ada.upper(), NOW, name="subscription_created")) == "applied"
    # It stays hers, whatever a later notice says, or leaves out.
    assert tell(app, notice(kim, NOW + DAY, variant=STUDIO)) == "applied"
    assert tell(app, notice(None, NOW + 2 * DAY, variant=STUDIO)) == "applied"
    assert (standing(app, ada)[0], standing(app, kim)[0]) == ("studio", "free")
    # By the customer only where the checkout named nobody, and where it is one person's.
    assert tell(app, notice(None, NOW, subscription="2")) == "applied"
    assert tell(app, notice(nobody, NOW, subscription="3")) == "unknown_person"
    assert tell(app, notice(kim, NOW, subscription="4")) == "applied"
    assert tell(app, notice(None, NOW, subscription="5")) == "unknown_person"
    # One customer pays for two: it is that of the first.
    assert (standing(app, ada)[3], standing(app, kim)[3:]) == ("7", (None, "4"))
    assert [error for _, _, error in audited(app) if error] == ["unknown_person"] * 4


def test_a_subscription_of_somebody_who_is_deleted_is_nobodys(app: Flask, ada: str) -> None:
    tell(app, notice(ada, NOW))
    with app.app_context():
        services = app.extensions["services"]
        services.administration.delete(ada)
        assert services.db.session.scalar(sa.select(sa.func.count()).select_from(BillingSubscription)) == 0
    assert tell(app, notice(ada, NOW + DAY, name="subscription_cancelled", status="cancelled")) == "unknown_person"
    assert tell(app, notice(None, NOW + 2 * DAY)) == "unknown_person"


def test_what_is_sold_no_more_still_ends(app: Flask, ada: str) -> None:
    tell(app, notice(ada, NOW))
    assert tell(app, notice(ada, NOW + DAY, variant="99")) == "unknown_variant"
    ends = {"variant": "99", "status": "cancelled", "ends_at": NOW + 9 * DAY}
    assert tell(app, notice(ada, NOW + 2 * DAY, **ends)) == "applied"  # type: ignore[arg-type]
    assert standing(app, ada)[:3] == ("pro", "cancelled", NOW + 9 * DAY)
    assert tell(app, notice(ada, NOW + DAY, subscription="2", variant="99", status="expired")) == "unknown_variant"


def test_what_is_of_no_use_changes_nothing(app: Flask, ada: str) -> None:
    for more, outcome in (
        ({"variant": "99"}, "unknown_variant"),
        ({"status": "dunning"}, "unknown_status"),
        ({"name": "subscription_payment_success"}, "irrelevant"),
        ({"name": "order_created"}, "irrelevant"),
        ({"name": "subscription_resumed"}, "irrelevant"),
    ):
        assert tell(app, notice(ada, NOW, **more)) == outcome  # type: ignore[arg-type]
    assert standing(app, ada) == ("free", "active", None, None, None)
    assert sorted(audited(app)) == [
        ("billing:ignored", None, "unknown_status"),
        ("billing:ignored", None, "unknown_variant"),
    ]
