"""Where a drill takes place: the portal with servers and disks of its own, all ended with the block that made them."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import redis
import sqlalchemy as sa

from benchmarks.faults.balancer import balanced
from benchmarks.faults.client import CLIENT_ID, GOODBYE, SCOPE, Client
from tests.portal import Portal
from tests.providers import Providers
from tests.relying_party import REDIRECT_URI
from tests.servers import (
    APPLICATION,
    PROJECT_ROOT,
    START_SECONDS,
    STOP_SECONDS,
    SUPERUSER,
    PgBouncer,
    PostgresCluster,
    RedisServer,
    Server,
    free_port,
)

S = TypeVar("S", bound=Server)
# Counted in the store for each request, and never reached.
LIMITS = {
    "RATE_LIMIT_ENABLED": "true",
    "RATE_LIMIT_LOGIN": "1000000/minute",
    "RATE_LIMIT_DEFAULT": "1000000/minute",
    "RATE_LIMIT_TOKEN": "1000000/minute",
}


class Skipped(Exception):
    """This row cannot be run here, and why."""


class Cluster(PostgresCluster):
    """A durable PostgreSQL whose write-ahead log may be kept elsewhere, and which may end in any way."""

    def __init__(
        self, directory: Path, log_directory: Path | None = None, copy_of: PostgresCluster | None = None
    ) -> None:
        super().__init__(directory, is_durable=True, copy_of=copy_of)
        self.data = directory / "data"
        if log_directory:
            moved = Path(shutil.move(self.data / "pg_wal", log_directory))
            (self.data / "pg_wal").symlink_to(moved)
            owner = self.data.stat()
            for path in (log_directory, moved, *moved.rglob("*")):
                os.chown(path, owner.st_uid, owner.st_gid)

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def end(self, how: signal.Signals) -> None:
        """What ``pg_ctl stop`` does: SIGINT is its mode fast, SIGQUIT immediate."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(60)
        self._process = None

    def set_most_connections(self, count: int) -> None:
        """How many connections there may be after the next start."""
        # The command line outranks ALTER SYSTEM.
        self._command[-1] = f"max_connections={count}"

    def ask(self, statement: str, database: str = "portal") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser, outside a transaction; answers its rows."""
        url = sa.make_url(self.url(database))
        with psycopg.connect(
            host=url.host, port=url.port, user=SUPERUSER, dbname=database, autocommit=True, connect_timeout=5
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


class Redis(RedisServer):
    """A Redis whose operator may do anything to it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._command += ["--enable-debug-command", "local"]
        self.dump = directory / "dump.rdb"

    def tell(self, *command: str | int) -> Any:
        """Give it a command; waits as long as it takes."""
        with redis.Redis.from_url(self.url, socket_timeout=90) as client:
            return client.execute_command(*command)


class FaultyPortal(Portal):
    """The portal, which may be killed as a whole, hand over to a new master, and have few descriptors."""

    _heir = 0

    def grant(self, descriptors: int) -> None:
        """How many descriptors each process may open after the next start."""
        self._command = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *self._command]

    @property
    def pid(self) -> int:
        """The process id of the master that serves."""
        return self._heir or super().pid

    def hand_over(self) -> None:
        """Replace the master by one that it starts (SIGUSR2), once that one has its workers; the old one then ends."""
        old, before = self.pid, set(self.workers)
        end = time.monotonic() + START_SECONDS
        while not (heirs := [pid for pid in set(self.workers) - before if len(children(pid)) == len(before)]):
            if time.monotonic() > end:
                raise TimeoutError("no new master")
            if not set(self.workers) - before:
                os.kill(old, signal.SIGUSR2)  # one that has just taken over itself does not listen to it yet
            time.sleep(0.5)
        os.kill(old, signal.SIGTERM)
        if self._process is not None and self._process.pid == old:
            self._process.wait(STOP_SECONDS)
        else:
            wait_until_gone(old)
        (self._heir,) = heirs

    def stop(self) -> int | None:
        """End whichever master serves."""
        if not self._heir:
            return super().stop()
        os.kill(self._heir, signal.SIGTERM)
        wait_until_gone(self._heir)
        self._heir, self._process = 0, None
        return None

    def kill(self) -> None:
        """SIGKILL for the master and every worker at once."""
        assert self._process is not None
        # Stopped first, it cannot replace a worker that is killed before it.
        os.kill(self.pid, signal.SIGSTOP)
        for pid in [self.pid, *self.workers]:
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None


def children(pid: int) -> list[int]:
    """The processes a process has started; none where it is gone."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def wait_until_gone(pid: int) -> None:
    """Wait for a process that is nobody's child here; raises ``TimeoutError``."""
    end = time.monotonic() + STOP_SECONDS
    while (state := Path(f"/proc/{pid}/stat")).exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":
        if time.monotonic() > end:
            raise TimeoutError(f"process {pid} did not end")
        time.sleep(0.05)


@dataclass
class Disk:
    """A small file system that can be full."""

    path: Path

    @property
    def free(self) -> int:
        """Bytes."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """Leave not a byte."""
        with (self.path / "filler").open("ab") as filler:
            while self.free:
                try:
                    os.posix_fallocate(filler.fileno(), os.fstat(filler.fileno()).st_size, self.free)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def clear(self) -> None:
        """Give the space back."""
        (self.path / "filler").unlink(missing_ok=True)


@dataclass
class Stand:
    """What a drill has at hand; absent servers are None.

    ``door``: where people come in, if not at the portal's own; ``second``: another node behind it; ``providers``: those
    people may come in by.
    """

    portal: FaultyPortal
    client: Client
    directory: Path
    cluster: Cluster | None = None
    redis: Redis | None = None
    disk: Disk | None = None
    copy: Cluster | None = None
    pooler: PgBouncer | None = None
    door: int | None = None
    second: FaultyPortal | None = None
    providers: Providers | None = None

    @property
    def port(self) -> int:
        """Where people come in."""
        return self.door or self.portal.port

    def command(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command of the portal in a process of its own, as cron would run it."""
        program = [str(Path(sys.executable).with_name("flask")), "--app", "wsgi", *arguments]
        return subprocess.Popen(  # noqa: S603
            program,
            env=self.portal.environment,
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@contextmanager
def on_sqlite(*, disk: bool = False, descriptors: int = 0, **settings: str) -> Iterator[Stand]:
    """A portal on SQLite with the embedded store.

    ``disk``: its instance directory is a small disk; ``descriptors``: how many its processes may open, if not as usual.
    """
    with ExitStack() as stack:
        directory = _directory(stack)
        small = stack.enter_context(_mounted(directory / "disk", 48)) if disk else None
        instance = small.path if small else directory
        portal = FaultyPortal(instance, f"sqlite:///{instance}/portal.db", **{**LIMITS, **settings})
        portal.log = directory / "gunicorn.log"
        if descriptors:
            portal.grant(descriptors)
        yield Stand(portal, _started(stack, portal), directory, disk=small)


@contextmanager
def on_postgresql(*, disk: str = "", **settings: str) -> Iterator[Stand]:
    """A portal on PostgreSQL and Redis.

    ``disk`` says what lies on a small disk: ``"tables"`` (the data directory without its write-ahead log), ``"data"``
    (all of it) or ``"log"`` (the portal's own log).
    """
    with ExitStack() as stack:
        directory = _directory(stack)
        small = stack.enter_context(_mounted(directory / "disk", 8 if disk == "log" else 160)) if disk else None
        data, wal = directory / "postgresql", None
        if disk in {"tables", "data"} and small:
            data = small.path / "postgresql"
        if disk == "tables":
            wal = directory / "wal"
            wal.mkdir()
        data.mkdir()
        cluster = _running(stack, Cluster(data, wal))
        cluster.create("portal")
        (directory / "redis").mkdir()
        server = _running(stack, Redis(directory / "redis"))
        portal = FaultyPortal(directory, cluster.url("portal"), REDIS_URL=server.url, **{**LIMITS, **settings})
        if disk == "log" and small:
            portal.log = small.path / "gunicorn.log"
        yield Stand(portal, _started(stack, portal), directory, cluster, server, small)


@contextmanager
def on_two_servers(**settings: str) -> Iterator[Stand]:
    """A portal that knows two PostgreSQL servers, the second of which follows the first and lags behind nothing."""
    with ExitStack() as stack:
        directory = _directory(stack)
        for name in ("first", "second"):
            (directory / name).mkdir()
        cluster = _running(stack, Cluster(directory / "first"))
        cluster.create("portal")
        copy = _running(stack, Cluster(directory / "second", copy_of=cluster))
        cluster.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        cluster.ask("SELECT pg_reload_conf()")
        hosts = ",".join(each.url("").split("@")[1].rstrip("/") for each in (cluster, copy))
        url = f"postgresql://{APPLICATION}@{hosts}/portal"
        portal = FaultyPortal(directory, url, **{**LIMITS, **settings})
        yield Stand(portal, _started(stack, portal), directory, cluster, copy=copy)


@contextmanager
def behind_a_pooler(connections: int, **settings: str) -> Iterator[Stand]:
    """A portal whose PgBouncer, in transaction mode, has so many connections."""
    with ExitStack() as stack:
        directory = _directory(stack)
        for name in ("postgresql", "pgbouncer"):
            (directory / name).mkdir()
        cluster = _running(stack, Cluster(directory / "postgresql"))
        cluster.create("portal")
        port = sa.make_url(cluster.url("portal")).port or 0
        pooler = _running(stack, PgBouncer(directory / "pgbouncer", port, connections))
        portal = FaultyPortal(directory, pooler.url("portal"), **{**LIMITS, **settings})
        client = _started(stack, portal)
        # What is looked at afterwards is looked at directly.
        portal.environment["DATABASE_URL"] = cluster.url("portal")
        yield Stand(portal, client, directory, cluster, pooler=pooler)


@contextmanager
def behind_a_balancer(**settings: str) -> Iterator[Stand]:
    """Two nodes on one PostgreSQL and one Redis, and a balancer that sends people to those that say they are ready."""
    with ExitStack() as stack:
        directory = _directory(stack)
        for name in ("postgresql", "redis", "second"):
            (directory / name).mkdir()
        cluster = _running(stack, Cluster(directory / "postgresql"))
        cluster.create("portal")
        server = _running(stack, Redis(directory / "redis"))
        door = free_port()
        common = {"REDIS_URL": server.url, "PUBLIC_URL": f"http://localhost:{door}", **LIMITS, **settings}
        portal = FaultyPortal(directory, cluster.url("portal"), **common)
        client = _started(stack, portal)
        for key in ("secret_key", "encryption_key"):
            shutil.copy(directory / key, directory / "second" / key)
        second = FaultyPortal(directory / "second", cluster.url("portal"), **common)
        _running(stack, second)
        stack.enter_context(balanced(door, [portal.port, second.port]))
        yield Stand(portal, client, directory, cluster, server, door=door, second=second)


def _started(stack: ExitStack, portal: FaultyPortal) -> Client:
    """Set the portal up by the commands an operator uses, and start it."""
    portal.flask("db", "upgrade")
    portal.flask("seed")
    options = ["--json", "--confidential", "--consent", "once", "--introspect-any", "--scope", SCOPE]
    addresses = ["--redirect-uri", REDIRECT_URI, "--post-logout-redirect-uri", GOODBYE]
    grants = ["--grant", "authorization_code", "--grant", "refresh_token"]
    made = json.loads(portal.flask("clients", "create", CLIENT_ID, *options, *addresses, *grants))
    stack.callback(portal.stop)
    portal.start()
    return Client(made["client_secret"])


def _running(stack: ExitStack, server: S) -> S:
    stack.callback(server.stop)
    server.start()
    return server


def _directory(stack: ExitStack) -> Path:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-faults-")))
    directory.chmod(0o755)  # PostgreSQL runs as another user
    return directory


@contextmanager
def _mounted(path: Path, megabytes: int) -> Iterator[Disk]:
    """A file system in memory of that size; :class:`Skipped` where this process may not mount one."""
    path.mkdir()
    if os.geteuid() != 0 or not (mount := shutil.which("mount")):
        raise Skipped("mounting a small disk needs root")
    command = [mount, "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(path)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if made.returncode:
        raise Skipped(f"mounting a small disk failed: {made.stderr.strip()}")
    try:
        yield Disk(path)
    finally:
        subprocess.run([str(shutil.which("umount")), str(path)], check=True)  # noqa: S603
