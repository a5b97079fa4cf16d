"""What happened with an account, by kind and page by page, on both engines: complete, in order, read from an index."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import AuditLog, new_id
from app.services.people.activity import EVENTS, Kind
from app.services.record.audit import Event
from tests.clock import Clock
from tests.relying_party import add_person
from tests.servers import unrestricted

MANY, AT_ONCE = 20_000, 500


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    return make_app(unrestricted(open_database(request.param)))


def add_records(app: Flask, user_id: str, clock: Clock, *events: Event, success: bool = True) -> list[str]:
    """One record for each, a second apart, two always at the same moment; answers their ids, the latest first."""
    rows = [
        {
            "id": new_id(),
            "action": event.value,
            "user_id": user_id,
            "actor": user_id,
            "success": success,
            "ip_address": "127.0.0.1",
            "user_agent": "",
            "details": {},
            "created_at": clock() - timedelta(seconds=number // 2),
        }
        for number, event in enumerate(events)
    ]
    with app.app_context():
        services = app.extensions["services"]
        # No transaction may last long, however slow the machine is.
        for begin in range(0, len(rows), AT_ONCE):
            services.db.session.execute(sa.insert(AuditLog), rows[begin : begin + AT_ONCE])
            services.db.session.commit()
    return [row["id"] for row in sorted(rows, key=lambda row: (row["created_at"], row["id"]), reverse=True)]


def all_pages(app: Flask, user_id: str, kind: Kind | None, limit: int) -> list[str]:
    """The ids of every page in turn."""
    found: list[str] = []
    after = None
    with app.app_context():
        while True:
            page = app.extensions["services"].activity.page(user_id, limit=limit, after=after, kind=kind)
            assert len(page.items) <= limit
            found += [each.id for each in page.items]
            if (after := page.next) is None:
                return found


@pytest.mark.parametrize("limit", [1, 7, 30])
@pytest.mark.parametrize("kind", [None, *Kind])
def test_each_record_of_a_kind_stands_on_one_page_the_latest_first(
    app: Flask, clock: Clock, kind: Kind | None, limit: int
) -> None:
    ada, bob = add_person(app), add_person(app, "bob@example.com")
    with app.app_context():
        db = app.extensions["services"].db
        db.session.execute(sa.delete(AuditLog))
        db.session.commit()
    events = [event for among in EVENTS.values() for event in sorted(among)]
    went_well = add_records(app, ada, clock, *events)
    clock.advance(seconds=100)
    refused = add_records(app, ada, clock, *events[:9], success=False)
    add_records(app, bob, clock, *events)
    with app.app_context():
        rows = app.extensions["services"].db.session.execute(sa.select(AuditLog.id, AuditLog.action))
        actions = {row.id: Event(row.action) for row in rows}
    wanted = [*refused, *went_well]
    if kind is Kind.REFUSED:
        wanted = refused
    elif kind is not None:
        wanted = [each for each in wanted if actions[each] in EVENTS[kind]]
    assert all_pages(app, ada, kind, limit) == wanted


@pytest.mark.parametrize("kind", [*Kind])
def test_a_few_among_many_are_found_without_reading_the_many(app: Flask, clock: Clock, kind: Kind) -> None:
    """The many are of another kind, later and went well; what is looked for was long before."""
    ada = add_person(app)
    common = Event.LOGIN_SUCCEEDED if kind is Kind.APPLICATIONS else Event.CODE_REDEEMED
    rare = sorted(EVENTS.get(kind, {Event.LOGIN_FAILED}))[0]
    few = add_records(app, ada, clock, *[rare] * 3, success=kind is not Kind.REFUSED)
    clock.advance(days=1)
    add_records(app, ada, clock, *[common] * MANY)
    with app.app_context():
        services = app.extensions["services"]
        raw = services.db.session.connection()
        raw.exec_driver_sql("ANALYZE")
        seen: list[tuple[str, Any]] = []

        def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            seen.append((statement, parameters))

        sa.event.listen(services.db.engine, "before_cursor_execute", note)
        found = services.activity.page(ada, limit=50, kind=kind)
        sa.event.remove(services.db.engine, "before_cursor_execute", note)
        assert set(few) <= {each.id for each in found.items}
        ((statement, parameters),) = seen
        if raw.dialect.name == "sqlite":
            plan = "\n".join(row[3] for row in raw.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
            assert "SCAN oauth_audit_logs" not in plan
            assert "ix_oauth_audit_logs_user_created" not in plan
            assert "ix_oauth_audit_logs_user_" in plan
        else:
            explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
            (plan,) = raw.exec_driver_sql(explain, parameters).scalar()
            assert most_rows(plan["Plan"]) < MANY / 10


def most_rows(plan: dict[str, Any]) -> int:
    """The most rows that a step of the plan met, those it threw away included."""
    met = int(plan["Actual Rows"]) + int(plan.get("Rows Removed by Filter", 0))
    return max([met, *(most_rows(each) for each in plan.get("Plans", []))])
