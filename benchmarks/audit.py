"""The audit trail at length: ``python -m benchmarks.audit`` (``--records 200000 --engine sqlite``).

Fills a fresh portal with records, seals, exports and verifies them, then does something to the database and to the
export and has it found. Printed are seconds, records per second, and what each program, which is one of its own, used
of the processor and held of memory at most. What is not found ends it with an error.
"""

import argparse
import functools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.models import AuditLog, new_id
from app.services.foundation.environment import Caller
from app.settings import Settings
from tests.portal import close
from tests.relying_party import add_person
from tests.servers import PROJECT_ROOT, PostgresCluster, running, unrestricted

ENGINES = ("sqlite", "postgresql")
BATCH = 5000
PEOPLE = 500
PROGRAM = str(PROJECT_ROOT / "tools/verify_audit.py")
ACTIONS = ("account:login:succeeded", "account:login:failed", "oauth:code:redeemed", "consent:granted", "session:ended")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--engine", choices=ENGINES, action="append", help="default: each in turn")
    arguments = parser.parse_args()
    for engine in arguments.engine or ENGINES:
        with tempfile.TemporaryDirectory(prefix="portal-audit-") as name, url_of(engine, Path(name)) as url:
            Measured(engine, Path(name), url).run(arguments.records)


@contextmanager
def url_of(engine: str, directory: Path) -> Iterator[str]:
    """A database of its own, with the usual durability."""
    if engine == "sqlite":
        yield f"sqlite:///{directory}/portal.db"
        return
    with running(functools.partial(PostgresCluster, is_durable=True)) as cluster:
        cluster.create("audit")
        # Somebody who may change what is on record, to see that it is found out.
        yield unrestricted(cluster.url("audit"))


class Measured:
    """One engine's turn."""

    def __init__(self, engine: str, directory: Path, url: str) -> None:
        self.engine, self.directory, self.url = engine, directory, url
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "INSTANCE_PATH": str(directory),
            "DATABASE_URL": url,
            "LOG_LEVEL": "WARNING",
        }

    def run(self, records: int) -> None:
        """Everything, one after the other."""
        self.flask("migrate", "db", "upgrade")
        self.flask("seed", "seed")
        app = create_app(Settings.for_testing(self.directory, self.url, LOG_LEVEL="WARNING"))
        self.fill(app, records)
        began = time.perf_counter()
        with app.app_context():
            services = app.extensions["services"]
            sealed = services.chain.run_to_the_end()
            services.checkpoints.make()
            self.say("seal", time.perf_counter() - began, sealed)
            began = time.perf_counter()
            services.chain.run()
            self.say("look for what is not sealed, once", time.perf_counter() - began, 0)
            gone = services.db.session.scalars(sa.text("SELECT id FROM users WHERE email LIKE 'person%'")).all()[:20]
            services.db.rollback()
            began = time.perf_counter()
            for person in gone:
                services.deletions.delete(person, Caller(actor="operator"))
            self.say("delete 20 accounts", time.perf_counter() - began, 0)
        close(app)
        files = {form: self.directory / f"trail.{form}" for form in ("jsonl", "csv")}
        for form, file in files.items():
            self.flask(f"export {form}", "audit", "export", "--format", form, "--output", str(file), records=records)
            print(f"    {file.stat().st_size / 1e6:.0f} MB")
        self.flask("verify in the database", "audit", "verify", records=records)
        for form, file in files.items():
            self.verify(f"verify {form}", file, 0, "WHOLE", records)
        self.change_file(files["jsonl"], records)
        self.change_database(records)

    def fill(self, app: Flask, records: int) -> None:
        """Put records there, of people, as the portal writes them."""
        chance = random.Random(1)  # noqa: S311
        people = [add_person(app, f"person{number}@example.com") for number in range(PEOPLE)]
        began = datetime.now(UTC) - timedelta(days=1)
        step = timedelta(days=1) / records
        with app.app_context():
            db = app.extensions["services"].db
            for first in range(0, records, BATCH):
                rows = [
                    {
                        "id": new_id(),
                        "action": chance.choice(ACTIONS),
                        "client_id": "maxlab",
                        "user_id": (person := chance.choice(people)),
                        "actor": person,
                        "success": chance.random() > 0.1,
                        "error_code": None,
                        "ip": f"203.0.113.{chance.randrange(256)}",
                        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
                        "details": {"session_id": new_id(), "provider": "kakao"},
                        "created_at": began + step * number,
                    }
                    for number in range(first, min(first + BATCH, records))
                ]
                db.session.execute(sa.insert(AuditLog), rows)
                db.commit()

    def change_file(self, file: Path, records: int) -> None:
        """Do something to the export, and have the program name it."""
        lines = file.read_text().splitlines(keepends=True)
        place = records // 2
        row = json.loads(lines[place])
        name = f"row {row['sequence']} ({row['id']})"
        edited = json.dumps({**row, "success": not row["success"]}) + "\n"
        changes: dict[str, tuple[Callable[[], Sequence[str]], str]] = {
            "edit": (lambda: [*lines[:place], edited, *lines[place + 1 :]], f"{name}: was edited"),
            "remove": (
                lambda: [*lines[:place], *lines[place + 1 :]],
                f"row {row['sequence']}: row {row['sequence']} was",
            ),
            "insert": (lambda: [*lines[:place], edited, *lines[place:]], f"{name}: was inserted"),
            "move": (
                lambda: [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]],
                f"{name}: was moved",
            ),
            "cut off": (lambda: lines[:-5], "the trail has no end"),
        }
        for what, (change, told) in changes.items():
            changed = self.directory / "changed.jsonl"
            changed.write_text("".join(change()))
            self.verify(f"{what} a row of the export", changed, 1, told, records)

    def change_database(self, records: int) -> None:
        """Do something to the database, and have the command name it."""
        engine = sa.create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            seal = connection.execute(
                sa.text("SELECT sequence, record_id FROM audit_seals WHERE sequence = :place"), {"place": records // 3}
            ).one()
            flip = "UPDATE oauth_audit_logs SET success = NOT success WHERE id = :id"
            connection.execute(sa.text(flip), {"id": seal.record_id})
        engine.dispose()
        name = f"row {seal.sequence} ({seal.record_id}): was edited"
        self.flask("edit a record in the database", "audit", "verify", records=records, code=1, told=name)

    def flask(self, what: str, *arguments: str, **expected: Any) -> None:
        """A command of the portal."""
        self.measure(what, [str(Path(sys.executable).with_name("flask")), "--app", "wsgi", *arguments], **expected)

    def verify(self, what: str, file: Path, code: int, told: str, records: int) -> None:
        """The auditors' program."""
        self.measure(what, [sys.executable, "-I", PROGRAM, str(file)], code=code, told=told, records=records)

    def measure(self, what: str, command: list[str], *, records: int = 0, code: int = 0, told: str = "") -> None:
        """Run a program and say what it took."""
        began = time.perf_counter()
        output = self.directory / "output.txt"
        with output.open("w") as file:
            process = subprocess.Popen(  # noqa: S603
                command, cwd=PROJECT_ROOT, env=self.environment, stdout=file, stderr=subprocess.STDOUT
            )
            memory, ended = 0, 0
            while not ended:
                memory = max(memory, _most_memory(process.pid))
                time.sleep(0.05)
                ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
        text = output.read_text()
        assert process.returncode == code, text[-2000:]
        assert told in text, text[-2000:]
        if records:
            cpu = usage.ru_utime + usage.ru_stime
            self.say(what, time.perf_counter() - began, records, f"   CPU {cpu:5.1f} s   {memory / 1024:.0f} MB")

    def say(self, what: str, seconds: float, records: int, more: str = "") -> None:
        """One line."""
        rate = f"{records / seconds:9,.0f}/s" if records else " " * 11
        print(f"{self.engine:11}{what:36}{seconds:7.2f} s {rate}{more}", flush=True)


def _most_memory(pid: int) -> int:
    """KB a process held at most; what its parent held before it began to be another program does not count."""
    found = re.search(r"VmHWM:\s+([0-9]+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


if __name__ == "__main__":
    main()
