"""Statements of the busiest paths: written with SQLAlchemy Core, compiled once, run by the driver alone.

Preparing, caching and unpacking a Core statement costs several times what the driver and SQLite need for it, so where a
request is answered thousands of times a second that work is done once. Types convert as everywhere else.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.models import Base, is_of_people
from app.services.foundation.environment import Database

WORD = re.compile(r"\w+")
Convert = Callable[[Any], Any] | None


class json_rows(FunctionElement[str]):  # noqa: N801 named as functions of SQL are
    """The rows of a query as one JSON text, a list of lists of the columns named; in no order; none may be NULL."""

    type = sa.Text()
    inherit_cache = True


@compiles(json_rows, "sqlite")
def _of_sqlite(element: json_rows, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **options)}))"


@compiles(json_rows, "postgresql")
def _of_postgresql(element: json_rows, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_agg(json_build_array({compiler.process(element.clauses, **options)})) AS TEXT)"


TOLD = (
    sa.select(sa.func.set_config(sa.bindparam("told_name"), sa.bindparam("told_value"), sa.true()))
    .scalar_subquery()
    .is_not(None)
)
"""A condition, true always, by which a statement that is a transaction of its own says whose rows it may reach.

It depends on no row, so PostgreSQL asks it once and before it reads any (a one-time filter); were it ever otherwise,
policies would show no row. That spares the round trips of a transaction around one statement.
"""


class _Prepared:
    """A statement in the words of one database: SQL, how values go in, how rows come out."""

    def __init__(self, core: sa.Executable, columns: Sequence[str], dialect: sa.Dialect, schema: str | None) -> None:
        names = list(columns) or None
        # PostgreSQL numbers its parameters; psycopg's cursors, which would do that for us, are not used.
        spoken = cast(Any, type(dialect))(paramstyle="numeric_dollar") if dialect.name == "postgresql" else dialect
        compiled = cast(SQLCompiler, cast(Any, core).compile(dialect=spoken, column_keys=names, **_in(schema)))
        self.sql = str(compiled)
        self.writes = self.is_guarded = False
        self.telling_sql = ""
        self.telling_order: list[int | str] = []
        """Of :attr:`telling_sql` the places of its values among those of :attr:`sql`, and names of what is told."""
        # A default of the model would have to be computed for each row; here every column is given.
        if compiled.insert_prefetch or compiled.update_prefetch:
            raise ValueError(f"A value is missing for {[column.key for column in compiled.insert_prefetch]}")
        self.fixed = {name: bind.effective_value for bind, name in compiled.bind_names.items() if not bind.required}
        self.order = compiled.positiontup or []
        self.into: dict[str, Convert] = {
            name: _of(bind.type, dialect).bind_processor(dialect) for bind, name in compiled.bind_names.items()
        }
        shown = list(core.selected_columns if isinstance(core, sa.Select) else cast(Any, core).exported_columns)
        self.outof = [_of(column.type, dialect).result_processor(dialect, None) for column in shown]
        self.converts = any(self.outof)
        self.row: Any = namedtuple("Row", [str(column.key) for column in shown])  # type: ignore[misc]

    def values(self, given: dict[str, Any]) -> Any:
        """The values in the form and order the driver takes."""
        merged = {**self.fixed, **given}
        into = self.into
        return [convert(merged[name]) if (convert := into[name]) else merged[name] for name in self.order]

    def unpacked(self, row: Sequence[Any]) -> Any:
        """A driver's row with its columns' Python values, by name."""
        if not self.converts:
            return self.row._make(row)
        return self.row._make(
            [convert(value) if convert else value for convert, value in zip(self.outof, row, strict=True)]
        )


class Statement:
    """A Core statement. ``columns`` names what an insert sets; everything it sets is a value of each call.

    What one that writes returns (``RETURNING``) is read as rows are. ``telling`` is the same with :data:`TOLD` in each
    of its parts, for one of several parts that may be a transaction of its own.
    """

    def __init__(self, core: sa.Executable, columns: Sequence[str] = (), telling: sa.Executable | None = None) -> None:
        self._core = core
        self._columns = columns
        self._telling = telling
        self._writes = not isinstance(core, sa.Select) or core._for_update_arg is not None
        self._prepared: dict[tuple[str, str | None], _Prepared] = {}

    def first(self, db: Database, **values: Any) -> Any:
        """The first row, its columns as attributes, or None."""
        prepared = self._for(db)
        row = self._ask(db, prepared, values).fetchone()
        return None if row is None else prepared.unpacked(row)

    def first_alone(self, db: Database, **values: Any) -> Any:
        """As :meth:`first`, of what writes on PostgreSQL, as a transaction of its own unless one is under way."""
        prepared = self._for(db)
        row = self._ask(db, prepared, values, is_alone=True).fetchone()
        return None if row is None else prepared.unpacked(row)

    def all(self, db: Database, **values: Any) -> list[Any]:
        """All rows."""
        prepared = self._for(db)
        return [prepared.unpacked(row) for row in self._ask(db, prepared, values).fetchall()]

    def run(self, db: Database, **values: Any) -> int:
        """How many rows were changed."""
        prepared = self._for(db)
        return int(self._ask(db, prepared, values).rowcount)

    def run_later(self, db: Database, **values: Any) -> None:
        """Run when the unit of work needs it to have been run: neighbours then cost one round trip, not one each."""
        prepared = self._for(db)
        db.execute_later(prepared.sql, prepared.values(values))

    def run_alone(self, db: Database, **values: Any) -> int:
        """Run as a transaction of its own, unless one is under way; answers how many rows were changed."""
        prepared = self._for(db)
        if db.dialect.name == "postgresql":
            return int(self._ask(db, prepared, values, is_alone=True).rowcount)
        return db.execute_alone(prepared.sql, prepared.values(values))

    @staticmethod
    def _ask(db: Database, prepared: _Prepared, values: dict[str, Any], *, is_alone: bool = False) -> Any:
        given = prepared.values(values)

        def by_itself(told: Mapping[str, str]) -> tuple[str, Any]:
            order = prepared.telling_order
            return prepared.telling_sql, [given[each] if isinstance(each, int) else told[each] for each in order]

        # Alone, what touches no rows of people is a transaction without being told.
        writes = prepared.writes and (prepared.is_guarded or not is_alone)
        alone = by_itself if prepared.telling_sql else None
        return db.execute(prepared.sql, given, writes=writes, is_alone=is_alone, by_itself=alone)

    def _for(self, db: Database) -> _Prepared:
        dialect, schema = db.speech
        if (prepared := self._prepared.get((dialect.name, schema))) is None:
            prepared = self._prepared[dialect.name, schema] = self._prepare(dialect, schema)
        return prepared

    def _prepare(self, dialect: sa.Dialect, schema: str | None) -> _Prepared:
        prepared = _Prepared(self._core, self._columns, dialect, schema)
        prepared.writes = self._writes
        # Policies read what a transaction says of itself; what reads no rows of people needs to say nothing.
        if dialect.name == "postgresql" and not _guarded().isdisjoint(WORD.findall(prepared.sql)):
            prepared.is_guarded = True
            telling = self._telling if self._telling is not None else _telling(self._core, self._columns)
            # What cannot say it itself needs a transaction that does.
            prepared.writes = self._writes or telling is None
            if telling is not None:
                own, said = prepared.order, _Prepared(telling, (), dialect, schema)
                prepared.telling_sql = said.sql
                prepared.telling_order = [own.index(name) if name in own else name for name in said.order]
        return prepared


def _telling(core: sa.Executable, columns: Sequence[str]) -> sa.Executable | None:
    """The same saying itself whose rows it may reach, where it is plain enough; None where it is not."""
    if isinstance(core, sa.Select):
        return None if core._for_update_arg is not None else core.where(TOLD)
    if not isinstance(core, sa.Insert) or not columns or core._returning or core._post_values_clause is not None:
        return None
    row = sa.select(*(sa.bindparam(name, type_=core.table.c[name].type) for name in columns)).where(TOLD)
    return sa.insert(core.table).from_select([*columns], row, include_defaults=False)


@lru_cache(maxsize=1)
def _guarded() -> frozenset[str]:
    """The tables whose rows are of people."""
    return frozenset(name for name, table in Base.metadata.tables.items() if is_of_people(table))


def _in(schema: str | None) -> dict[str, Any]:
    """What the compiler has to know to name tables in a schema."""
    return {"schema_translate_map": {None: schema}, "render_schema_translate": True} if schema else {}


def insert_ignoring(dialect: sa.Dialect, table: sa.Table) -> "postgresql.Insert | sqlite.Insert":
    """An insert that leaves alone what is there already: another request put it there, maybe in this very moment."""
    if dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def insert_replacing(
    dialect: sa.Dialect, table: sa.Table, values: Mapping[str, Any]
) -> "postgresql.Insert | sqlite.Insert":
    """An insert of a row that takes the place of the one with its primary key, be it there since this very moment."""
    own = postgresql if dialect.name == "postgresql" else sqlite
    insert = cast("postgresql.Insert | sqlite.Insert", own.insert(table).values(**values))
    keys = [column.name for column in table.primary_key.columns]
    others = {name: value for name, value in values.items() if name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=others)


def adding(
    dialect: sa.Dialect, table: sa.Table, *, sums: Sequence[str], latest: Sequence[str]
) -> "postgresql.Insert | sqlite.Insert":
    """An insert that adds to what is there already the columns ``sums``, and keeps the later one of ``latest``."""
    insert = postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)
    later = sa.func.greatest if dialect.name == "postgresql" else sa.func.max
    new = insert.excluded
    changes = {name: table.c[name] + new[name] for name in sums}
    changes |= {name: later(table.c[name], new[name]) for name in latest}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes)


def _of(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Any:
    return kind.dialect_impl(dialect)
