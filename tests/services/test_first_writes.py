"""Two who write the first row of something at once: the second is answered as if it had come later, on both engines."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.errors import NotFound
from app.models import BillingSubscription, EmailCode, User
from app.services.foundation.environment import NOBODY
from app.services.foundation.sealing import Sealer
from app.services.plans.billing import Billing
from app.services.plans.quotas import Quotas
from app.wiring import Services
from tests.clock import Clock
from tests.racing import Act, at_once, meet_after
from tests.relying_party import add_client, add_person
from tests.services.plans.notices import PLANS, SECRET, body_of, notice

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def app(
    request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str], clock: Clock
) -> Flask:
    clock.now = NOW
    return make_app(open_database(request.param), BILLING_WEBHOOK_SECRET=SECRET, BILLING_PLANS=PLANS)


@pytest.fixture
def people(app: Flask) -> list[str]:
    """The ids of Ada and Bob."""
    return [add_person(app), add_person(app, "bob@example.com")]


def told(user_id: str, **more: Any) -> Act:
    """A first notice about a subscription."""
    body = body_of(notice(user_id, NOW, name="subscription_created", **more))
    return lambda services: services.billing.receive(body, NOBODY)


def asked(app: Flask, query: "sa.Select[Any]") -> list[Any]:
    with app.app_context():
        return [tuple(row) for row in app.extensions["services"].db.session.execute(query)]


def test_a_subscription_is_whose_it_was_said_to_be_first(
    app: Flask, people: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    met = meet_after(monkeypatch, Billing, "_owner", 2)
    assert sorted(at_once(app, [told(user_id) for user_id in people])) == ["applied", "outdated"]
    assert len(set(met)) == 2
    ((owner,),) = asked(app, sa.select(BillingSubscription.user_id))
    plans = asked(app, sa.select(User.id, User.plan, User.billing_subscription_id).where(User.id.in_(people)))
    assert sorted(plans) == sorted((each, "pro", "1") if each == owner else (each, "free", None) for each in people)


def test_one_customer_who_pays_for_two_people_is_that_of_one(
    app: Flask, people: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    met = meet_after(monkeypatch, Billing, "_owner", 2)
    acts = [told(user_id, subscription=str(number)) for number, user_id in enumerate(people)]
    assert at_once(app, acts) == ["applied", "applied"]
    assert len(set(met)) == 2
    found = asked(app, sa.select(User.plan, User.billing_customer_id).where(User.id.in_(people)))
    assert sorted(found, key=str) == sorted([("pro", "7"), ("pro", None)], key=str)


def test_the_same_notice_by_two_ways_is_dealt_with_once(app: Flask, people: list[str]) -> None:
    acts = [told(people[0])] * 2
    assert sorted(at_once(app, acts)) == ["applied", "repeated"]
    assert len(asked(app, sa.select(BillingSubscription.id))) == 1


def test_of_two_codes_that_are_asked_for_at_once_the_last_one_counts(
    app: Flask, people: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_after(monkeypatch, Sealer, "seal", 2)

    def ask(services: Services) -> str:
        code: str = services.email_codes.issue("this window", "ada@example.com")
        return code

    codes = at_once(app, [ask, ask])
    assert len(asked(app, sa.select(EmailCode.key_hash))) == 1
    with app.app_context():
        services = app.extensions["services"]
        ((sealed,),) = asked(app, sa.select(EmailCode.sealed_code))
        assert services.email_codes.sealer.open(sealed).decode() in codes


@pytest.mark.parametrize("key", ["job-1", None])
def test_who_goes_while_something_is_taken_is_not_there(
    app: Flask, people: list[str], monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    add_client(app, "jobs")
    real = Quotas._facts

    def go() -> None:
        with app.app_context():
            services = app.extensions["services"]
            services.db.session.execute(sa.delete(User).where(User.id == people[0]))
            services.db.commit()

    def seen(quotas: Quotas, user_id: str) -> Any:
        facts = real(quotas, user_id)
        monkeypatch.setattr(Quotas, "_facts", real)
        going = threading.Thread(target=go)
        going.start()
        going.join()
        return facts

    monkeypatch.setattr(Quotas, "_facts", seen)
    with app.app_context(), pytest.raises(NotFound):
        app.extensions["services"].quotas.consume(people[0], 1, client_id="jobs", key=key)
