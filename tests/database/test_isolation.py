"""PostgreSQL keeps the rows of people apart by itself: whatever the application's role asks, in plain SQL.

Tables, their columns and references are those that the database has, so a new one is held to it too.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.types.json import Jsonb

from app.database import ADMINISTRATION, AUTHENTICATION, NOBODY, PROTOCOL
from app.database import person as of_person
from app.database.contexts import Context
from app.models import Base, is_of_people
from tests.database.catalogue import Catalogue, column_of, row_of
from tests.servers import APPLICATION, PROJECT_ROOT

GUARDED = sorted(table.name for table in Base.metadata.tables.values() if is_of_people(table))
REFUSED = "row-level security|permission denied"


@pytest.fixture(scope="module")
def catalogue(postgres_databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """A seeded database with two more people, each with a row in every table of people."""
    with postgres_databases.fresh(tmp_path_factory.mktemp("isolation"), "seeded") as url:
        made = Catalogue(url)
        yield made
        made.engine.dispose()


@pytest.fixture
def role(catalogue: Catalogue) -> Iterator[psycopg.Connection[Any]]:
    """One connection of the application's role, as a pool hands it on; what it did is taken back."""
    with psycopg.connect(catalogue.url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


@contextmanager
def told(role: psycopg.Connection[Any], context: Context | None) -> Iterator[None]:
    """A transaction that says of itself what ``context`` says, or nothing; it is taken back."""
    role.execute("BEGIN")
    if context is not None:
        role.execute(context.commands)
    try:
        yield
    finally:
        role.execute("ROLLBACK")


def owners(role: psycopg.Connection[Any], table: sa.Table) -> set[Any]:
    """Whose rows a query finds that forgot to say whose."""
    return {who for (who,) in role.execute(f'SELECT DISTINCT "{column_of(table).name}" FROM "{table.name}"')}  # type: ignore[call-overload]  # noqa: S608


def inserted(role: psycopg.Connection[Any], table: sa.Table, person: str) -> None:
    """Insert a row of somebody."""
    compiled = sa.insert(table).values(row_of(table, person)).compile(dialect=sa.dialects.postgresql.psycopg.dialect())
    values = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in compiled.params.items()}
    role.execute(str(compiled), values)  # type: ignore[call-overload]


def test_every_table_that_says_whose_its_rows_are_has_policies(catalogue: Catalogue) -> None:
    assert sorted(catalogue.guarded) == GUARDED
    with catalogue.engine.connect() as connection:
        states = connection.exec_driver_sql(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class "
            "WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        )
        assert {name for name, is_forced in states if is_forced} == set(GUARDED)
        policies = connection.exec_driver_sql("SELECT tablename, cmd, permissive, roles::text FROM pg_policies")
        verbs: dict[str, list[str]] = {}
        for table, verb, permissive, roles in policies:
            assert (permissive, roles) == ("PERMISSIVE", "{public}")
            verbs.setdefault(table, []).append(verb)
        four = ["DELETE", "INSERT", "SELECT", "UPDATE"]
        assert {table: sorted(each) for table, each in verbs.items()} == dict.fromkeys(GUARDED, four)


WORDS = {"read": "SELECT", "insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}


def test_what_each_part_reaches_is_what_the_documents_say(catalogue: Catalogue) -> None:
    text = (PROJECT_ROOT / "docs/database.md").read_text()
    heading, _, *lines = text[text.index("| of each person, in the table") :].split("\n\n")[0].splitlines()
    parts = [cell.strip(" `") for cell in heading.strip("|").split("|")[1:]]
    said = set()
    for line in lines:
        table, *cells = (cell.strip(" `") for cell in line.strip("|").split("|"))
        for part, cell in zip(parts, cells, strict=True):
            said |= {(table, part, WORDS[word]) for word in cell.split(", ") if word}
    with catalogue.engine.connect() as connection:
        rules = connection.exec_driver_sql("SELECT tablename, cmd, coalesce(qual, with_check) FROM pg_policies").all()
    true = {(table, part, verb) for table, verb, rule in rules for part in parts if f"'{part}'" in rule}
    assert true - said == said - true == set()
    # The rule reads each of the three settings, and no other word opens it.
    assert {word for *_, rule in rules for word in re.findall(r"'([\w.]+)'", rule)} == {
        *parts, "true", "app.current_user_id", "app.is_superuser", "app.part"
    }  # fmt: skip


def test_the_role_owns_nothing_and_bypasses_nothing(catalogue: Catalogue) -> None:
    with catalogue.engine.connect() as connection:

        def found(query: str) -> list[Any]:
            return [tuple(row) for row in connection.execute(sa.text(query), {"role": APPLICATION})]

        able = "rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"
        assert found(f"SELECT {able} FROM pg_roles WHERE rolname = :role") == [(False,)]  # noqa: S608
        assert found("SELECT roleid FROM pg_auth_members WHERE member = CAST(:role AS regrole)") == []
        assert found("SELECT relname FROM pg_class WHERE relowner = CAST(:role AS regrole)") == []
        # Row-level security says nothing of these.
        beyond = "'TRUNCATE, REFERENCES, TRIGGER'"
        kinds = "relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f')"
        assert found(f"SELECT relname FROM pg_class WHERE {kinds} AND has_table_privilege(:role, oid, {beyond})") == []  # noqa: S608
        assert found("SELECT has_schema_privilege(:role, 'public', 'CREATE')") == [(False,)]
        # No view reads with its owner's rights, no function runs with them, no number tells how many others there are.
        assert found("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'S')") == []  # fmt: skip # noqa: E501
        assert found("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == []


@pytest.mark.parametrize("name", GUARDED)
def test_a_forgotten_condition_reaches_the_rows_of_nobody_else(
    catalogue: Catalogue, role: psycopg.Connection[Any], name: str
) -> None:
    table, ada, bob = catalogue.guarded[name], catalogue.ada, catalogue.bob
    column, before = column_of(table).name, catalogue.rows(table, bob)
    assert before
    with told(role, of_person(ada)):
        assert owners(role, table) == {ada}
        # As text and with what is unreadable to a query's own condition.
        assert role.execute(f'SELECT count(*) FROM "{name}" WHERE "{column}" = %s', (bob,)).fetchone() == (0,)  # type: ignore[call-overload] # noqa: S608
        with role.cursor().copy(f'COPY "{name}" TO STDOUT') as lines:  # type: ignore[call-overload]
            copied = b"".join(lines)
        assert ada.encode() in copied
        assert bob.encode() not in copied
    for statement in (
        f'UPDATE "{name}" SET "{column}" = "{column}"',  # noqa: S608
        f'DELETE FROM "{name}"',  # noqa: S608
        f'SELECT 1 FROM "{name}" FOR UPDATE',  # noqa: S608
    ):
        with told(role, of_person(ada)):
            try:
                assert role.execute(statement).rowcount == 1  # type: ignore[call-overload]
            except psycopg.errors.InsufficientPrivilege:
                assert name == "oauth_audit_logs"
    for statement, values in (
        (f'UPDATE "{name}" SET "{column}" = %s', (bob,)),  # noqa: S608
        (f'TRUNCATE "{name}" CASCADE', ()),
    ):
        with told(role, of_person(ada)), pytest.raises(psycopg.errors.InsufficientPrivilege, match=REFUSED):
            role.execute(statement, values)  # type: ignore[call-overload]
    with told(role, of_person(ada)), pytest.raises(psycopg.errors.InsufficientPrivilege, match=REFUSED):
        inserted(role, table, bob)
    assert catalogue.rows(table, bob) == before


NOTHING: dict[str, tuple[str, ...]] = {
    "no context at all": (),
    "nobody": (NOBODY.commands,),
    "empty words": ("SET LOCAL app.current_user_id = ''; SET LOCAL app.is_superuser = ''; SET LOCAL app.part = ''",),
    "something like true": ("SET LOCAL app.is_superuser = 'TRUE'", "SET LOCAL app.part = 'PROTOCOL'"),
    "a pattern": ("SET LOCAL app.current_user_id = '%'",),
    "somebody who is not there": ("SET LOCAL app.current_user_id = '00000000-0000-4000-8000-000000000000'",),
}


@pytest.mark.parametrize("commands", NOTHING.values(), ids=NOTHING)
def test_without_a_context_nothing_is_there(
    catalogue: Catalogue, role: psycopg.Connection[Any], commands: tuple[str, ...]
) -> None:
    for name, table in catalogue.guarded.items():
        for statement in (f'SELECT * FROM "{name}"', f'DELETE FROM "{name}"'):  # noqa: S608
            with told(role, None):
                for command in commands:
                    role.execute(command)  # type: ignore[call-overload]
                try:
                    assert role.execute(statement).rowcount == 0, (name, statement)  # type: ignore[call-overload]
                except psycopg.errors.InsufficientPrivilege:
                    assert name == "oauth_audit_logs"
        with told(role, None):
            for command in commands:
                role.execute(command)  # type: ignore[call-overload]
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match=REFUSED):
                inserted(role, table, catalogue.ada)


def test_nothing_is_carried_to_whoever_has_the_connection_next(
    catalogue: Catalogue, role: psycopg.Connection[Any]
) -> None:
    """After a transaction that lasted, one that was taken back, one that an error ended, and one within a savepoint."""
    users = catalogue.guarded["users"]
    wide = (of_person(catalogue.ada), ADMINISTRATION, PROTOCOL, AUTHENTICATION)
    for context in wide:
        for end in ("COMMIT", "ROLLBACK"):
            role.execute(f"BEGIN; {context.commands}")  # type: ignore[call-overload]
            assert owners(role, users)
            role.execute(end)  # type: ignore[call-overload]
            assert owners(role, users) == set()
        role.execute(f"BEGIN; {context.commands}")  # type: ignore[call-overload]
        with pytest.raises(psycopg.errors.DivisionByZero):
            role.execute("SELECT 1 / 0")
        role.execute("ROLLBACK")
        assert owners(role, users) == set()
        # A setting of the savepoint is gone with it, and one for good ends with the transaction.
        role.execute("BEGIN; SAVEPOINT one")
        role.execute(context.commands)  # type: ignore[call-overload]
        role.execute("ROLLBACK TO SAVEPOINT one")
        assert owners(role, users) == set()
        role.execute(context.commands)  # type: ignore[call-overload]
        role.execute("COMMIT")
        assert owners(role, users) == set()
        # Outside of a transaction it holds for nothing.
        role.execute(context.commands)  # type: ignore[call-overload]
        assert owners(role, users) == set()


def test_a_plan_that_is_kept_reads_the_context_anew(catalogue: Catalogue, role: psycopg.Connection[Any]) -> None:
    role.execute("SET plan_cache_mode = force_generic_plan")
    role.execute("PREPARE whose AS SELECT id FROM users WHERE is_active OR NOT is_active")
    role.execute("PREPARE tokens (text) AS SELECT user_id FROM refresh_tokens WHERE user_id = $1")
    for _ in range(3):
        for me, other in ((catalogue.ada, catalogue.bob), (catalogue.bob, catalogue.ada)):
            with told(role, of_person(me)):
                assert role.execute("EXECUTE whose").fetchall() == [(me,)]
                assert role.execute(f"EXECUTE tokens ('{other}')").fetchall() == []
        with told(role, None):
            assert role.execute("EXECUTE whose").fetchall() == []


def test_no_join_reaches_further(catalogue: Catalogue, role: psycopg.Connection[Any]) -> None:
    pairs = catalogue.references()
    assert len(pairs) > 100
    with told(role, of_person(catalogue.ada)):
        for one, other, condition in pairs:
            for first, second in ((one, other), (other, one)):
                aliases = first.alias("one"), second.alias("two")
                spoken = _compiled(sa.select(*aliases).select_from(_joined(aliases, (one, other), condition)))
                cursor = role.execute(spoken)  # type: ignore[call-overload]
                assert catalogue.bob not in repr(cursor.fetchall()), spoken


def _joined(aliases: tuple[Any, Any], tables: tuple[sa.Table, sa.Table], condition: Any) -> Any:
    by_table = {alias.element.name: alias for alias in aliases}
    if isinstance(condition, sa.sql.elements.BinaryExpression) and tables[0] is not tables[1]:
        left, right = condition.left, condition.right
        condition = by_table[left.table.name].c[left.name] == by_table[right.table.name].c[right.name]
    else:
        condition = sa.true()
    return aliases[0].outerjoin(aliases[1], condition, full=False)


def _compiled(query: Any) -> str:
    return str(query.compile(dialect=sa.dialects.postgresql.psycopg.dialect()))


def test_no_reference_and_no_cascade_takes_along_what_is_somebody_elses(
    catalogue: Catalogue, role: psycopg.Connection[Any]
) -> None:
    """The rows that go with a person are that person's."""
    before = {name: catalogue.rows(table, catalogue.bob) for name, table in catalogue.guarded.items()}
    with told(role, of_person(catalogue.ada)):
        assert role.execute("DELETE FROM users").rowcount == 1
        for table in catalogue.guarded.values():
            assert owners(role, table) <= {catalogue.ada}
    assert {name: catalogue.rows(table, catalogue.bob) for name, table in catalogue.guarded.items()} == before
