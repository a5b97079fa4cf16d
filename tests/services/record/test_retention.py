"""Old records go, up to a signed checkpoint of their age, and what is left can be verified."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import AuditLog
from app.services.foundation.environment import Caller
from app.services.record import retention
from app.services.record.audit import Event
from tests.clock import Clock
from tests.relying_party import add_person
from tests.servers import unrestricted
from tests.services.record.trails import of_lines
from tools import verify_audit

MakeApp = Callable[..., Flask]


@pytest.fixture
def app(make_app: MakeApp, database_url: str) -> Flask:
    """A portal that keeps records for thirty days."""
    return make_app(unrestricted(database_url), AUDIT_RETENTION_DAYS="30")


def day(app: Flask, clock: Clock, many: int = 5, user_id: str | None = None) -> None:
    """One on which something happens, and the chores do their part."""
    with app.app_context():
        services = app.extensions["services"]
        for _ in range(many):
            services.audit.record(Event.LOGIN_SUCCEEDED, Caller("203.0.113.9"), user_id=user_id)
        services.db.commit()
        services.chain.run()
        services.checkpoints.run()
    clock.advance(days=1)


def trim(app: Flask, **limits: Any) -> int:
    with app.app_context():
        return int(app.extensions["services"].retention.run(pause=0, **limits))


def report_of(app: Flask) -> Any:
    with app.app_context():
        services = app.extensions["services"]
        services.trail.prepare()
        in_place, unsealed = services.trail.verify()
        services.db.rollback()
        report = of_lines(services.trail.export())
    assert (in_place.findings, report.findings, unsealed) == ([], [], 0)
    return report


def test_what_is_left_is_whole_and_says_what_was_removed(app: Flask, clock: Clock) -> None:
    person = add_person(app)
    for _ in range(8):
        day(app, clock, user_id=person)
    with app.app_context():
        app.extensions["services"].deletions.delete(person, Caller(actor="operator"))
    assert trim(app) == 0
    before = report_of(app)
    clock.advance(days=26)  # the first four days are more than thirty days ago
    removed = trim(app)
    assert removed > 15
    report = report_of(app)
    # What was removed is on record, which is one more; signing that is another day's work.
    assert (report.trimmed_until, report.rows) == (removed, before.rows + 1 - removed)
    assert report.erased == before.erased - 4 * 5 - 1
    assert not report.is_extract
    with app.app_context():
        (row,) = app.extensions["services"].db.session.execute(
            sa.select(AuditLog.actor, AuditLog.details).where(AuditLog.action == Event.AUDIT_TRIMMED)
        )
    assert (row.actor, row.details["sequence"], row.details["count"]) == ("retention", removed, removed)
    assert trim(app) == 0


def test_again_and_again(app: Flask, clock: Clock) -> None:
    """The record of one removal goes with the next one."""
    for _ in range(4):
        day(app, clock)
        clock.advance(days=31)
        assert trim(app) > 0
        report_of(app)
    clock.advance(days=40)
    report_of(app)


def test_what_was_sealed_lately_stays_however_old_it_is(app: Flask, clock: Clock) -> None:
    """Nobody signed it before; a portal that has just been migrated loses nothing."""
    day(app, clock)
    clock.advance(days=100)
    day(app, clock)
    kept = report_of(app).rows
    clock.advance(days=10)
    removed = trim(app)
    assert 0 < removed < kept - 4


def test_a_crash_in_between_is_completed(app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 4)
    for _ in range(3):
        day(app, clock)
    clock.advance(days=40)
    assert trim(app, most=4) == 4
    first = report_of(app)
    left = trim(app)
    assert left >= 10
    second = report_of(app)
    assert (first.first, first.rows) == (second.first, second.rows)


def test_without_the_setting_nothing_goes(make_app: MakeApp, clock: Clock) -> None:
    app = make_app()
    day(app, clock)
    clock.advance(days=10_000)
    assert trim(app) == 0
    assert "retention" not in {chore.name for chore in app.extensions["background"]._chores}


def test_a_beginning_that_was_not_removed_by_the_portal_is_an_extract(app: Flask, clock: Clock, tmp_path: Any) -> None:
    for _ in range(3):
        day(app, clock)
    path = tmp_path / "extract.jsonl"
    run = app.test_cli_runner().invoke
    since = clock().isoformat()
    assert run(args=["audit", "export", "--since", since, "--output", str(path)]).exit_code == 0
    items = [json.loads(line) for line in path.read_text().splitlines()]
    assert items[0]["anchor"]["sequence"] > 10
    assert verify_audit.main([str(path)]) == verify_audit.EXTRACT
    assert verify_audit.main([str(path), "--extract"]) == verify_audit.WHOLE
    items[0]["anchor"]["sequence"] -= 1
    assert not verify_audit.verified(io.StringIO("".join(f"{json.dumps(item)}\n" for item in items))).is_whole
