"""Servers of the tests' own: PostgreSQL and Redis (the portal itself is in portal.py).

Each runs from the installed binaries on a free loopback port, keeps its data in a temporary directory, and ends with
the block that started it, or with the test run, should that be killed. Nothing here connects to a server that was
there before.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

import psycopg
import pytest
import redis
import sqlalchemy as sa

PROJECT_ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")
S = TypeVar("S", bound="Server")
_chance = random.SystemRandom()
_given: set[int] = set()
START_SECONDS = 60.0
STOP_SECONDS = 30.0


class ProgramMissing(Exception):
    """A server's program is not installed; ``make test`` installs it."""


class Process(Protocol):
    """What is asked of a running program."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: signal.Signals, /) -> None: ...
    def kill(self) -> None: ...


class Server:
    """One child process that can be started, paused and ended any number of times; it runs in ``directory``."""

    directory = PROJECT_ROOT

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        is_ready: Callable[[], bool],
        stop_signal: signal.Signals = signal.SIGTERM,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self._command = [*_prefix(stop_signal, user), *command]
        self._is_ready = is_ready
        self._stop_signal = stop_signal
        self._environment = environment
        self._process: Process | None = None
        self.log = log
        self.seconds_to_start = 0.0

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers, noting ``seconds_to_start``; where it does not, the error holds its log."""
        began = time.monotonic()
        self._process = self._launch()
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() - began > START_SECONDS:
                self.stop()
                raise AssertionError(f"{self._command} did not start:\n{self.log.read_text()}")
            time.sleep(0.02)
        self.seconds_to_start = time.monotonic() - began

    def _launch(self) -> Process:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                self._command, stdout=output, stderr=output, env=self._environment, cwd=self.directory
            )

    def stop(self) -> int | None:
        """End it in its own orderly way and wait; kill it where that takes too long. Answers how it exited."""
        if self._process is None or self._process.poll() is not None:
            self._process = None
            return None
        self.resume()
        self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        code, self._process = self._process.returncode, None
        return code

    def pause(self) -> None:
        """Let it hang: connections are accepted by the system, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after :meth:`pause`."""
        with suppress(ProcessLookupError):  # it may have ended by itself meanwhile
            os.kill(self.pid, signal.SIGCONT)


class RedisServer(Server):
    """A Redis that keeps nothing on disk. ``url`` is its address; ``more`` are options of the program."""

    def __init__(self, directory: Path, more: str = "") -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        options = f"--port {self.port} --bind 127.0.0.1 --save --appendonly no --dir {directory} {more}".split()
        super().__init__([_program("redis-server"), *options], directory / "redis.log", self._answers)

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


APPLICATION, OWNER, SUPERUSER = "portal_application", "portal_owner", "portal"
"""Roles of a cluster."""


def owner_of(url: str) -> str:
    """The URL of the same database by the role that owns its tables; of SQLite nothing."""
    return url.replace(f"//{APPLICATION}@", f"//{OWNER}@") if url.startswith("postgresql") else ""


def unrestricted(url: str) -> str:
    """The URL of the same database by a role that reaches everything; SQLite's is so already."""
    return url.replace(f"//{APPLICATION}@", f"//{SUPERUSER}@")


def unrestricted_engine(url: str) -> sa.Engine:
    """What looks at a database, or changes it, from outside of the portal."""
    return sa.create_engine(unrestricted(url), poolclass=sa.NullPool)


class PostgresCluster(Server):
    """A PostgreSQL cluster; the databases in it are made and dropped by the tests."""

    def __init__(self, directory: Path, *, is_durable: bool = False, copy_of: "PostgresCluster | None" = None) -> None:
        """``copy_of``: another one, which runs, and whose changes this one follows until it is promoted."""
        self._port = free_port()
        initdb = _program("initdb", "/usr/lib/postgresql/*/bin")
        # PostgreSQL refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            os.chown(directory, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        data = directory / "data"
        setup = [initdb, "-D", str(data), "-U", "portal", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        if copy_of:
            source = ["-h", "127.0.0.1", "-p", str(copy_of._port), "-U", "portal"]
            setup = [str(Path(initdb).with_name("pg_basebackup")), "-D", str(data), *source, "-R", "-c", "fast", "-N"]
        # What was kept of a cluster from before goes on.
        if not data.exists():
            subprocess.run([*_prefix(signal.SIGINT, user), *setup], check=True, capture_output=True, cwd=directory)
        # Nothing here outlives the tests, so nothing needs to reach the disk; what is measured must.
        fast = [] if is_durable else ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
        reach = ["-p", str(self._port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        command = [str(Path(initdb).with_name("postgres")), "-D", str(data), *reach, *fast, "-c", "max_connections=200"]
        log = directory / "postgres.log"
        super().__init__(command, log, self._answers, signal.SIGINT, user=user)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of its databases, by the role of applications, which owns nothing."""
        return f"postgresql+psycopg://{APPLICATION}@127.0.0.1:{self._port}/{database}"

    def owner_url(self, database: str) -> str:
        """The same by the role that owns the tables."""
        return owner_of(self.url(database))

    def create(self, database: str, template: str = "template0") -> None:
        """Make a database as a copy of another one, to which nobody may be connected."""
        with self._connect() as connection:
            # Since 15 the copy goes through the log as well unless it is told otherwise, which takes twice as long.
            strategy = "STRATEGY FILE_COPY" if connection.info.server_version >= 150000 else ""
            for role in (APPLICATION, OWNER):
                known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
                if known is None:
                    connection.execute(f"CREATE ROLE {role} LOGIN".encode())
            words = f'CREATE DATABASE "{database}" OWNER {OWNER} TEMPLATE "{template}" {strategy}'
            connection.execute(words.encode())

    def drop(self, database: str) -> None:
        """Drop a database and end the connections to it."""
        self._run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def promote(self) -> None:
        """Have a copy follow no longer, and take changes of its own."""
        self._run("SELECT pg_promote()")

    def let_write(self, *, is_writing: bool) -> None:
        """Have every transaction be one that only reads, or not, in sessions that are open too."""
        self._run(f"ALTER SYSTEM SET default_transaction_read_only = {'off' if is_writing else 'on'}")
        self._run("SELECT pg_reload_conf()")

    def pause(self) -> None:
        """Let all of it hang, the processes of its connections too."""
        super().pause()
        self._signal_children(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal_children(signal.SIGCONT)
        super().resume()

    def _signal_children(self, sign: signal.Signals) -> None:
        for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), sign)

    def _run(self, statement: str) -> None:
        with self._connect() as connection:
            connection.execute(statement.encode())

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self._port, user="portal", dbname="postgres", autocommit=True, connect_timeout=2
        )

    def _answers(self) -> bool:
        try:
            with self._connect():
                return True
        except psycopg.OperationalError:
            return False


class PgBouncer(Server):
    """A pooler in transaction mode with so many connections to the PostgreSQL on ``port``."""

    def __init__(self, directory: Path, port: int, connections: int) -> None:
        program = _program("pgbouncer", "/usr/sbin")
        self.port = free_port()
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            os.chown(directory, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        configuration, users = directory / "pgbouncer.ini", directory / "users.txt"
        users.write_text("".join(f'"{role}" ""\n' for role in (APPLICATION, OWNER)))
        configuration.write_text(
            f"[databases]\n* = host=127.0.0.1 port={port}\n[pgbouncer]\nlisten_addr=127.0.0.1\n"
            f"listen_port={self.port}\nunix_socket_dir=\nauth_type=trust\nauth_file={users}\npool_mode=transaction\n"
            f"default_pool_size={connections}\nmax_client_conn=200\n"
        )
        log = directory / "pgbouncer.log"
        super().__init__([program, str(configuration)], log, self._answers, signal.SIGINT, user=user)

    def url(self, database: str) -> str:
        """The URL of one of the server's databases, by way of the pooler, by the role of applications."""
        return f"postgresql://{APPLICATION}@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def running(make: Callable[[Path], S]) -> Iterator[S]:
    """Make a server in a directory of its own, run it for the block, remove both."""
    directory = Path(tempfile.mkdtemp(prefix="portal-tests-"))
    try:
        server = make(directory)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory)


def started(server: AbstractContextManager[T]) -> Iterator[T]:
    """The value of a context manager for as long as a fixture lives; skipped where the program is not installed."""
    with ExitStack() as stack:
        try:
            value = stack.enter_context(server)
        except ProgramMissing as missing:
            pytest.skip(str(missing))
        yield value


def free_port() -> int:
    """A loopback port nobody uses at this moment.

    Not one the system would choose: those are given to every outgoing connection, so it may be gone before the server
    takes it.
    """
    # Processes that test side by side take turns at the numbers, so that none takes what another has just been given.
    count, own = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    while True:
        # Not the numbers that Hypothesis repeats from one example to the next.
        port = _chance.randrange(12000 + int(own[2:]), 32000, count)
        if port in _given:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port


def _program(name: str, directories: str = "") -> str:
    """The path of a program, looked for in PATH and in the newest directory that matches."""
    installed = sorted(Path("/").glob(f"{directories}/{name}".lstrip("/"))) if directories else []
    found = str(installed[-1]) if installed else shutil.which(name)
    if not found:
        raise ProgramMissing(f"{name} is not installed; run make test, which installs it.")
    return found


def _prefix(signal_at_our_death: signal.Signals, user: str | None) -> list[str]:
    """A wrapper that gives up root where needed and ends the server when the test run dies without saying goodbye."""
    identity = [f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
    return [_program("setpriv"), *identity, "--pdeathsig", signal_at_our_death.name.removeprefix("SIG")]
