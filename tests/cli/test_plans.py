"""Plans by commands."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import AuditLog, User
from tests.cli.test_commands import run
from tests.clock import Clock
from tests.relying_party import EMAIL, add_person


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    app = make_app(open_database(request.param))
    add_person(app)
    return app


def told(app: Flask, *arguments: str) -> Any:
    return json.loads(run(app, *arguments, "--json"))


def recorded(app: Flask, action: str) -> list[tuple[str, dict[str, Any]]]:
    with app.app_context():
        query = (
            sa.select(AuditLog.actor, AuditLog.details).where(AuditLog.action == action).order_by(AuditLog.created_at)
        )
        return [tuple(row) for row in app.extensions["services"].db.session.execute(query)]


def test_plans_are_listed_and_what_they_give_is_changed(app: Flask) -> None:
    assert [row["name"] for row in told(app, "plans", "list")] == ["free", "pro", "studio", "enterprise"]
    assert "unlimited" in run(app, "plans", "list")
    assert run(app, "plans", "set-limit", "free", "7").strip() == "Free gives 7 a month."
    assert told(app, "users", "quota", EMAIL)["limit"] == 7
    assert told(app, "plans", "set-limit", "free", "unlimited")["monthly_limit"] is None
    assert told(app, "users", "quota", EMAIL)["limit"] is None
    said = recorded(app, "plan:limit_set")
    assert len(said) == 2
    assert ("operator", {"plan": "free", "limit": 7, "former": 100}) in said
    assert ("operator", {"plan": "free", "limit": None, "former": 7}) in said
    for wrong in (("golden", "7"), ("free", "-1"), ("free", "many"), ("free", "1_0"), ("free", "9" * 30)):
        assert "Error: " in run(app, "plans", "set-limit", *wrong, fails=True)


def test_a_plan_is_set_with_its_end(app: Flask, clock: Clock) -> None:
    end = (clock.now + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S")
    told(app, "users", "set-plan", EMAIL, "pro", "--status", "cancelled", "--ends", end)
    assert told(app, "users", "show", EMAIL)["effective_plan"] == "pro"
    clock.advance(days=3)
    shown = told(app, "users", "show", EMAIL)
    assert (shown["plan"], shown["effective_plan"]) == ("pro", "free")
    assert [row["effective_plan"] for row in told(app, "users", "list") if row["email"] == EMAIL] == ["free"]
    for wrong in (
        ("golden",),
        ("pro", "--status", "cancelled"),
        ("pro", "--status", "frozen"),
        ("pro", "--ends", "tomorrow"),
        ("pro", "--ends", "2027-02-30"),
    ):
        assert "Error: " in run(app, "users", "set-plan", EMAIL, *wrong, fails=True)
    assert len(recorded(app, "account:plan:set")) == 1


def test_a_plan_that_follows_a_subscription_is_said_to_follow_it_no_more(app: Flask) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.db.session.execute(sa.update(User).where(User.email == EMAIL).values(billing_subscription_id="1"))
        services.db.commit()
    result = app.test_cli_runner().invoke(args=["users", "set-plan", EMAIL, "pro"])
    assert "Warning: The plan does not follow the account's subscription" in result.stderr
    assert "Warning" not in app.test_cli_runner().invoke(args=["users", "set-plan", EMAIL, "pro"]).stderr


def test_a_plan_is_granted_for_a_while_and_ended(app: Flask, clock: Clock) -> None:
    day = (clock.now + timedelta(days=2)).strftime("%Y-%m-%d")
    made = told(app, "users", "set-override", EMAIL, "--plan", "studio", "--ends", day, "--reason", "a fair")
    run(app, "users", "set-override", EMAIL, "--limit", "7", "--reason", "a  trial")
    shown = told(app, "users", "quota", EMAIL)
    assert (shown["plan"], shown["effective_plan"], shown["limit"]) == ("free", "studio", 7)
    assert {each["reason"] for each in shown["overrides"]} == {"a fair", "a trial"}
    assert "the plan studio until" in run(app, "users", "quota", EMAIL)
    assert told(app, "users", "end-override", EMAIL, "--id", made["id"])["ended"] == [made["id"]]
    assert told(app, "users", "quota", EMAIL)["effective_plan"] == "free"
    assert len(told(app, "users", "end-override", EMAIL)["ended"]) == 1
    assert told(app, "users", "quota", EMAIL)["limit"] == 100
    said = recorded(app, "account:plan:override_set")
    assert sorted(details["reason"] for _, details in said) == ["a fair", "a trial"]
    assert len(recorded(app, "account:plan:override_ended")) == 2
    for wrong in (
        ("set-override", "--reason", "nothing"),
        ("set-override", "--plan", "golden", "--reason", "x"),
        ("set-override", "--limit", "unlimited", "--reason", "x"),
        ("set-override", "--plan", "pro"),
        ("set-override", "--plan", "pro", "--reason", "x", "--ends", "2020-01-01"),
        ("end-override",),
        ("end-override", "--id", made["id"]),
    ):
        assert "Error: " in run(app, "users", wrong[0], EMAIL, *wrong[1:], fails=True)


def test_a_quota_is_shown_and_set_back(app: Flask) -> None:
    user_id = told(app, "users", "show", EMAIL)["id"]
    with app.app_context():
        services = app.extensions["services"]
        services.quotas.consume(user_id, 30, client_id="maxlab")
        services.db.commit()
    before = told(app, "users", "quota", EMAIL)
    assert (before["used"], before["remaining"]) == (30, 70)
    after = told(app, "users", "reset-quota", EMAIL)
    assert (after["used"], after["resets"]) == (0, before["resets"])
    assert recorded(app, "account:quota:reset") == [("operator", {"used": 30})]
    for command in ("quota", "reset-quota", "end-override"):
        assert "Error: " in run(app, "users", command, "nobody@example.com", fails=True)
