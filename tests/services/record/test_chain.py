"""Sealing: nothing is skipped, nothing is sealed twice, whatever happens at the same time."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask

from app.services.foundation.environment import Caller
from app.services.record import chain as chains
from app.services.record.audit import Event
from app.services.record.chain import Chain
from tests.clock import Clock
from tests.relying_party import add_person
from tests.services.record.trails import of_lines

MakeApp = Callable[..., Flask]
CALLER = Caller("203.0.113.9", "curl/8", "somebody")


@pytest.fixture
def app(make_app: MakeApp, database_url: str) -> Flask:
    """A seeded portal on each engine."""
    return make_app(database_url)


def write(app: Flask, many: int, user_id: str | None = None) -> None:
    """Put something on record."""
    with app.app_context():
        services = app.extensions["services"]
        for number in range(many):
            services.audit.record(Event.LOGIN_SUCCEEDED, CALLER, user_id=user_id, number=number)
        services.db.commit()


def seal(app: Flask, **limits: int) -> int:
    with app.app_context():
        return int(app.extensions["services"].chain.run(pause=0, **limits))


def one(app: Flask, statement: str, **values: Any) -> Any:
    with app.app_context():
        return app.extensions["services"].db.session.scalar(sa.text(statement), values)


def assert_all_sealed(app: Flask) -> None:
    """Every record once, without a gap, and whole."""
    with app.app_context():
        services = app.extensions["services"]
        session = services.db.session
        records = set(session.scalars(sa.text("SELECT id FROM oauth_audit_logs")))
        seals = session.execute(sa.text("SELECT sequence, record_id FROM audit_seals ORDER BY sequence")).all()
        services.db.rollback()
        assert [row.sequence for row in seals] == list(range(1, len(records) + 1))
        assert {row.record_id for row in seals} == records
    with app.app_context():
        report, unsealed = app.extensions["services"].trail.verify()
    assert (report.findings, unsealed, report.rows) == ([], 0, len(records))


def test_what_was_on_record_before_is_sealed_in_batches(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a portal that has just been migrated."""
    monkeypatch.setattr(chains, "BATCH", 10)
    write(app, 57)
    total = one(app, "SELECT count(*) FROM oauth_audit_logs")
    assert seal(app, most=25, swept=0) == 30
    assert seal(app, most=1000, swept=0) == total - 30
    assert seal(app) == 0
    assert_all_sealed(app)


def test_a_record_of_an_earlier_time_is_sealed_behind_the_others(app: Flask, clock: Clock) -> None:
    """Its time says that it was before them; the chain says when it was there."""
    early = clock()
    for late in (timedelta(seconds=2), timedelta(hours=3)):
        write(app, 3)
        seal(app)
        clock.advance(seconds=1)
        before = one(app, "SELECT sequence FROM audit_chain")
        clock.now, now = early - late, clock.now
        write(app, 1)
        clock.now = now
        assert seal(app) == 1
        assert one(app, "SELECT sequence FROM audit_chain") == before + 1
    assert_all_sealed(app)


def test_a_transaction_that_stays_open_is_sealed_once_it_is_committed(
    make_app: MakeApp, open_database: Callable[..., str], clock: Clock
) -> None:
    app = make_app(open_database("postgresql"))
    with app.app_context():
        services = app.extensions["services"]
        services.audit.record(Event.LOGIN_SUCCEEDED, CALLER)
        services.db.session.execute(sa.text("SELECT 1"))  # the row is written, and nobody sees it yet
        with ThreadPoolExecutor(1) as other:
            clock.advance(minutes=10)
            other.submit(write, app, 5).result()
            sealed = other.submit(seal, app).result()
            total = other.submit(one, app, "SELECT count(*) FROM oauth_audit_logs").result()
            assert sealed == total
            services.db.commit()
    assert seal(app) == 1
    assert_all_sealed(app)


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_is_put_back_or_was_ahead_leaves_nothing_out(app: Flask, clock: Clock, hours: int) -> None:
    seal(app)
    with app.app_context():
        assert app.extensions["services"].checkpoints.run()
    seal(app)  # that there is a key now
    clock.advance(hours=hours)
    write(app, 4)
    assert seal(app) == 4
    with app.app_context():
        assert app.extensions["services"].checkpoints.run()
    clock.advance(hours=-hours)
    write(app, 3)
    assert seal(app) == 3
    with app.app_context():
        # The time of the latest one is a day away, ahead or behind; the next is not put off until then.
        assert app.extensions["services"].checkpoints.run()
    assert_all_sealed(app)


@contextmanager
def between_reading_and_writing(action: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Have something happen, once, after a sealer has read and before it writes."""
    add, calls = Chain._add, []

    def interrupted(self: Chain, *arguments: Any, **named: Any) -> bool:
        calls.append(1)
        if len(calls) == 1:
            with ThreadPoolExecutor(1) as other:
                other.submit(action).result()
        return add(self, *arguments, **named)

    monkeypatch.setattr(Chain, "_add", interrupted)
    yield calls
    monkeypatch.setattr(Chain, "_add", add)


def test_of_two_who_seal_at_once_one_does(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    write(app, 20)
    with between_reading_and_writing(lambda: seal(app, swept=0), monkeypatch) as calls:
        assert seal(app, swept=0) == 0
    assert len(calls) == 2
    assert_all_sealed(app)


def test_many_who_seal_and_write_at_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "BATCH", 7)
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(write, app, 5) for _ in range(12)] + [pool.submit(seal, app) for _ in range(4)]
        assert all(each.exception() is None for each in done)
    seal(app)
    assert_all_sealed(app)


def test_an_account_deleted_while_its_records_are_being_sealed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    person = add_person(app)
    write(app, 5, person)

    def delete() -> None:
        with app.app_context():
            app.extensions["services"].deletions.delete(person, Caller(actor="operator"))

    with between_reading_and_writing(delete, monkeypatch) as calls:
        seal(app, swept=0)
    assert len(calls) == 2
    seal(app)
    assert_all_sealed(app)
    kept = "SELECT count(*) FROM oauth_audit_logs WHERE user_id = :id AND ip <> ''"
    assert one(app, kept, id=person) == 0


def test_an_erasure_by_older_code_is_completed(app: Flask) -> None:
    """It blanks the records and knows nothing of seals: the salts go when its own record is sealed."""
    person = add_person(app)
    write(app, 5, person)
    seal(app)
    with app.app_context():
        services = app.extensions["services"]
        execute = services.db.session.execute
        execute(
            sa.text("UPDATE oauth_audit_logs SET ip='', user_agent='', actor='', details='{}' WHERE user_id = :id"),
            {"id": person},
        )
        services.audit.record(Event.ACCOUNT_DELETED, Caller(actor="deletion"), user_id=person)
        execute(sa.text("DELETE FROM users WHERE id = :id"), {"id": person})
        services.db.commit()
    assert seal(app) == 1
    assert_all_sealed(app)
    assert one(app, "SELECT count(*) FROM audit_seals WHERE salt = ''") == 6


def test_nothing_is_left_of_who_was_deleted(app: Flask) -> None:
    """Neither the values nor the salts by which somebody could try values."""
    person = add_person(app)
    write(app, 3, person)
    seal(app)
    with app.app_context():
        services = app.extensions["services"]
        salts = set(services.db.session.scalars(sa.text("SELECT salt FROM audit_seals")))
        services.deletions.delete(person, CALLER)
        services.trail.prepare()
        items = json.dumps(list(services.trail.export()))
    assert one(app, "SELECT count(*) FROM audit_seals WHERE salt = ''") == 4
    assert sum(salt in items for salt in salts) == len(salts) - 4
    with app.app_context():
        assert of_lines(app.extensions["services"].trail.export()).erased == 4


def test_a_crash_between_sealing_and_signing_loses_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    write(app, 5)
    seal(app)
    with app.app_context():
        services = app.extensions["services"]
        sign = type(services.checkpoints)._sign
        monkeypatch.setattr(type(services.checkpoints), "_sign", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            services.checkpoints.run()
        monkeypatch.setattr(type(services.checkpoints), "_sign", sign)
        assert services.checkpoints.run()
    seal(app)
    assert_all_sealed(app)


def test_a_crash_while_sealing_leaves_no_half_batch(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    write(app, 5)
    insert = chains._Seals.insert

    def broken(seals: Any, db: Any) -> None:
        insert(seals, db)
        raise ZeroDivisionError

    monkeypatch.setattr(chains._Seals, "insert", broken)
    with pytest.raises(ZeroDivisionError):
        seal(app)
    monkeypatch.setattr(chains._Seals, "insert", insert)
    assert one(app, "SELECT count(*) FROM audit_seals") == 0
    seal(app)
    assert_all_sealed(app)


def test_a_portal_of_before_the_chain_is_sealed_after_migrating(app: Flask) -> None:
    person = add_person(app)
    write(app, 5, person)
    with app.app_context():
        flask_migrate.downgrade(revision="0013")
        flask_migrate.upgrade()
    seal(app)
    assert_all_sealed(app)
