"""R28, R29: a node with the wrong keys says so and breaks nothing; a balancer sends people on while Redis is away."""

import base64
import json
import secrets
import time

from benchmarks.faults.drill import Row, Run
from benchmarks.faults.redis_rows import down
from benchmarks.faults.stand import behind_a_balancer, on_postgresql
from benchmarks.faults.wire import LOST, Line, Tape

KEYS = "ENCRYPTION_KEYS"


def new_key() -> str:
    """One that nothing was sealed with."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def restarted_with(run: Run, keys: str) -> None:
    """Start the portal again, with these keys and no others."""
    portal = run.stand.portal
    portal.stop()
    portal.environment[KEYS] = keys
    portal.start()


def rotated_keys(run: Run) -> None:
    """A new key in front of the old one, everything sealed anew under load, the old one taken away."""
    old, new = (run.stand.portal.instance / "encryption_key").read_text().strip(), new_key()
    restarted_with(run, f"{new},{old}")
    time.sleep(run.seconds(3, 20))
    began = time.monotonic()
    resealing = run.stand.command("keys", "reseal", "--json")
    said, errors = resealing.communicate(timeout=300)
    if resealing.returncode:
        run.problems.append(f"keys reseal: {said[-300:]} {errors[-300:]}")
    sealed = sum(count["anew"] for count in json.loads(said or "[]"))
    run.facts.append(f"{sealed} sealed anew in {time.monotonic() - began:.1f} s")
    restarted_with(run, new)
    time.sleep(run.seconds(3, 20))


def wrong_keys(run: Run) -> None:
    """Started again with another ENCRYPTION_KEYS, and after a while with the right one."""
    right = (run.stand.portal.instance / "encryption_key").read_text().strip()
    restarted_with(run, new_key())
    line, end = Line(run.stand.port, Tape()), time.monotonic() + run.seconds(6, 30)
    while time.monotonic() < end:
        ready = line.ask("ready", "GET", "/ready")
        if ready.status != 503 or KEYS not in str(ready.json().get("checks", {}).get("keys")):
            run.problems.append(f"readiness with the wrong keys: {ready.status} {ready.body[:300]!r}")
        time.sleep(0.5)
    run.facts.append(f"/ready said: {json.dumps(ready.json().get('checks', {}).get('keys'))[:160]}")
    line.close()
    restarted_with(run, right)


ROWS = (
    Row(
        "R28 wrong", "Started with other ENCRYPTION_KEYS for a while", on_postgresql, wrong_keys, frozenset({503, LOST})
    ),
    Row("R28 rotated", "ENCRYPTION_KEYS rotated, keys reseal", on_postgresql, rotated_keys, frozenset({503, LOST})),
    Row("R29", "Redis down behind a balancer that asks /ready", behind_a_balancer, down, slowest=1.0),
)
