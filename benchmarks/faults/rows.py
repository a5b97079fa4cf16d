"""What the tables must agree on, whatever happened: owners, generations, nothing half ended, nothing left locked."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import sqlalchemy as sa

from app.models import Base
from benchmarks.faults.client import CLIENT_ID
from benchmarks.faults.stand import Stand
from benchmarks.faults.standing import Standing
from tests.servers import unrestricted_engine

PATIENCE_SECONDS = 5
IDLE = (
    "SELECT pid, xact_start FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    " AND state LIKE 'idle in transaction%'"
)
IDLE_SECONDS = 2.0
"""How long a transaction in which nothing happens is no fault yet."""
LOCKS = (
    "SELECT DISTINCT a.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()"
    " AND a.xact_start < now() - interval '5 seconds'"
)
# Each answers what should not be.
RULES = {
    "a spent code without its family": (
        "SELECT c.code_hash FROM authorization_codes c LEFT JOIN token_families f ON f.id = c.family_id"
        " WHERE c.redeemed_at IS NOT NULL AND f.id IS NULL"
    ),
    "a family without its code": (
        "SELECT f.id FROM token_families f LEFT JOIN authorization_codes c ON c.family_id = f.id"
        " WHERE c.family_id IS NULL"
    ),
    "a family of several codes": (
        "SELECT family_id FROM authorization_codes WHERE family_id IS NOT NULL GROUP BY family_id HAVING count(*) > 1"
    ),
    "a family without a refresh token": (
        "SELECT f.id FROM token_families f LEFT JOIN refresh_tokens r ON r.family_id = f.id WHERE r.id IS NULL"
    ),
    "two refresh tokens of one generation": (
        "SELECT family_id FROM refresh_tokens GROUP BY family_id, rotation_count HAVING count(*) > 1"
    ),
    "a family with two leaves": (
        "SELECT family_id FROM refresh_tokens WHERE rotated_at IS NULL GROUP BY family_id HAVING count(*) > 1"
    ),
    "a used refresh token without its successor": (
        "SELECT old.id FROM refresh_tokens old LEFT JOIN refresh_tokens new ON new.token_hash = old.successor_hash"
        " WHERE old.rotated_at IS NOT NULL AND new.id IS NULL"
    ),
    "a refresh token of another person or client than its family": (
        "SELECT r.id FROM refresh_tokens r JOIN token_families f ON f.id = r.family_id"
        " WHERE r.user_id <> f.user_id OR r.client_id <> f.client_id"
    ),
    "a live refresh token in an ended family": (
        "SELECT r.id FROM refresh_tokens r JOIN token_families f ON f.id = r.family_id"
        " WHERE f.revoked_at IS NOT NULL AND r.revoked_at IS NULL"
    ),
    "a live family of an ended session": (
        "SELECT f.id FROM token_families f JOIN user_sessions s ON s.id = f.session_id"
        " WHERE s.ended_at IS NOT NULL AND f.revoked_at IS NULL"
    ),
    "an access token of an ended family that is not on the denylist": (
        "SELECT r.id FROM refresh_tokens r LEFT JOIN revoked_tokens d ON d.jti = r.access_jti"
        " WHERE r.revoked_at IS NOT NULL AND r.access_expires_at > :now AND d.jti IS NULL"
    ),
}


def judge(stand: Stand, standing: Standing) -> list[str]:
    """Every rule that is broken."""
    engine = unrestricted_engine(stand.portal.environment["DATABASE_URL"])
    with closing(engine.connect()) as connection:
        found = [*_orphans(connection), *_broken_rules(connection), *_forgotten(connection, standing)]
    return found + (_left_in_postgresql(stand) if stand.cluster else _left_in_sqlite(stand))


def _orphans(connection: sa.Connection) -> Iterator[str]:
    """Rows whose owner is gone: one query for each reference of each table."""
    for table in Base.metadata.sorted_tables:
        for reference in table.foreign_keys:
            owner = reference.column.table.alias("owner")
            join = table.outerjoin(owner, reference.parent == owner.c[reference.column.name])
            query = sa.select(sa.func.count()).select_from(join)
            lost = reference.parent.is_not(None) & owner.c[reference.column.name].is_(None)
            if count := connection.execute(query.where(lost)).scalar_one():
                yield f"rows: {count} of {table.name}.{reference.parent.name} without their owner"


def _broken_rules(connection: sa.Connection) -> Iterator[str]:
    now = datetime.now(UTC)
    at = now if connection.dialect.name == "postgresql" else now.replace(tzinfo=None).isoformat(" ", "microseconds")
    for name, query in RULES.items():
        values = {"now": at} if ":now" in query else {}
        if broken := connection.execute(sa.text(query), values).all():
            yield f"rows: {len(broken)} times {name}"


def _forgotten(connection: sa.Connection, standing: Standing) -> Iterator[str]:
    """People and consents that were acknowledged and are not there."""
    people = set(connection.execute(sa.text("SELECT email FROM users")).scalars())
    given = sa.text(
        "SELECT u.email FROM consents c JOIN users u ON u.id = c.user_id"
        " WHERE c.client_id = :client AND c.withdrawn_at IS NULL"
    )
    consents = set(connection.execute(given, {"client": CLIENT_ID}).scalars())
    yield from (f"rows: {email} registered and is not there" for email in sorted(standing.registered - people))
    yield from (f"rows: {email} consented and it is not there" for email in sorted(standing.consented - consents))


def _left_in_postgresql(stand: Stand) -> list[str]:
    assert stand.cluster is not None
    idle = set(stand.cluster.ask(IDLE))
    if idle:  # the portal's own rounds go on, and stand between two statements for a moment
        time.sleep(IDLE_SECONDS)
        idle &= set(stand.cluster.ask(IDLE))
    found = [f"rows: {len(idle)} connections idle in a transaction"] if idle else []
    return found + ([f"rows: {len(locks)} locks older than 5 s"] if (locks := stand.cluster.ask(LOCKS)) else [])


def _left_in_sqlite(stand: Stand) -> list[str]:
    path = sa.make_url(stand.portal.environment["DATABASE_URL"]).database
    with closing(sqlite3.connect(str(path), timeout=PATIENCE_SECONDS, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return [f"rows: the file was locked for {PATIENCE_SECONDS} s"]
        whole = connection.execute("PRAGMA integrity_check").fetchall()
    return [] if whole == [("ok",)] else [f"rows: the file is damaged: {whole[:3]}"]
