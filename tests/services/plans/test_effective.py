"""Which plan counts: a table of cases, and that the function and its SQL say the same of all there can be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.models import PlanOverride, User, new_id
from app.services.plans.catalogue import MOST
from app.services.plans.effective import Override, Standing, effective, limit, limit_at, plan_at
from tests.relying_party import add_person

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BEFORE, AFTER, TICK = NOW - timedelta(days=3), NOW + timedelta(days=3), timedelta(microseconds=1)


def granted(
    plan: str | None = None,
    starts_at: datetime = BEFORE,
    ends_at: datetime | None = None,
    *,
    monthly_limit: int | None = None,
    made: int = 0,
) -> Override:
    return Override(new_id(), plan, monthly_limit, starts_at, ends_at, "", "", BEFORE + timedelta(seconds=made))


@pytest.mark.parametrize(
    ("standing", "overrides", "plan"),
    [
        (Standing("pro", "active", None), [], "pro"),
        (Standing("pro", "active", AFTER), [], "pro"),
        (Standing("pro", "active", NOW + TICK), [], "pro"),
        (Standing("pro", "active", NOW), [], "free"),
        (Standing("pro", "active", BEFORE), [], "free"),
        (Standing("pro", "cancelled", AFTER), [], "pro"),
        (Standing("pro", "cancelled", NOW), [], "free"),
        (Standing("pro", "cancelled", None), [], "pro"),
        (Standing("pro", "expired", None), [], "free"),
        (Standing("pro", "expired", AFTER), [], "free"),
        (Standing("free", "active", None), [granted("studio")], "studio"),
        (Standing("enterprise", "active", None), [granted("free")], "free"),
        (Standing("pro", "expired", BEFORE), [granted("studio", ends_at=AFTER)], "studio"),
        (Standing("pro", "active", None), [granted("studio", ends_at=NOW)], "pro"),
        (Standing("pro", "active", None), [granted("studio", starts_at=NOW)], "studio"),
        (Standing("pro", "active", None), [granted("studio", starts_at=NOW + TICK)], "pro"),
        (Standing("pro", "active", None), [granted(monthly_limit=7)], "pro"),
        # the one made last counts, whatever they give
        (Standing("pro", "active", None), [granted("enterprise", made=1), granted("studio", made=2)], "studio"),
        (Standing("pro", "active", None), [granted("studio", made=1), granted("free", made=2, ends_at=NOW)], "studio"),
        (Standing("pro", "active", None), [granted("studio", made=1), granted(made=2, monthly_limit=5)], "studio"),
    ],
)
def test_the_plan_that_counts(standing: Standing, overrides: list[Override], plan: str) -> None:
    assert effective(standing, overrides, NOW) == plan


def test_the_limit_that_counts() -> None:
    assert limit([], 100, NOW) == 100
    assert limit([], None, NOW) is None
    assert limit([granted(monthly_limit=0)], 100, NOW) == 0
    assert limit([granted(monthly_limit=7)], None, NOW) == 7
    assert limit([granted(monthly_limit=7, made=1), granted(monthly_limit=9, made=2)], 100, NOW) == 9
    assert limit([granted(monthly_limit=7, made=1), granted("pro", made=2)], 100, NOW) == 7
    assert limit([granted(monthly_limit=7, ends_at=NOW)], 100, NOW) == 100


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    return make_app(open_database(request.param))


PLANS = st.sampled_from(("free", "pro", "studio", "enterprise"))
MOMENTS = st.sampled_from([NOW + step * timedelta(days=1) for step in range(-3, 4)] + [NOW - TICK, NOW + TICK])
OVERRIDES = st.builds(
    Override,
    id=st.uuids().map(str),
    plan=st.none() | PLANS,
    monthly_limit=st.none() | st.integers(0, MOST),
    starts_at=MOMENTS,
    ends_at=st.none() | MOMENTS,
    reason=st.just(""),
    created_by=st.just(""),
    created_at=MOMENTS,
)
STANDINGS = st.builds(
    Standing,
    plan=PLANS,
    status=st.sampled_from(("active", "cancelled", "expired")),
    ends_at=st.none() | MOMENTS,
)


def test_the_function_and_its_sql_say_the_same(app: Flask) -> None:
    user_id = add_person(app)
    with app.app_context():
        session = app.extensions["services"].db.session

        @settings(
            max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(
            standing=STANDINGS, overrides=st.lists(OVERRIDES, max_size=5, unique_by=lambda each: each.id), now=MOMENTS
        )
        def hold(standing: Standing, overrides: list[Override], now: datetime) -> None:
            own = {"plan": standing.plan, "plan_status": standing.status, "plan_ends_at": standing.ends_at}
            session.execute(sa.update(User).where(User.id == user_id).values(**own))
            session.execute(sa.delete(PlanOverride))
            if overrides:
                names = Override.__dataclass_fields__
                rows = [{name: getattr(each, name) for name in names} for each in overrides]
                session.execute(sa.insert(PlanOverride), [{**row, "user_id": user_id} for row in rows])
            query = sa.select(plan_at(now), limit_at(now)).select_from(User).where(User.id == user_id)
            told = session.execute(query).one()
            assert tuple(told) == (effective(standing, overrides, now), limit(overrides, None, now))

        hold()


def test_plans_are_in_order_and_give_more_from_one_to_the_next(app: Flask) -> None:
    with app.app_context():
        plans = app.extensions["services"].plans.all()
    assert [(plan.name, plan.title, plan.monthly_limit) for plan in plans] == [
        ("free", "Free", 100),
        ("pro", "Pro", 1000),
        ("studio", "Studio", 5000),
        ("enterprise", "Enterprise", None),
    ]
    assert all(lower.position < higher.position for lower, higher in pairwise(plans))
