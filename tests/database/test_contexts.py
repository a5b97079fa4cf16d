"""Whose rows a unit of work reaches: what was said last, in this transaction, and nothing of before."""

import re
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask, g

from app.database import ADMINISTRATION, AUTHENTICATION, NOBODY, PROTOCOL, enter, person
from app.models import Base, User, is_of_people
from app.services.foundation.statements import Statement
from tests.relying_party import add_person

GUARDED = {table.name for table in Base.metadata.tables.values() if is_of_people(table)}
IDS = Statement(sa.select(User.id).order_by(User.id))
TOUCH = Statement(sa.update(User).values(full_name=sa.bindparam("name")))


@pytest.fixture
def scene(make_app: Callable[..., Flask], postgresql_url: str) -> Iterator[Any]:
    """Ada, Bob and the administrator of a portal, which has one connection."""
    app = make_app(postgresql_url)
    ada, bob = add_person(app), add_person(app, "bob@example.com")
    with app.app_context():
        yield SimpleNamespace(app=app, url=postgresql_url, db=app.extensions["services"].db, ada=ada, bob=bob)


def everybody(db: Any) -> tuple[set[str], set[str]]:
    """Who is there, asked by the driver and by the session."""
    return {row.id for row in IDS.all(db)}, set(db.session.scalars(sa.select(User.id)))


def test_each_context_reaches_what_it_says_from_its_next_statement_on(scene: Any) -> None:
    for context, found in (
        (ADMINISTRATION, 3),
        (person(scene.ada), 1),
        (NOBODY, 0),
        (PROTOCOL, 3),
        (person(scene.bob), 1),
        (AUTHENTICATION, 3),
        (NOBODY, 0),
    ):
        scene.db.enter(context)
        assert [len(each) for each in everybody(scene.db)] == [found, found], context
    scene.db.enter(person(scene.ada))
    assert everybody(scene.db) == ({scene.ada}, {scene.ada})


@pytest.mark.parametrize("end", ["commit", "rollback", "give_back"])
def test_the_next_unit_of_work_begins_with_nothing(scene: Any, end: str) -> None:
    enter(ADMINISTRATION)
    assert len(everybody(scene.db)[0]) == 3
    getattr(scene.db, end)()
    with scene.app.app_context():
        enter(NOBODY)
        assert everybody(scene.db) == (set(), set())
    # This one goes on as it was.
    assert len(everybody(scene.db)[0]) == 3


def test_without_a_word_nothing_is_reached(scene: Any) -> None:
    scene.db.give_back()
    with scene.app.app_context():
        g.pop("database_context")
        assert everybody(scene.db) == (set(), set())
        assert TOUCH.run(scene.db, name="Nobody") == 0


def test_after_an_error_in_the_middle(scene: Any) -> None:
    scene.db.enter(person(scene.ada))
    IDS.all(scene.db)
    with pytest.raises(sa.exc.DataError):
        scene.db.session.execute(sa.text("SELECT 1 / 0"))
    scene.db.rollback()
    assert everybody(scene.db) == ({scene.ada}, {scene.ada})
    with pytest.raises(sa.exc.DataError), scene.db.reaching_all():
        scene.db.session.execute(sa.text("SELECT 1 / 0"))
    scene.db.rollback()
    assert everybody(scene.db) == ({scene.ada}, {scene.ada})


def test_a_savepoint_that_is_taken_back_takes_back_what_was_said_in_it(scene: Any) -> None:
    db = scene.db
    db.enter(person(scene.ada))
    assert everybody(db)[0] == {scene.ada}
    failing = db.session.begin_nested()
    db.enter(ADMINISTRATION)
    assert len(everybody(db)[1]) == 3
    with pytest.raises(sa.exc.DataError):
        db.session.execute(sa.text("SELECT 1 / 0"))
    failing.rollback()
    assert len(everybody(db)[1]) == 3  # what is said is said: the unit of work reaches all
    db.enter(person(scene.ada))
    assert everybody(db) == ({scene.ada}, {scene.ada})
    savepoint = db.session.begin_nested()
    db.enter(person(scene.bob))
    assert everybody(db)[1] == {scene.bob}
    savepoint.rollback()
    assert everybody(db) == ({scene.bob}, {scene.bob})
    with db.session.begin_nested():
        db.enter(person(scene.ada))
    assert everybody(db) == ({scene.ada}, {scene.ada})


def test_what_waits_is_written_as_it_was_meant(scene: Any) -> None:
    """Writes that wait for company do so under the context in which they were said."""
    scene.db.enter(person(scene.ada))
    TOUCH.run_later(scene.db, name="Ada herself")
    scene.db.enter(ADMINISTRATION)
    scene.db.commit()
    named = sa.select(User.id).where(User.full_name == "Ada herself")
    assert scene.db.session.scalars(named).all() == [scene.ada]


def test_one_statement_that_writes_alone_keeps_to_it(scene: Any) -> None:
    scene.db.commit()
    scene.db.enter(person(scene.bob))
    assert TOUCH.run_alone(scene.db, name="Bob himself") == 1
    scene.db.enter(NOBODY)
    assert TOUCH.run_alone(scene.db, name="Nobody") == 0


def test_reaching_further_for_a_while(scene: Any) -> None:
    scene.db.enter(person(scene.ada))
    with scene.db.reaching_all():
        assert len(everybody(scene.db)[0]) == 3
        with scene.db.reaching_as_protocol():
            assert len(everybody(scene.db)[0]) == 3
    assert everybody(scene.db) == ({scene.ada}, {scene.ada})


@pytest.mark.parametrize(
    "text", ["", "' OR true --", "x'; SET LOCAL app.is_superuser = 'true", "00000000-0000-4000-8000-0000000000000", "%"]
)
def test_a_person_is_an_id_and_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="id of a person"):
        person(text)


def test_a_statement_that_says_it_itself_does_so_before_it_reads_a_row(scene: Any) -> None:
    """Each of those that the services hold, read, written or of several parts, as PostgreSQL would run it."""
    found = list(telling_statements())
    assert len(found) > 20
    with psycopg.connect(scene.url.replace("+psycopg", ""), autocommit=True) as role:
        role.execute("SET plan_cache_mode = force_generic_plan")
        for number, sql in enumerate(found):
            name = f"telling_{number}"
            role.execute(f"PREPARE {name} AS {sql}".encode())
            nothing = ", ".join(["NULL"] * max(map(int, re.findall(r"\$(\d+)", sql))))
            ((plan,),) = role.execute(f"EXPLAIN (FORMAT JSON) EXECUTE {name} ({nothing})".encode())
            late = [table for table in scans(plan[0]["Plan"], is_told=False) if table in GUARDED]
            assert late == [], sql


def telling_statements() -> Iterator[str]:
    """The SQL of every statement in the modules of the services that says itself whose rows it reaches."""
    dialect = sa.dialects.postgresql.psycopg.dialect()
    for module in list(sys.modules.values()):
        if module.__name__.startswith("app.services."):
            for each in vars(module).values():
                if isinstance(each, Statement) and (telling := each._prepare(dialect, None).telling_sql):
                    yield telling


def scans(node: Any, *, is_told: bool) -> Iterator[str]:
    """The tables that are read, or written from what was read, outside of what a one-time filter lets begin."""
    is_told = is_told or "One-Time Filter" in node
    if "Relation Name" in node and not is_told and node["Node Type"] != "ModifyTable":
        yield node["Relation Name"]
    for each in node.get("Plans", ()):
        yield from scans(each, is_told=is_told)
