"""Plans by the service API: set with their ends, granted for a while, quotas seen and set back."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests.api.service.backends import Backend
from tests.clock import Clock
from tests.relying_party import EMAIL, add_person

NOBODY = "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"


@pytest.fixture
def ada(app: Flask) -> str:
    return add_person(app)


def moment(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def take(app: Flask, user_id: str, amount: int) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.quotas.consume(user_id, amount, client_id="maxlab")
        services.db.commit()


def found(backend: Backend, query: str) -> list[str]:
    return [each["email"] for each in backend.get(f"/users?{query}")["users"]]


def test_plans_are_listed_and_what_they_give_is_changed(app: Flask, backend: Backend, ada: str) -> None:
    plans = backend.get("/plans")["plans"]
    assert [(plan["name"], plan["monthly_limit"]) for plan in plans] == [
        ("free", 100),
        ("pro", 1000),
        ("studio", 5000),
        ("enterprise", None),
    ]
    take(app, ada, 80)
    assert backend.done("PATCH", "/plans/free", {"monthly_limit": 50})["monthly_limit"] == 50
    assert backend.get(f"/users/{ada}/quota")["remaining"] == 0
    assert backend.done("PATCH", "/plans/free", {"monthly_limit": None})["monthly_limit"] is None
    assert backend.get(f"/users/{ada}/quota")["limit"] is None
    for wrong in ({}, {"monthly_limit": -1}, {"monthly_limit": "7"}, {"monthly_limit": 1.5}, {"monthly_limit": 10**10}):
        assert backend.done("PATCH", "/plans/free", wrong, 400)["error"] == "invalid_input"
    backend.done("PATCH", "/plans/golden", {"monthly_limit": 1}, 404)


def test_a_plan_is_set_with_its_status_and_end(backend: Backend, ada: str, clock: Clock) -> None:
    end = clock.now + timedelta(hours=3)
    body = {"plan": "pro", "plan_status": "cancelled", "plan_ends_at": moment(end)}
    changed = backend.done("PATCH", f"/users/{ada}", body)
    assert (changed["plan"], changed["plan_status"], changed["effective_plan"]) == ("pro", "cancelled", "pro")
    assert datetime.fromisoformat(changed["plan_ends_at"]) == end
    assert found(backend, "plan=pro") == found(backend, "effective_plan=pro") == [EMAIL]
    clock.advance(hours=3)
    told = backend.get(f"/users/{ada}")
    assert (told["plan"], told["plan_status"], told["effective_plan"]) == ("pro", "cancelled", "free")
    assert (found(backend, "plan=pro"), found(backend, "effective_plan=pro")) == ([EMAIL], [])
    assert EMAIL in found(backend, "effective_plan=free")


def test_what_is_no_plan_is_refused_and_nothing_of_it_done(backend: Backend, ada: str) -> None:
    before = backend.get(f"/users/{ada}")
    for change in (
        {"plan": "pro", "plan_status": "cancelled"},
        {"plan": "pro", "plan_status": "frozen"},
        {"plan": "pro", "plan_ends_at": 5},
        {"plan": "pro", "plan_ends_at": "2027-01-01"},
        {"plan_status": "expired"},
        {"plan_ends_at": "2027-01-01T00:00:00Z"},
        {"plan": ""},
    ):
        backend.done("PATCH", f"/users/{ada}", {"email_verified": False, **change}, 400)
    assert backend.get(f"/users/{ada}") == before


def test_a_plan_is_granted_for_a_while_and_ended(backend: Backend, ada: str, clock: Clock) -> None:
    path = f"/users/{ada}/overrides"
    end = clock.now + timedelta(days=7)
    made = backend.done("POST", path, {"plan": "studio", "ends_at": moment(end), "reason": "a fair"}, 201)
    assert (made["in_force"], made["created_by"], made["reason"]) == (True, backend.client_id, "a fair")
    clock.advance(seconds=1)
    later = {"monthly_limit": 7, "starts_at": moment(clock.now + timedelta(hours=1)), "reason": "a trial"}
    assert backend.done("POST", path, later, 201)["in_force"] is False
    told = backend.get(f"/users/{ada}")
    assert (told["plan"], told["effective_plan"]) == ("free", "studio")
    assert backend.get(f"/users/{ada}/quota")["limit"] == 5000
    clock.advance(hours=1)
    assert backend.get(f"/users/{ada}/quota")["limit"] == 7
    backend.done("DELETE", f"{path}/{made['id']}")
    backend.done("DELETE", f"{path}/{made['id']}", status=404)
    assert [(each["plan"], each["in_force"]) for each in backend.get(path)["overrides"]] == [
        (None, True),
        ("studio", False),
    ]
    assert backend.get(f"/users/{ada}")["effective_plan"] == "free"


def test_what_is_no_override_is_refused(backend: Backend, ada: str) -> None:
    bodies: list[dict[str, Any]] = [
        {"reason": "nothing"},
        {"plan": "golden", "reason": "x"},
        {"plan": "pro"},
        {"plan": "pro", "reason": ""},
        {"plan": "pro", "reason": "\u200b"},
        {"plan": "pro", "reason": "x", "ends_at": "2020-01-01T00:00:00Z"},
        {"monthly_limit": -1, "reason": "x"},
        {"monthly_limit": True, "reason": "x"},
    ]
    for body in bodies:
        assert backend.done("POST", f"/users/{ada}/overrides", body, 400)["error"] == "invalid_input"
    assert backend.get(f"/users/{ada}/overrides") == {"overrides": []}


def test_a_quota_is_set_back(app: Flask, backend: Backend, ada: str) -> None:
    take(app, ada, 80)
    before = backend.get(f"/users/{ada}/quota")
    assert (before["user_id"], before["used"], before["remaining"]) == (ada, 80, 20)
    assert backend.done("POST", f"/users/{ada}/quota/reset") == {**before, "used": 0, "remaining": 100}


def test_nobody_has_a_plan(backend: Backend) -> None:
    override: dict[str, Any] = {"plan": "pro", "reason": "x"}
    for nobody in (NOBODY, "x"):
        for path in ("quota", "overrides"):
            backend.get(f"/users/{nobody}/{path}", 404)
        backend.done("POST", f"/users/{nobody}/quota/reset", status=404)
        backend.done("POST", f"/users/{nobody}/overrides", override, 404)
        backend.done("DELETE", f"/users/{nobody}/overrides/{NOBODY}", status=404)


def test_administrators_are_not_every_services_affair(app: Flask, backend: Backend) -> None:
    root = add_person(app, "root@example.com", is_admin=True)
    lesser = Backend(app, "admin:users")
    for method, path, body in (
        ("POST", "/overrides", {"plan": "pro", "reason": "x"}),
        ("POST", "/quota/reset", None),
        ("DELETE", f"/overrides/{NOBODY}", None),
    ):
        refused = lesser.done(method, f"/users/{root}{path}", body, 403)
        assert refused == {"detail": "Missing required scopes: admin:full"}
    other = Backend(app, "admin:oauth")
    for method, path in (("GET", "/plans"), ("PATCH", "/plans/free")):
        assert other.done(method, path, None if method == "GET" else {}, 403) == {
            "detail": "Missing required scopes: admin:users"
        }
