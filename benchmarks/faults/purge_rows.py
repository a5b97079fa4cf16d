"""R21: a million expired codes and tokens are removed while people go on. Nobody waits, and the space is used again."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import sqlalchemy as sa

from app.models import AuthorizationCode, Base, RefreshToken, TokenFamily
from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import Stand, on_postgresql, on_sqlite
from benchmarks.faults.wire import HASHING, percentile
from tests.servers import unrestricted_engine

BATCH = 50_000
CALM_SECONDS = 10.0
LONGEST_SECONDS = 900.0
# What may not be exceeded: the calm time's percentile so many times, and never less than this many seconds.
TIMES_SLOWER, SECONDS_NOTICED = 2.0, 0.1
MOST_GROWTH = 1.1
MOST_LOG_BYTES = 64 * 1024 * 1024
TABLES = ("authorization_codes", "token_families", "refresh_tokens")
# Shares of all rows, with what each row has of its own; the rest is copied from a row of the load.
SHARES: tuple[tuple[type[Base], float, dict[str, str]], ...] = (
    (AuthorizationCode, 0.4, {"code_hash": "{hash}", "redeemed_at": "NULL", "family_id": "NULL"}),
    (TokenFamily, 0.3, {"id": "{family}", "revoked_at": "NULL", "revoke_reason": "NULL"}),
    (
        RefreshToken,
        0.3,
        {
            "id": "{family}",
            "token_hash": "{hash}",
            "family_id": "{family}",
            "rotation_count": "0",
            "rotated_at": "NULL",
            "revoked_at": "NULL",
            "successor_hash": "NULL",
            "sealed_successor": "NULL",
        },
    ),
)
WORDS = {
    "postgresql": {
        "series": "generate_series({first}, {last}) AS series(i)",
        "hash": "encode(sha256(('{table}' || i)::bytea), 'hex')",
        "family": "md5('family' || i)::uuid::text",
        "long_ago": "now() - interval '3 days'",
    },
    "sqlite": {
        "series": (
            "(WITH RECURSIVE series(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM series WHERE i < {last})"
            " SELECT i FROM series) AS series"
        ),
        "hash": "lower(hex(randomblob(32)))",
        "family": "printf('%08x-0000-4000-8000-%012x', i * 2654435761 % 4294967296, i)",
        "long_ago": "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-3 days')",
    },
}


def purged(run: Run) -> None:
    """Rows put in by SQL, then removed by the command that operators run."""
    rows = 1_000_000 if run.is_full else 100_000
    engine = unrestricted_engine(run.stand.portal.environment["DATABASE_URL"])
    for statement in _inserts(engine.dialect.name, rows):
        with engine.begin() as connection:
            connection.execute(sa.text(statement))
    _settle(run.stand, engine)
    full_size = _size(run.stand, engine)
    calm = time.monotonic()
    time.sleep(CALM_SECONDS)
    begun = time.monotonic()
    removed = _clean(run)
    ended = time.monotonic()
    before, during = _p99(run, calm, begun), _p99(run, begun, ended)
    run.has_bitten = removed >= rows
    run.facts.append(
        f"{removed:,} rows removed in {ended - begun:.0f} s; p99 {before * 1000:.0f} ms before, {during * 1000:.0f} ms"
        " meanwhile"
    )
    if during > max(TIMES_SLOWER * before, SECONDS_NOTICED):
        run.problems.append("requests took more than twice as long meanwhile")
    _judge_space(run, engine, rows, full_size)


def _p99(run: Run, begin: float, end: float) -> float:
    """Of all requests that hash no password."""
    return percentile((sample for sample in run.tape.between(begin, end) if sample.kind not in HASHING), 0.99)


def _inserts(dialect: str, rows: int) -> Iterator[str]:
    """Statements that copy a row of each kind, each of at most :data:`BATCH` rows."""
    words = WORDS[dialect]
    for model, share, own in SHARES:
        table, count = cast(sa.Table, model.__table__), int(rows * share)
        known = {"hash": words["hash"].format(table=table.name), "family": words["family"]}
        values = {name: f"template.{name}" for name in table.columns.keys()}  # noqa: SIM118
        values |= {name: value.format(**known) for name, value in own.items()}
        values |= dict.fromkeys(("created_at", "expires_at"), words["long_ago"])
        for first in range(1, count + 1, BATCH):
            series = words["series"].format(first=first, last=min(count, first + BATCH - 1))
            yield (
                f"INSERT INTO {table.name} ({', '.join(values)}) SELECT {', '.join(values.values())}"  # noqa: S608
                f" FROM (SELECT * FROM {table.name} LIMIT 1) AS template CROSS JOIN {series}"
            )


def _clean(run: Run) -> int:
    """Run the command to its end; answers how many rows of :data:`TABLES` it says it removed."""
    command = run.stand.command("tokens", "cleanup", "--json")
    output, errors = command.communicate(timeout=LONGEST_SECONDS)
    if command.returncode:
        run.problems.append(f"the command failed: {errors[-500:]}")
        return 0
    removed = json.loads(output)
    return sum(removed[table] for table in TABLES)


def _judge_space(run: Run, engine: sa.Engine, rows: int, full_size: int) -> None:
    """The tables have not grown, and as many rows again fit into the space that was left."""
    after = _size(run.stand, engine)
    log = _log_size(engine)
    _settle(run.stand, engine)
    for statement in _inserts(engine.dialect.name, rows // 10):
        with engine.begin() as connection:
            connection.execute(sa.text(statement))
    _settle(run.stand, engine)
    again = _size(run.stand, engine)
    run.facts.append(
        f"{_megabytes(full_size)} with them, {_megabytes(after)} after the removal, {_megabytes(again)} with a tenth of"
        " them put in again"
    )
    if max(after, again) > MOST_GROWTH * full_size:
        run.problems.append("the tables grew by being cleaned")
    if log > MOST_LOG_BYTES:
        run.problems.append(f"SQLite's log grew to {_megabytes(log)}")
    _clean(run)


def _settle(stand: Stand, engine: sa.Engine) -> None:
    """What the database does by itself sooner or later."""
    if stand.cluster is not None:
        for table in TABLES:
            stand.cluster.ask(f"VACUUM (ANALYZE) {table}")
        stand.cluster.ask("CHECKPOINT")
        return
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _size(stand: Stand, engine: sa.Engine) -> int:
    """Bytes of the tables with their indexes; of the whole file on SQLite."""
    if stand.cluster is not None:
        return sum(int(stand.cluster.ask(f"SELECT pg_total_relation_size('{table}')")[0][0]) for table in TABLES)
    return Path(str(engine.url.database)).stat().st_size


def _log_size(engine: sa.Engine) -> int:
    log = Path(f"{engine.url.database}-wal")
    return log.stat().st_size if engine.dialect.name == "sqlite" and log.exists() else 0


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.0f} MB"


ROWS = (
    Row("R21 postgresql", "expired codes and tokens removed, PostgreSQL", on_postgresql, purged),
    Row("R21 sqlite", "expired codes and tokens removed, SQLite", on_sqlite, purged),
)
