"""R28: the portal is started with keys that open nothing; its keys are replaced, all is sealed anew, under load.

Nothing that cannot be answered may be spent: who is told 503 comes again with the same code or refresh token.
"""

import json
import time
from typing import Any

from cryptography.fernet import Fernet

from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import on_postgresql, on_sqlite
from benchmarks.faults.wire import LOST, Line, Tape

REFUSED = frozenset({LOST})
UNAVAILABLE = frozenset({LOST, 503})
LONGEST_WAIT_SECONDS = 60.0
SETTLED_SECONDS = 1.0


def wrong(run: Run) -> None:
    """Started with another key for a while, then with the right one."""
    _restart(run, Fernet.generate_key().decode())
    time.sleep(SETTLED_SECONDS)
    ready = _ready(run)
    if ready["status"] != "unavailable" or "does not open" not in ready["checks"]["keys"]:
        run.problems.append(f"ready with a wrong key: {ready}")
    before, began = _spent(run), time.monotonic()
    time.sleep(run.seconds(8, 30))
    refused = [sample for sample in run.tape.between(began, time.monotonic()) if sample.status == 503]
    if spent := _spent(run) - before:
        run.problems.append(f"{spent} codes were spent for nothing")
    run.facts.append(f"{len(refused)} requests were told 503, nothing was spent for them")
    del run.stand.portal.environment["ENCRYPTION_KEYS"]
    run.stand.portal.stop()
    run.stand.portal.start()


def rotated(run: Run) -> None:
    """A new key in front of the old one, everything sealed anew while people work, then the new key alone."""
    old = (run.stand.portal.instance / "encryption_key").read_text().strip()
    new = Fernet.generate_key().decode()
    _restart(run, f"{new},{old}")
    begun = time.monotonic()
    while (ended := _reseal(run)) != 0 and time.monotonic() - begun < LONGEST_WAIT_SECONDS:
        time.sleep(2)
    if ended:
        run.problems.append("keys reseal did not end well")
    run.has_bitten = not ended
    _restart(run, new)
    time.sleep(SETTLED_SECONDS)
    if (ready := _ready(run))["checks"]["keys"] != "ok":
        run.problems.append(f"not ready with the new key alone: {ready}")


def _reseal(run: Run) -> int:
    command = run.stand.command("keys", "reseal", "--json")
    told, refused = command.communicate(timeout=LONGEST_WAIT_SECONDS)
    if command.returncode == 0:
        kinds = {row["kind"]: row["anew"] for row in json.loads(told)}
        run.facts.append(", ".join(f"{anew} {kind}" for kind, anew in kinds.items()) + " sealed anew")
    elif "does not seal with the first" not in refused:
        run.problems.append(f"keys reseal: {refused.strip()[-200:]}")
    return command.returncode


def _restart(run: Run, keys: str) -> None:
    portal = run.stand.portal
    portal.stop()
    portal.environment["ENCRYPTION_KEYS"] = keys
    portal.start()


def _ready(run: Run) -> Any:
    line = Line(run.stand.portal.port, Tape())
    try:
        return line.ask("ready", "GET", "/ready").json()
    finally:
        line.close()


def _spent(run: Run) -> int:
    assert run.stand.cluster is not None
    return int(run.stand.cluster.ask("SELECT count(*) FROM authorization_codes WHERE redeemed_at IS NOT NULL")[0][0])


ROWS = (
    Row("R28 wrong", "started with a wrong ENCRYPTION_KEYS", on_postgresql, wrong, UNAVAILABLE),
    Row("R28 rotated", "ENCRYPTION_KEYS replaced, keys reseal", on_postgresql, rotated, REFUSED),
    Row("R28 rotated sqlite", "the same on SQLite", on_sqlite, rotated, REFUSED),
)
