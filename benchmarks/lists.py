"""Every list of those who run the portal at length: ``python -m benchmarks.lists --keep ../lists``.

Fills a database with a hundred thousand people, a thousand applications and a million records of the audit trail, and
reads every list, search and filter: the first page, one far behind, a filter that finds nearly everything, one that
finds next to nothing, one that finds nothing, several at once; through the services, and some over the wire. Printed
are milliseconds (median and worst of five), those of the processor that one takes, here and in the server, rows, and
what the process held of memory at most; the median of each has to stay below a bound, else the program ends with 1.
``--keep`` names a directory where the databases stay.
"""

import argparse
import functools
import gc
import json
import os
import random
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import requests
import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.api.service import PREFIX
from app.database import ADMINISTRATION, enter
from app.settings import Settings
from benchmarks.population import ENGINES, filled
from benchmarks.reads import Read, lists
from tests.flows.live_client import LiveClient
from tests.portal import Portal, close
from tests.relying_party import PASSWORD

REPEATS = 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000, help="all else by their number")
    parser.add_argument("--engine", choices=ENGINES, action="append", help="default: each in turn")
    parser.add_argument("--keep", type=Path, help="a directory where the databases stay, to be read again")
    parser.add_argument("--only", default="", help="lists whose name begins so")
    parser.add_argument("--bound-ms", type=float, default=300)
    arguments = parser.parse_args()
    slow: list[str] = []
    for engine in arguments.engine or ENGINES:
        with tempfile.TemporaryDirectory(prefix="portal-lists-") as throwaway:
            directory = arguments.keep.resolve() if arguments.keep else Path(throwaway)
            Path(throwaway).chmod(0o755)
            with filled(engine, directory, arguments.people) as (url, instance, took):
                if took:
                    print(f"{engine:11}filled in {sum(took.values()):.0f} s", flush=True)
                slow += [f"{engine} {each}" for each in measure(engine, url, instance, arguments)]
    if slow:
        sys.exit(f"over {arguments.bound_ms:.0f} ms: " + ", ".join(slow))


def measure(engine: str, url: str, directory: Path, arguments: argparse.Namespace) -> list[str]:
    """Every list of one engine; answers the names of those that are too slow."""
    slow = []
    gc.collect()
    app = create_app(Settings.for_testing(directory, url, LOG_LEVEL="WARNING"))
    for name, read in lists(app):
        if name.startswith(arguments.only):
            slow += [name] if told(engine, name, *timed(app, read)) > arguments.bound_ms else []
    for name, read in over_the_wire(url, directory):
        if name.startswith(arguments.only):
            slow += [name] if told(engine, name, *timed(app, read)) > arguments.bound_ms else []
    close(app)
    return slow


def told(engine: str, name: str, times: list[float], cpu: float, rows: int) -> float:
    """One line; answers the median."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent = f"{median(times):8.1f} {max(times):8.1f} ms   CPU {cpu:6.1f} ms"
    print(f"{engine:11}{name:52}{spent} {rows:5} rows {memory:5.0f} MB", flush=True)
    return median(times)


def timed(app: Flask, read: Read) -> tuple[list[float], float, int]:
    """Milliseconds of each repetition, those of the processor that one used, and how many rows there were."""
    times, rows, db = [], 0, app.extensions["services"].db
    with app.app_context():
        server = None
        if db.dialect.name == "postgresql":
            server = Path(f"/proc/{db.session.scalar(sa.text('SELECT pg_backend_pid()'))}/stat")
            db.rollback()
        before = _cpu_seconds(server)
        for _ in range(REPEATS):
            enter(ADMINISTRATION)
            began = time.perf_counter()
            found = read()
            times.append((time.perf_counter() - began) * 1000)
            rows = len(found) if isinstance(found, list) else len(getattr(found, "items", ()))
            db.rollback()
        return times, (_cpu_seconds(server) - before) * 1000 / REPEATS, rows


def _cpu_seconds(server: Path | None) -> float:
    """Of this process and of the one that serves it at the database; the latter in hundredths of a second."""
    if server is None:
        return time.process_time()
    fields = server.read_text().rpartition(") ")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def over_the_wire(url: str, directory: Path) -> Iterator[tuple[str, Read]]:
    """Some of them as a backend reads them, and as pages of an administrator, from a portal under gunicorn."""
    name = f"reader-{random.getrandbits(32):x}"
    portal = Portal(directory, url, LOG_LEVEL="WARNING", RATE_LIMIT_ENABLED="false")
    service = ("--scope", "admin:full", "--grant", "client_credentials", "--confidential", "--json")
    secret = json.loads(portal.flask("clients", "create", name, *service))["client_secret"]
    portal.flask("users", "create", f"{name}@example.com", "--password", PASSWORD, "--verified", "--admin")
    portal.start()
    try:
        form = {"grant_type": "client_credentials"}
        token = requests.post(f"{portal.url}/api/oauth/token", data=form, auth=(name, secret), timeout=60)
        browser = LiveClient(portal, "")
        assert browser.log_in(f"{name}@example.com", PASSWORD).status_code == 303
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
            for path, rows in WIRE:
                yield f"GET {path}", functools.partial(_got, session, portal.url + PREFIX + path, rows)
        for path in PAGES:
            yield f"page {path}", functools.partial(_shown, browser, path)
    finally:
        portal.stop()


WIRE = (
    ("/users", "users"),
    ("/users?search=no+such+person", "users"),
    ("/clients?search=app77", "clients"),
    ("/sessions?state=active&count=true", "sessions"),
    ("/tokens?client_id=client-0000", "tokens"),
    ("/tokens/denylist", "denylist"),
    ("/deliveries?state=given_up", "deliveries"),
    ("/audit?action=account:role:set", "records"),
    ("/audit?success=false&ip=192.0.2.0/24", "records"),
)


PAGES = (
    "/admin",
    "/admin?span=month",
    "/admin/search/found?q=no+such+person",
    "/admin/people",
    "/admin/people?q=no+such+person",
    "/admin/people?verified=no&active=yes",
    "/admin/groups",
    "/admin/audit",
    "/admin/audit?action=account:role:set",
)


def _shown(browser: LiveClient, path: str) -> list[Any]:
    answer = browser.browse("GET", path)
    assert answer.ok, answer.text
    return re.findall(r"<tr>|data-hit", answer.text)


def _got(session: requests.Session, address: str, name: str) -> list[Any]:
    answer = session.get(address, timeout=60)
    assert answer.ok, answer.text
    return list(answer.json()[name])


if __name__ == "__main__":
    main()
