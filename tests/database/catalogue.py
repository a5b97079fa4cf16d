"""What the database itself says of its tables, and rows of any of them."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from tests.servers import unrestricted_engine

KEPT = {"alembic_version", "schema_revisions"}
"""Tables of the migrations."""
VALUES = {
    sa.Boolean: lambda: False,
    sa.DateTime: lambda: datetime.datetime.now(datetime.UTC),
    sa.Date: lambda: datetime.datetime.now(datetime.UTC).date(),
    sa.Integer: lambda: uuid4().int % 2**31,
    sa.LargeBinary: lambda: b"x",
    sa.JSON: dict,
    sa.String: lambda: str(uuid4()),
}


@dataclass
class Catalogue:
    """The tables of a database, which of them say whose each row is, and two people with rows in all of these."""

    url: str
    ada: str = field(default_factory=lambda: str(uuid4()))
    bob: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        """Read the tables, and fill those of people."""
        self.engine = unrestricted_engine(self.url)
        self.tables = sa.MetaData()
        self.tables.reflect(self.engine)
        found = {name: table for name, table in self.tables.tables.items() if name not in KEPT}
        self.unguarded = {name for name, table in found.items() if owner_column(table) is None}
        self.guarded = {name: table for name, table in sorted(found.items()) if name not in self.unguarded}
        with self.beside_the_rules() as connection:
            for table in self.guarded.values():
                for person in (self.ada, self.bob):
                    connection.execute(sa.insert(table).values(row_of(table, person)))

    @contextmanager
    def beside_the_rules(self) -> Iterator[sa.Connection]:
        """A transaction of a superuser, in which nothing has to refer to anything."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            yield connection

    def rows(self, table: sa.Table, person: str) -> list[Any]:
        """The rows of one person, as the superuser sees them."""
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(table).where(column_of(table) == person)))

    def references(self) -> list[tuple[sa.Table, sa.Table, Any]]:
        """Pairs of tables that a query may join, at least one of them of people, with the condition.

        Along their references, and of any two tables of people on whom they are of.
        """
        along = [
            (table, key.column.table, key.parent == key.column)
            for table in self.tables.tables.values()
            for key in table.foreign_keys
            if table.name in self.guarded or key.column.table.name in self.guarded
        ]
        by_person = [(one, other, sa.true()) for one, other in combinations(self.guarded.values(), 2)]
        return along + by_person


def owner_column(table: sa.Table) -> sa.Column[Any] | None:
    """The column that says whose a row is."""
    return table.c.id if table.name == "users" else table.c.get("user_id")


def column_of(table: sa.Table) -> sa.Column[Any]:
    """As :func:`owner_column`, of a table that has one."""
    column = owner_column(table)
    assert column is not None
    return column


def row_of(table: sa.Table, person: str) -> dict[str, Any]:
    """Values for every column, none like those of another row."""
    made = {column.name: _value(column) for column in table.c}
    return {**made, column_of(table).name: person}


def _value(column: sa.Column[Any]) -> Any:
    kind = next(kind for kind in VALUES if isinstance(column.type, kind))
    value = VALUES[kind]()
    return value[: column.type.length] if isinstance(column.type, sa.String) else value
