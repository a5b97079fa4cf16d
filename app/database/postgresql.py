"""Plain statements on a psycopg connection: prepared once, then one call of libpq each.

psycopg's cursors give the interpreter lock away several times per statement, to wait without blocking. Under many
threads each time costs a switch to another one; here the lock is given away once, for the whole round trip.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName, error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

PARAMETER = re.compile(r"\$([0-9]+)")


class Result:
    """The rows of a statement, or how many it changed; read like a cursor."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, transformer: Any, result: PGresult) -> None:
        if result.status == ExecStatus.TUPLES_OK:
            transformer.set_pgresult(result)
            self._rows: list[Any] = transformer.load_rows(0, result.ntuples, tuple)
        else:
            self._rows = []
        self.rowcount = result.command_tuples or 0

    def fetchone(self) -> Any:
        """The first row, or None."""
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[Any]:
        """All rows."""
        return self._rows


class Forgotten(psycopg.OperationalError):
    """A statement that was prepared cannot be run any more. Nothing was done; run again, it is prepared anew."""


class Statements:
    """Runs statements with ``$1`` parameters on one connection, which nobody else may use meanwhile."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._numbers = count()  # a name that is forgotten here may still be taken on the server

    def execute(self, statement: str, values: Sequence[Any]) -> Result:
        """Run ``statement``; raises :class:`Forgotten` or what of ``psycopg.Error`` the server's answer asks for."""
        raw: Any = self._connection.pgconn
        transformer: Any = Transformer(self._connection)
        sent = transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        known = (statement, transformer.types or ())
        if is_new := (name := self._names.get(known)) is None:
            name = self._names[known] = self._prepare(raw, statement, transformer.types)
        try:
            return Result(transformer, _require(raw.exec_prepared(name, sent, transformer.formats)))
        except (InvalidSqlStatementName, FeatureNotSupported) as error:
            if is_new:
                raise
            # Somebody in between (a pooler, DEALLOCATE ALL) took it away, or a migration changed what it answers; most
            # likely that is true of others.
            self._names.clear()
            raise Forgotten("A prepared statement is no longer good") from error

    def _prepare(self, raw: Any, statement: str, types: Sequence[int] | None) -> bytes:
        name = f"statement_{next(self._numbers)}".encode()
        _require(raw.prepare(name, statement.encode(), types))
        return name


def tell(connection: "psycopg.Connection[Any]", command: str) -> None:
    """Begin or end a transaction. A COMMIT that the server turned into a ROLLBACK is an error."""
    result = _require(connection.pgconn.exec_(command.encode()))
    if result.command_status != command.encode():
        raise psycopg.OperationalError(f"{command} was not carried out", info=result)


def is_in_transaction(connection: "psycopg.Connection[Any]") -> bool:
    """Whether a transaction was begun and not ended."""
    return bool(connection.pgconn.transaction_status)  # 0 is PQTRANS_IDLE


@lru_cache(maxsize=64)
def joined(statements: tuple[str, ...]) -> str:
    """One statement that does what these, which write and return nothing, do; parameters are numbered through.

    All see the database as it was before, and references between their rows are checked at the end.
    """
    parts: list[str] = []
    count = 0
    for statement in statements:
        parts.append(PARAMETER.sub(lambda found, before=count: f"${int(found[1]) + before}", statement))  # type: ignore[misc]
        count += max((int(number) for number in PARAMETER.findall(statement)), default=0)
    *first, last = parts
    named = ", ".join(f"part_{number} AS ({part})" for number, part in enumerate(first))
    return f"WITH {named} {last}" if named else last


def _require(result: PGresult) -> PGresult:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        error = error_from_result(result)
        # No state comes from no server: libpq says that the connection broke.
        raise error if error.sqlstate else psycopg.OperationalError(str(error))
    return result
