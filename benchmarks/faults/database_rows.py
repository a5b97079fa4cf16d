"""R24 to R27: the database hangs, another server takes over, a pooler shares connections, two nodes migrate at once.

While nobody can be asked everything is 503, in bounded time, and what needs no database goes on being answered.
"""

import functools
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.database.schema import MIGRATIONS, known
from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import Cluster, behind_a_pooler, on_postgresql, on_sqlite, on_two_servers
from benchmarks.faults.wire import Line, Tape, percentile

UNAVAILABLE = frozenset({503})
# Of DB_STATEMENT_TIMEOUT, the grace after it, the question whether a connection lives, and DB_CONNECT_TIMEOUT.
MOST_SECONDS = 5 + 1 + 2 + 3 + 1.0
PROBE_SECONDS = 0.2
WITHOUT_DATABASE = ("/health", "/.well-known/openid-configuration", "/.well-known/jwks.json")
LATER = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "9001", "{head}", None, None
oldest_code = "{head}"


def upgrade() -> None:
    for table in ("users", "clients", "refresh_tokens", "user_sessions"):
        op.add_column(table, sa.Column("later", sa.String(10), server_default="", nullable=False))


def downgrade() -> None:
    pass
"""


@contextmanager
def probed(run: Run, paths: tuple[str, ...] = WITHOUT_DATABASE) -> Iterator[Tape]:
    """Ask for what needs no database meanwhile, and for readiness."""
    tape, over = Tape(), threading.Event()

    def ask() -> None:
        line = Line(run.stand.port, tape)
        while not over.wait(PROBE_SECONDS):
            for path in (*paths, "/ready"):
                line.ask(path, "GET", path)
        line.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield tape
    finally:
        over.set()
        thread.join()
        plain = [sample for sample in tape.samples if sample.kind != "/ready"]
        slowest = max((sample.seconds for sample in plain), default=0.0)
        run.facts.append(
            f"{len(plain)} answers without the database, the slowest {slowest:.2f} s, half within "
            f"{percentile(plain, 0.5):.3f} s"
        )
        run.problems += [f"{sample.status} at {sample.kind}" for sample in plain if sample.has_failed]


def hung(run: Run) -> None:
    """Every process of the server stopped; the system goes on accepting connections and acknowledging packets."""
    cluster = _cluster(run)
    with probed(run) as tape:
        cluster.pause()
        try:
            time.sleep(run.seconds(15, 60))
        finally:
            cluster.resume()
    said = {sample.status for sample in tape.samples if sample.kind == "/ready"}
    if 503 not in said:
        run.problems.append(f"readiness said {said} while the server hung")


def failed_over(run: Run) -> None:
    """The primary only reads for some seconds, then its copy is promoted; the old one stays, and only reads."""
    old, new = _cluster(run), run.stand.copy
    assert new is not None
    with probed(run) as tape:
        old.let_write(is_writing=False)
        time.sleep(run.seconds(6, 30))
        new.promote()
    if 503 not in {sample.status for sample in tape.samples if sample.kind == "/ready"}:
        run.problems.append("readiness did not say that the server only reads")
    # What is looked at from here on is the one that took over.
    run.stand.cluster = new
    run.stand.portal.environment["DATABASE_URL"] = new.url("portal")


def pooled(run: Run) -> None:
    """Some seconds of load over a few connections that everybody shares, and the pooler restarted in the middle."""
    pooler, half = run.stand.pooler, run.seconds(6, 30)
    assert pooler is not None
    time.sleep(half)
    pooler.stop()
    time.sleep(1)
    pooler.start()
    began = time.monotonic()
    time.sleep(half)
    answered = [sample for sample in run.tape.between(began, time.monotonic()) if not sample.has_failed]
    run.facts.append(f"{len(answered) / half:.0f} requests/s over the pooler's connections")


def migrated_twice(run: Run) -> None:
    """Two nodes of newer code migrate at once while this one serves, then two seed at once."""
    newer = run.stand.directory / "newer"
    subprocess.run(["cp", "-r", str(MIGRATIONS), str(newer)], check=True)  # noqa: S603, S607
    (newer / "versions" / "9001_later.py").write_text(LATER.format(head=known()[0]))
    began = time.monotonic()
    for words in (("db", "upgrade", "-d", str(newer)), ("seed", "--json")):
        two = [run.stand.command(*words) for _ in range(2)]
        said = [each.communicate(timeout=120) for each in two]
        if [each.returncode for each in two] != [0, 0] or any("Traceback" in error for _, error in said):
            run.problems.append(f"{words[0]}: {[error[-300:] for _, error in said]}")
        if words[0] == "seed" and any(json.loads(out or "[]") for out, _ in said):
            run.problems.append("something was seeded again")
    run.facts.append(f"two migrations and two seeds in {time.monotonic() - began:.1f} s")
    current = run.stand.command("db", "current", "-d", str(newer)).communicate(timeout=60)[0]
    run.has_bitten = "9001" in current
    run.facts.append(f"the schema is revision {current.split()[0] if current.split() else current}")


def _cluster(run: Run) -> Cluster:
    assert run.stand.cluster is not None
    return run.stand.cluster


def _migrating(name: str, stand: Callable[..., object]) -> Row:
    return Row(f"R27 {name}", f"Two nodes migrate and seed at once ({name})", stand, migrated_twice, UNAVAILABLE)  # type: ignore[arg-type]


ROWS = (
    Row("R24", "PostgreSQL hangs (SIGSTOP)", on_postgresql, hung, UNAVAILABLE, slowest=MOST_SECONDS),
    Row("R25", "The primary becomes read-only, a copy takes over", on_two_servers, failed_over, UNAVAILABLE),
    Row(
        "R26",
        "PgBouncer in transaction mode, restarted",
        functools.partial(behind_a_pooler, 3),
        pooled,
        UNAVAILABLE,
        people=16,
    ),
    _migrating("postgresql", on_postgresql),
    _migrating("sqlite", on_sqlite),
)
