"""Plain statements on a psycopg connection: prepared once, then one call of libpq each.

psycopg's cursors give the interpreter lock away several times per statement, to wait without blocking. Under many
threads each time costs a switch to another one; here the lock is given away once, for the whole round trip.
"""

import re
import time
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import (
    DuplicatePreparedStatement,
    FeatureNotSupported,
    InvalidSqlStatementName,
    error_from_result,
)
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from app.database.patience import PatientConnection

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
    """Runs statements with ``$1`` parameters on one connection, which nobody else may use meanwhile.

    Behind a pooler that is not true of the server's side of it: what was prepared there under a name may be somebody
    else's. There nothing is prepared (``is_shared``), and ``at_begin`` follows every BEGIN, for settings of a session
    would be those of all. Elsewhere a name is the hash of its statement, so that it never stands for another one.
    """

    def __init__(self, connection: PatientConnection, *, is_shared: bool = False, at_begin: str = "") -> None:
        self._connection = connection
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._numbers = count()  # a name that is forgotten here may still be taken on the server
        self._is_shared = is_shared
        self.at_begin = at_begin

    def execute(self, statement: str, values: Sequence[Any]) -> Result:
        """Run ``statement``; raises :class:`Forgotten` or what of ``psycopg.Error`` the server's answer asks for."""
        connection = self._connection
        raw: Any = connection.pgconn
        transformer: Any = Transformer(connection)
        sent = transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        types = transformer.types or ()
        connection.asked = time.monotonic()
        try:
            if self._is_shared:
                answer = raw.exec_params(statement.encode(), sent, types, transformer.formats)
                return Result(transformer, _require(answer))
            return self._run_prepared(raw, transformer, statement, sent, types)
        finally:
            connection.asked = 0.0

    def _run_prepared(self, raw: Any, transformer: Any, statement: str, sent: Any, types: tuple[int, ...]) -> Result:
        if is_new := (name := self._names.get((statement, types))) is None:
            name = self._names[statement, types] = self._prepare(raw, statement, types)
        try:
            return Result(transformer, _require(raw.exec_prepared(name, sent, transformer.formats)))
        except (InvalidSqlStatementName, FeatureNotSupported) as error:
            if is_new and isinstance(error, FeatureNotSupported):
                raise
            # Prepared a moment ago, and not there: what was asked was another connection of the server.
            self._is_shared = self._is_shared or is_new
            # Else somebody (DEALLOCATE ALL) took it away, or a migration changed what it answers; most likely that is
            # true of others.
            self._names.clear()
            raise Forgotten("A prepared statement is no longer good") from error

    def _prepare(self, raw: Any, statement: str, types: tuple[int, ...]) -> bytes:
        meant = sha256(f"{types}{statement}".encode()).hexdigest()[:40]
        name = f"statement_{meant}_{next(self._numbers)}".encode()
        try:
            _require(raw.prepare(name, statement.encode(), types))
        except DuplicatePreparedStatement as error:
            # Nobody but this connection gives such names: its server is not its own after all.
            self._is_shared = True
            raise Forgotten("A prepared statement is somebody else's") from error
        return name


def tell_server(connection: PatientConnection, commands: str) -> PGresult:
    """Run plain commands, separated by semicolons; answers the result of the last one."""
    connection.asked = time.monotonic()
    try:
        return _require(connection.pgconn.exec_(commands.encode()))
    finally:
        connection.asked = 0.0


def is_pooled(connection: PatientConnection) -> bool:
    """Whether a pooler stands in between: the server is another one than the connection was introduced to."""
    result = tell_server(connection, "SELECT pg_backend_pid()")
    return int(result.get_value(0, 0) or b"0") != connection.pgconn.backend_pid


def tell(connection: PatientConnection, command: str) -> None:
    """Begin or end a transaction. A COMMIT that the server turned into a ROLLBACK is an error."""
    result = tell_server(connection, command)
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
