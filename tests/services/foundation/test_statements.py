"""Statements run by the driver alone: types as everywhere else, one transaction with the session, on both engines."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier, Thread
from typing import Any, cast

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import AuditLog
from app.services.foundation.statements import Statement
from tests.servers import unrestricted

TABLE = cast(sa.Table, AuditLog.__table__)
INSERT = Statement(sa.insert(TABLE), [column.name for column in TABLE.columns])
FIND = Statement(sa.select(TABLE).where(TABLE.c.id == sa.bindparam("id")))
TOUCH = Statement(sa.update(TABLE).where(TABLE.c.id == sa.bindparam("row")).values(actor=sa.bindparam("who")))
FORGET = Statement(
    sa.update(TABLE).where(TABLE.c.id == sa.bindparam("row")).values(error_code=None, user_agent="", success=True)
)
WHEN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=9)))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]
) -> Iterator[Any]:
    """The database of a portal, inside an application context."""
    app = make_app(unrestricted(open_database(request.param, "seeded")))
    with app.app_context():
        yield app.extensions["services"].db


def row(name: str, **values: Any) -> dict[str, Any]:
    plain = {"action": "test", "client_id": None, "user_id": None, "actor": "", "success": True, "error_code": None}
    rest = {"ip": "", "user_agent": "", "details": {"why": ["ünï", 1, None]}, "created_at": WHEN}
    return {"id": name, **plain, **rest, **values}


def test_values_come_back_as_they_were_given(database: Any) -> None:
    assert INSERT.run(database, **row("one", success=False)) == 1
    found = FIND.first(database, id="one")
    assert (found.success, found.client_id, found.details) == (False, None, {"why": ["ünï", 1, None]})
    assert found.created_at == WHEN
    assert found.created_at.tzinfo == UTC
    assert [each.id for each in FIND.all(database, id="one")] == ["one"]
    assert FIND.first(database, id="two") is None
    assert TOUCH.run(database, row="two", who="x") == 0
    assert FORGET.run(database, row="one") == 1
    assert FIND.first(database, id="one").user_agent == ""


@pytest.mark.parametrize("is_kept", [True, False])
def test_the_session_and_the_driver_share_one_transaction(database: Any, is_kept: bool) -> None:
    INSERT.run(database, **row("one"))
    assert database.session.scalar(sa.select(TABLE.c.id).where(TABLE.c.id == "one")) == "one"
    database.session.execute(sa.insert(TABLE).values(**row("two")))
    assert TOUCH.run(database, row="two", who="driver") == 1
    database.commit() if is_kept else database.rollback()
    assert (FIND.first(database, id="one") is not None) is is_kept
    assert (FIND.first(database, id="two") is not None) is is_kept
    INSERT.run(database, **row("three"))
    database.commit()
    assert FIND.first(database, id="three") is not None


def test_what_was_not_committed_is_gone_with_its_request(database: Any, make_app: Callable[..., Flask]) -> None:
    app = make_app(database.engine.url.render_as_string(hide_password=False))
    with app.app_context():
        INSERT.run(app.extensions["services"].db, **row("one"))
    assert FIND.first(database, id="one") is None


def test_a_statement_that_lacks_a_value_is_refused(database: Any) -> None:
    with pytest.raises(ValueError, match="missing"):
        Statement(sa.insert(TABLE), ["id", "action"]).run(database, id="one", action="test")


def test_a_broken_connection_is_an_outage_without_statement_or_values(
    make_app: Callable[..., Flask], open_database: Callable[..., str]
) -> None:
    app = make_app(open_database("postgresql", "seeded"))
    others = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    with app.app_context():
        db = app.extensions["services"].db
        FIND.first(db, id="one")
        with db.engine.connect() as other:
            other.execute(others)
        with pytest.raises(sa.exc.OperationalError) as caught:
            FIND.first(db, id="a-secret-value")
        assert "a-secret-value" not in str(caught.value)
        assert FIND.first(db, id="one") is None  # on a new connection


def test_writers_of_a_file_wait_for_each_other(
    make_app: Callable[..., Flask], open_database: Callable[..., str]
) -> None:
    app = make_app(open_database("sqlite", "seeded"))
    barrier, failures = Barrier(8), []

    def write(number: int) -> None:
        barrier.wait()
        for turn in range(10):
            with app.app_context():
                db = app.extensions["services"].db
                try:
                    INSERT.run(db, **row(f"{number}-{turn}"))
                    db.commit()
                except sa.exc.OperationalError as error:
                    failures.append(error)

    threads = [Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with app.app_context():
        db = app.extensions["services"].db
        assert db.session.scalar(sa.select(sa.func.count()).where(TABLE.c.action == "test")) == 80


def test_what_waits_is_written_before_anybody_looks_and_with_the_commit(database: Any) -> None:
    INSERT.run_later(database, **row("one"))
    TOUCH.run_later(database, row="nobody", who="x")
    assert FIND.first(database, id="one").actor == ""
    INSERT.run_later(database, **row("two"))
    assert database.session.scalar(sa.select(TABLE.c.id).where(TABLE.c.id == "two")) == "two"
    INSERT.run_later(database, **row("three"))
    database.commit()
    database.rollback()
    assert FIND.first(database, id="three").details == {"why": ["ünï", 1, None]}


def test_what_waits_goes_with_a_rollback(database: Any) -> None:
    INSERT.run_later(database, **row("one"))
    database.rollback()
    database.commit()
    assert FIND.first(database, id="one") is None


def test_any_number_may_wait(database: Any) -> None:
    for number in range(50):
        INSERT.run_later(database, **row(f"row-{number}"))
    database.commit()
    assert database.session.scalar(sa.select(sa.func.count()).where(TABLE.c.id.like("row-%"))) == 50


def test_a_request_that_only_reads_leaves_the_next_unit_of_its_thread_able_to_write(app: Flask) -> None:
    """Who reads first and writes later without the lock fails as soon as another one wrote in between."""
    assert app.test_client().get("/ready").status_code == 200
    database = app.extensions["services"].db
    with app.app_context():
        assert database.session.scalar(sa.select(sa.func.count()).select_from(TABLE)) is not None
        (_, _, path) = database.session.execute(sa.text("PRAGMA database_list")).one()
        with closing(sqlite3.connect(path, timeout=0)) as other, pytest.raises(sqlite3.OperationalError, match="lock"):
            other.execute("BEGIN IMMEDIATE")
        database.rollback()


@pytest.mark.parametrize("is_read", [False, True])
def test_sqlites_log_begins_anew_unless_somebody_reads_on(app: Flask, is_read: bool) -> None:
    database = app.extensions["services"].db
    with app.app_context(), closing(sqlite3.connect(cast(str, database.engine.url.database))) as reader:

        def write(name: str) -> None:
            INSERT.run(database, **row(name))
            database.commit()

        for number in range(100):
            write(str(number))
        if is_read:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM users").fetchone()
            write("what the reader does not see")
        database.shorten_log()
        reader.rollback()
        write("one more")
        (_, pages, _) = reader.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        assert (pages < 50) is not is_read
