"""The quota API on the wire: who may ask, what is answered, and that a key takes once."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import AuditLog, Quota, QuotaUse, User
from app.services.foundation.environment import NOBODY as UNKNOWN_CALLER
from app.services.plans.quotas import Quotas
from tests.api.people import FrontEnd, fields, refusal
from tests.api.plans.conftest import QUOTA, Program
from tests.api.service.backends import service_token
from tests.clock import Clock
from tests.relying_party import add_person

Make = Callable[..., Program]
MEMBERS = {"plan", "limit", "used", "remaining", "resets_at"}
NOBODY = "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"
POLICY = re.compile(r'"monthly";q=([0-9]+);w=([0-9]+)')
LEFT = re.compile(r'"monthly";r=([0-9]+);t=([0-9]+)')


@pytest.fixture
def jobs(program: Make) -> Program:
    """A first-party client with Ada's token."""
    return program()


@pytest.fixture
def backend(app: Flask) -> Program:
    """A service that administers users."""
    return Program(app, service_token(app, "backend", "admin:users"))


def numbers(form: re.Pattern[str], header: str) -> tuple[int, int]:
    """The two numbers of a header."""
    found = form.fullmatch(header)
    assert found, header
    return int(found[1]), int(found[2])


def set_plan(app: Flask, user_id: str, plan: str) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.administration.set_plan(user_id, plan)
        services.db.commit()


def test_a_quota_is_read_taken_of_and_given_back(jobs: Program, clock: Clock) -> None:
    before = jobs.read()
    assert set(before) == MEMBERS
    assert (before["plan"], before["limit"], before["used"], before["remaining"]) == ("free", 100, 0, 100)
    taken = jobs.consume(30, "job-1")
    assert (taken.status_code, taken.json) == (200, {**before, "used": 30, "remaining": 70})
    assert jobs.read() == taken.json
    given = jobs.release("job-1")
    assert (given.status_code, given.json) == (200, {**before, "released": 30})
    assert jobs.release("job-1").json == {**before, "released": 0}
    assert jobs.read() == before
    resets_at = datetime.fromisoformat(before["resets_at"])
    assert timedelta(days=28) <= resets_at - clock.now <= timedelta(days=31)


def test_headers_say_how_much_there_is_and_when_there_is_more(
    app: Flask, jobs: Program, ada: str, clock: Clock
) -> None:
    clock.advance(minutes=10)
    for answer in (jobs.send("GET"), jobs.consume(40, "a"), jobs.release("a", amount=10), jobs.consume(101)):
        quota, window = numbers(POLICY, answer.headers["RateLimit-Policy"])
        left, seconds = numbers(LEFT, answer.headers["RateLimit"])
        assert (quota, left) == (answer.json["limit"], answer.json["remaining"])
        assert seconds == (datetime.fromisoformat(answer.json["resets_at"]) - clock.now).total_seconds()
        assert window == seconds + 600
        assert answer.headers["Cache-Control"] == "no-store"
        assert ("Retry-After" in answer.headers) == (answer.status_code == 429)
    set_plan(app, ada, "enterprise")
    unlimited = jobs.consume(1_000_000)
    assert (unlimited.json["limit"], unlimited.json["remaining"]) == (None, None)
    assert not {"RateLimit", "RateLimit-Policy", "Retry-After"} & set(unlimited.headers.keys())


def test_past_the_limit_nothing_is_taken_and_the_refusal_says_all(jobs: Program) -> None:
    at_limit = jobs.consume(100).json
    refused = jobs.consume(1, "later")
    assert refused.status_code == 429
    assert refused.json == {
        "error": "quota_exceeded",
        "error_description": "Monthly quota exceeded. Upgrade to Pro plan for more.",
        **at_limit,
    }
    assert int(refused.headers["Retry-After"]) == numbers(LEFT, refused.headers["RateLimit"])[1]
    assert jobs.read() == at_limit


def test_a_key_takes_once_whoever_writes_it_how(jobs: Program) -> None:
    first = jobs.consume(30, '"8e03978e-40d5-43e8-bc93-6894a57f9324"')
    jobs.consume(5)
    again = jobs.consume(30, "8e03978e-40d5-43e8-bc93-6894a57f9324")
    assert (again.status_code, again.json) == (200, first.json)
    assert again.headers["RateLimit"].startswith('"monthly";r=65;')  # how it stands now
    refusal(jobs.consume(31, "8e03978e-40d5-43e8-bc93-6894a57f9324"), 422, "idempotency_key_reused")
    assert jobs.read()["used"] == 35
    assert jobs.send("POST", "/release", {"key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}).json["released"] == 30
    refusal(jobs.consume(30, "8e03978e-40d5-43e8-bc93-6894a57f9324"), 422, "idempotency_key_reused")


def test_what_is_a_key(jobs: Program) -> None:
    pairs = [
        ('"a b"', '"a b"'),
        ('"a\\"b"', '"a\\"b"'),
        ('"a\\\\b"', '"a\\\\b"'),
        ("a~b", '"a~b"'),
        ("x" * 255, f'"{"x" * 255}"'),
    ]
    for number, pair in enumerate(pairs, 1):
        assert [jobs.consume(2, each).json["used"] for each in pair] == [2 * number] * 2, pair


def test_what_is_no_key(jobs: Program) -> None:
    bare = ["", '""', "a b", "a,b", "a\\b", "a\tb", "x" * 256, "\xe9"]
    for written in (*bare, '"a", "b"', '"a";b=1', '"a', 'a"', '"a"b"', f'"{"x" * 256}"', '"\xe9"'):
        refusal(jobs.consume(2, written), 400, "invalid_request")
    assert jobs.read()["used"] == 0


def test_a_key_is_kept_as_a_hash_and_nothing_of_it_is_on_record(app: Flask, jobs: Program) -> None:
    jobs.consume(1, "a-key-that-is-nobodys-business")
    jobs.release("a-key-that-is-nobodys-business")
    with app.app_context():
        session = app.extensions["services"].db.session
        kept = [str(row) for table in (QuotaUse, AuditLog) for row in session.execute(sa.select(table.__table__))]
    assert kept
    assert not [row for row in kept if "nobodys" in row]


def test_what_is_no_amount(jobs: Program) -> None:
    for amount in (0, -1, 1_000_001, 1.0, 1.5, "1", True, [], {}, 10**30):
        assert set(fields(jobs.consume(amount))) == {"amount"}
        assert set(fields(jobs.release("key", amount=amount))) == {"amount"}
    assert set(fields(jobs.consume(None))) == set(fields(jobs.send("POST", "/consume", {}))) == {"amount"}
    assert jobs.read()["used"] == 0


def test_what_is_no_body(jobs: Program) -> None:
    twice = b'{"amount": 1, "amount": 2}'
    for body in (b"", b"[]", twice, b'{"amount": NaN}', b'{"amount": 1} x', b"\xff", b'{"amount": 1'):
        refusal(jobs.send("POST", "/consume", data=body, content_type="application/json"), 400, "invalid_request")
    assert jobs.send("POST", "/consume", data=b"amount=1", content_type="text/plain").status_code == 415
    assert jobs.read()["used"] == 0


def test_a_release_names_one_key_that_took_something(jobs: Program) -> None:
    jobs.consume(30, "job-1")
    assert set(fields(jobs.release())) == {"key"}
    assert set(fields(jobs.send("POST", "/release", {"key": "job-2"}, "job-1"))) == {"key"}
    refusal(jobs.release("job-2"), 404, "not_found")
    assert set(fields(jobs.release("job-1", amount=31))) == {"amount"}
    assert jobs.send("POST", "/release", {"key": "job-1", "amount": 10}, '"job-1"').json["released"] == 10
    assert jobs.read()["used"] == 20


def test_a_person_names_nobody_and_a_service_names_somebody(
    app: Flask, jobs: Program, backend: Program, ada: str
) -> None:
    assert set(fields(jobs.consume(1, user_id=ada))) == {"user_id"}
    assert set(fields(jobs.send("GET", query_string={"user_id": ada}))) == {"user_id"}
    assert set(fields(backend.consume(1))) == {"user_id"}
    assert set(fields(backend.consume(1, user_id="ada"))) == {"user_id"}
    for asking in (jobs, backend):
        # Where it is taken, nobody looks at the query: better refused than taken of somebody else.
        beside = asking.send("POST", "/consume", {"amount": 1, "user_id": ada}, query_string={"user_id": NOBODY})
        assert set(fields(beside)) == {"user_id"}
    for answer in (
        backend.send("GET", query_string={"user_id": NOBODY}),
        backend.consume(1, user_id=NOBODY),
        backend.release("k", user_id=NOBODY),
    ):
        refusal(answer, 404, "not_found")
    assert backend.consume(30, "job-1", user_id=ada.upper()).json["used"] == 30
    assert backend.read(user_id=ada) == jobs.read()
    # Keys are of that client.
    refusal(jobs.release("job-1"), 404, "not_found")
    kim = add_person(app, "kim@example.com")
    refusal(backend.release("job-1", user_id=kim), 404, "not_found")
    assert backend.release("job-1", user_id=ada).json["released"] == 30


def test_nothing_is_taken_of_who_is_stopped(app: Flask, backend: Program, ada: str) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.administration.disable(ada)
        services.db.commit()
    refusal(backend.consume(1, user_id=ada), 404, "not_found")
    assert backend.read(user_id=ada)["used"] == 0


def test_who_may_read_and_who_may_take(app: Flask, program: Make, ada: str) -> None:
    theirs = program("notes", consent_policy="once")
    assert theirs.read()["used"] == 0
    for answer in (theirs.consume(1), theirs.release("k")):
        refusal(answer, 403, "insufficient_scope")
    blind = program("blind", "openid profile", consent_policy="once")
    refusal(blind.send("GET"), 403, "insufficient_scope")
    # The platform's own need no scope for it.
    assert program("own", "openid").consume(1).status_code == 200
    front = FrontEnd(app)
    front.log_in()
    assert Program(app, front.token).consume(1).json["used"] == 2
    for scope in ("admin:oauth", "admin:system"):
        service = Program(app, service_token(app, f"service-{scope[6:]}", scope))
        for answer in (service.send("GET", query_string={"user_id": ada}), service.consume(1, user_id=ada)):
            refusal(answer, 403, "insufficient_scope")
    assert Program(app, service_token(app, "all", "admin:full")).read(user_id=ada)["used"] == 2


def test_without_a_token_nothing_is_told(app: Flask) -> None:
    for token in ("", "x", "a.b.c"):
        nobody = Program(app, token)
        for answer in (nobody.send("GET"), nobody.consume(1), nobody.release("k")):
            refusal(answer, 401, "invalid_token" if token else "unauthorized")


def test_what_is_taken_back_from_an_application_ends_its_reading(app: Flask, program: Make, ada: str) -> None:
    theirs = program("notes", consent_policy="once")
    with app.app_context():
        services = app.extensions["services"]
        services.connected_apps.remove(ada, "notes", UNKNOWN_CALLER)
        services.db.commit()
    refusal(theirs.send("GET"), 401, "invalid_token")


def test_scripts_of_clients_may_ask_and_read_the_headers(app: Flask, jobs: Program) -> None:
    origin = {"Origin": "https://client.example.com"}
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "idempotency-key"}
    preflight = app.test_client().options(f"{QUOTA}/consume", headers=asked)
    assert preflight.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert "idempotency-key" in preflight.headers["Access-Control-Allow-Headers"].lower()
    answer = jobs.send("POST", "/consume", {"amount": 1}, headers=origin)
    assert answer.status_code == 200
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed.split(", "))
    assert "Access-Control-Allow-Credentials" not in answer.headers
    refused = jobs.send("POST", "/consume", {"amount": 1}, headers={"Origin": "https://evil.test"})
    refusal(refused, 403, "foreign_origin")
    assert jobs.read()["used"] == 1


def test_what_it_is_limited_by(make_app: Callable[..., Flask], open_database: Callable[..., str]) -> None:
    """A good token by its client, everything else by its address; nobody's bad ones by what backends do."""
    app = make_app(
        open_database(), RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="3/minute", RATE_LIMIT_TOKEN="7/minute"
    )
    ada = add_person(app)
    backend = Program(app, service_token(app, "backend", "admin:users"))
    assert [backend.consume(1, user_id=ada).status_code for _ in range(5)] == [200] * 5
    bad = Program(app, "x")
    assert [bad.consume(1).status_code for _ in range(5)][-1] == 429
    said = [backend.consume(1, user_id=ada) for _ in range(4)]
    assert [each.status_code for each in said][-1] == 429
    assert said[-1].json["error"] == "too_many_attempts"
    with app.app_context():
        used = app.extensions["services"].quotas.read(ada).used
    assert used == 5 + sum(each.status_code == 200 for each in said)


def test_what_userinfo_says_is_the_plan_that_counts(app: Flask, program: Make, ada: str, clock: Clock) -> None:
    def told(token: str) -> str:
        answer = app.test_client().get("/api/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})
        return str(answer.json["subscription_plan"])

    token = program("profiles", "openid profile").token
    with app.app_context():
        services = app.extensions["services"]
        services.administration.set_plan(ada, "pro", status="cancelled", ends_at=clock.now + timedelta(minutes=30))
        services.overrides.add(
            ada,
            plan="studio",
            starts_at=clock.now + timedelta(minutes=5),
            ends_at=clock.now + timedelta(minutes=10),
            reason="x",
        )
        services.db.commit()
    said = []
    for minutes in (0, 5, 5, 20):
        clock.advance(minutes=minutes)
        said.append(told(token))
    assert said == ["pro", "studio", "pro", "free"]
    assert Program(app, token).read()["plan"] == "free"


@pytest.mark.parametrize("method", ["read", "consume", "release"])
def test_a_condition_that_is_forgotten_reaches_the_rows_of_whom_the_service_named_alone(
    app: Flask, ada: str, backend: Program, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    bob = add_person(app, "bob@example.com")
    assert backend.consume(5, "job-1", user_id=ada).status_code == 200
    assert backend.consume(7, "job-1", user_id=bob).status_code == 200
    real, reached = getattr(Quotas, method), []

    def forgetful(quotas: Quotas, *args: Any, **named: Any) -> Any:
        session = quotas.db.session
        reached.append(set(session.scalars(sa.select(User.id))))
        if method != "read":
            reached.append(set(session.scalars(sa.update(Quota).values(used=50).returning(Quota.user_id))))
        return real(quotas, *args, **named)

    monkeypatch.setattr(Quotas, method, forgetful)
    asked = {
        "read": lambda: backend.send("GET", query_string={"user_id": ada}),
        "consume": lambda: backend.consume(1, user_id=ada),
        "release": lambda: backend.release("job-1", user_id=ada),
    }
    assert asked[method]().status_code == 200
    monkeypatch.undo()
    if app.extensions["services"].settings.storage.database_url.startswith("postgresql"):
        assert reached
        assert all(each == {ada} for each in reached)
        assert backend.read(user_id=bob)["used"] == 7
    else:
        assert {ada, bob} <= reached[0]  # there the conditions alone keep people apart
