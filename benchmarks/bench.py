"""How fast the portal is, as ratios of one run: ``make bench`` (``make bench ARGS="--seconds 10 --store postgresql"``).

Starts the portal under gunicorn with two workers on SQLite and on PostgreSQL with Redis, and a bare Flask application
under the same server as the yardstick; loads each workload over loopback; ends everything.
"""

import argparse
import functools
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from benchmarks.load import Connection, Load, Operation, put
from benchmarks.workloads import NAMES, Client
from tests.portal import Portal
from tests.servers import PROJECT_ROOT, PostgresCluster, RedisServer, Server, free_port, running

STORES = ("sqlite", "postgresql")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each measurement")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--only", default="".join(NAMES), help="letters of the workloads")
    parser.add_argument("--store", choices=STORES, action="append", help="default: each in turn")
    arguments = parser.parse_args()
    with bare() as port:
        yardstick = measure(_hello, port, arguments.connections, arguments.seconds)
    print(f"{'bare Flask':44}{_row(yardstick, yardstick)}")
    for store in arguments.store or STORES:
        with portal_on(store) as portal:
            client = Client.of(portal)
            for letter in arguments.only:
                make = functools.partial(_operation, client, letter)
                load = measure(make, portal.port, arguments.connections, arguments.seconds)
                print(f"{store:12}{letter}  {NAMES[letter]:29}{_row(load, yardstick)}", flush=True)


def measure(make: object, port: int, connections: int, seconds: float) -> Load:
    """One measurement after a short warm-up."""
    put(make, port, connections, 1.0)  # type: ignore[arg-type]
    return put(make, port, connections, seconds)  # type: ignore[arg-type]


@contextmanager
def portal_on(store: str) -> Iterator[Portal]:
    """A seeded portal with two workers on the store."""
    with ExitStack() as stack:
        instance = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        url, redis_url = f"sqlite:///{instance}/portal.db", ""
        if store == "postgresql":
            cluster = stack.enter_context(running(functools.partial(PostgresCluster, is_durable=True)))
            cluster.create("portal")
            url, redis_url = cluster.url("portal"), stack.enter_context(running(RedisServer)).url
        portal = Portal(instance, url, REDIS_URL=redis_url, LOG_LEVEL="WARNING")
        portal.flask("db", "upgrade")
        portal.flask("seed")
        portal.start()
        stack.callback(portal.stop)
        yield portal


@contextmanager
def bare() -> Iterator[int]:
    """The yardstick on a free port."""
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("gunicorn")),
        "-c",
        "/dev/null",
        "-w2",
        "-k",
        "gthread",
        "--threads",
        "8",
    ]

    def answers() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/", timeout=2).ok
        except requests.ConnectionError:
            return False

    with tempfile.TemporaryDirectory(prefix="portal-bench-") as directory:
        bind = ["--reuse-port", "--keep-alive", "75", "-b", f"127.0.0.1:{port}", "benchmarks.bare:app"]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT_ROOT)}
        server = Server([*command, *bind], Path(directory) / "log", answers, environment=environment)
        server.start()
        try:
            yield port
        finally:
            server.stop()


def _operation(client: Client, letter: str, port: int, number: int) -> Operation:
    return client.operation(letter, port)


def _hello(port: int, number: int) -> Operation:
    connection = Connection(port)
    return lambda: connection.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 200


def _row(load: Load, yardstick: Load) -> str:
    ratio = load.rate / yardstick.rate
    times = f"p50 {load.percentile(0.5):6.1f} ms  p99 {load.percentile(0.99):6.1f} ms"
    return f"{load.rate:8.0f}/s  {ratio:5.2f} of bare Flask  {times}  {load.failures} failed"


if __name__ == "__main__":
    main()
