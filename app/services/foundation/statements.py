"""Statements of the busiest paths: written with SQLAlchemy Core, compiled once, run by the driver alone.

Preparing, caching and unpacking a Core statement costs several times what the driver and SQLite need for it, so where a
request is answered thousands of times a second that work is done once. Types convert as everywhere else.
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.services.foundation.environment import Database

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


class _Prepared:
    """A statement in the words of one database: SQL, how values go in, how rows come out."""

    def __init__(self, core: sa.Executable, columns: Sequence[str], dialect: sa.Dialect, schema: str | None) -> None:
        names = list(columns) or None
        # PostgreSQL numbers its parameters; psycopg's cursors, which would do that for us, are not used.
        spoken = cast(Any, type(dialect))(paramstyle="numeric_dollar") if dialect.name == "postgresql" else dialect
        compiled = cast(SQLCompiler, cast(Any, core).compile(dialect=spoken, column_keys=names, **_in(schema)))
        self.sql = str(compiled)
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

    What one that writes returns (``RETURNING``) is read as rows are.
    """

    def __init__(self, core: sa.Executable, columns: Sequence[str] = ()) -> None:
        self._core = core
        self._columns = columns
        self._writes = not isinstance(core, sa.Select) or core._for_update_arg is not None
        self._prepared: dict[tuple[str, str | None], _Prepared] = {}

    def first(self, db: Database, **values: Any) -> Any:
        """The first row, its columns as attributes, or None."""
        prepared = self._for(db)
        row = db.execute(prepared.sql, prepared.values(values), writes=self._writes).fetchone()
        return None if row is None else prepared.unpacked(row)

    def first_alone(self, db: Database, **values: Any) -> Any:
        """As :meth:`first`, of what writes on PostgreSQL, as a transaction of its own unless one is under way."""
        prepared = self._for(db)
        row = db.execute(prepared.sql, prepared.values(values), writes=False).fetchone()
        return None if row is None else prepared.unpacked(row)

    def all(self, db: Database, **values: Any) -> list[Any]:
        """All rows."""
        prepared = self._for(db)
        rows = db.execute(prepared.sql, prepared.values(values), writes=self._writes).fetchall()
        return [prepared.unpacked(row) for row in rows]

    def run(self, db: Database, **values: Any) -> int:
        """How many rows were changed."""
        prepared = self._for(db)
        return int(db.execute(prepared.sql, prepared.values(values), writes=self._writes).rowcount)

    def run_later(self, db: Database, **values: Any) -> None:
        """Run when the unit of work needs it to have been run: neighbours then cost one round trip, not one each."""
        prepared = self._for(db)
        db.execute_later(prepared.sql, prepared.values(values))

    def run_alone(self, db: Database, **values: Any) -> int:
        """Run as a transaction of its own, unless one is under way; answers how many rows were changed."""
        prepared = self._for(db)
        return db.execute_alone(prepared.sql, prepared.values(values))

    def _for(self, db: Database) -> _Prepared:
        dialect, schema = db.speech
        if (prepared := self._prepared.get((dialect.name, schema))) is None:
            prepared = self._prepared[dialect.name, schema] = _Prepared(self._core, self._columns, dialect, schema)
        return prepared


def _in(schema: str | None) -> dict[str, Any]:
    """What the compiler has to know to name tables in a schema."""
    return {"schema_translate_map": {None: schema}, "render_schema_translate": True} if schema else {}


def insert_ignoring(dialect: sa.Dialect, table: sa.Table) -> "postgresql.Insert | sqlite.Insert":
    """An insert that leaves alone what is there already: another request put it there, maybe in this very moment."""
    if dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def _of(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Any:
    return kind.dialect_impl(dialect)
