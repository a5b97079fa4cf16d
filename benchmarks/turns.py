"""Two versions of the portal in turns: ``python -m benchmarks.turns ../before`` (a checkout with its own ``.venv``).

Both are started together, each on databases of its own, and loaded one after the other in short rounds, for rates drift
by half within minutes on a shared machine. Printed are the medians of the rounds' ratios, this version to the other,
with the lowest and the highest: of operations a second, and of what the portal's processes (not the database's) use of
the processor for one, which other work on the machine disturbs less.
"""

import argparse
import functools
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.bench import STORES
from benchmarks.load import Operation, put
from benchmarks.workloads import NAMES, Client
from tests.portal import Portal
from tests.servers import PROJECT_ROOT, PostgresCluster, RedisServer, owner_of, running

WARM_UP = 0.3
"""Seconds."""


class VersionedPortal(Portal):
    """The portal of a checkout, run and administered by what is installed there."""

    def __init__(self, checkout: Path, instance: Path, database_url: str, **changes: str) -> None:
        super().__init__(instance, database_url, **changes)
        self.directory = checkout
        self._command[-4] = str(checkout / ".venv/bin/gunicorn")

    def flask(self, *arguments: str) -> str:
        """What ``flask --app wsgi <arguments>`` of that version prints."""
        command = [str(self.directory / ".venv/bin/flask"), "--app", "wsgi", *arguments]
        run = subprocess.run(  # noqa: S603
            command, cwd=self.directory, env=self.environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        return run.stdout


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="checkout of the other version")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--only", default="".join(NAMES), help="letters of the workloads")
    parser.add_argument("--store", choices=STORES, action="append", help="default: each in turn")
    arguments = parser.parse_args()
    for store in arguments.store or STORES:
        with both(arguments.before.resolve(), store) as (before, now):
            clients = {portal: Client.of(portal) for portal in (before, now)}
            for letter in arguments.only:
                turns = [_turn(before, now, clients, letter, arguments, number) for number in range(arguments.rounds)]
                rates, costs = zip(*turns, strict=True)
                said = f"rate {_said(rates)}   CPU per operation {_said(costs)}"
                print(f"{store:12}{letter}  {NAMES[letter]:34}{said}", flush=True)


def _turn(
    before: Portal, now: Portal, clients: dict[Portal, Client], letter: str, arguments: argparse.Namespace, number: int
) -> tuple[float, float]:
    """One round of each: how many operations a second this version does for one of the other's, and at what cost."""
    rates, costs = {}, {}
    # Whoever comes second finds the machine as the first one left it, so they take turns at that too.
    for portal in (before, now) if number % 2 else (now, before):
        make = functools.partial(_operation, clients[portal], letter)
        put(make, portal.port, arguments.connections, WARM_UP)
        began = _cpu_seconds(portal)
        load = put(make, portal.port, arguments.connections, arguments.seconds)
        rates[portal], costs[portal] = load.rate, (_cpu_seconds(portal) - began) / len(load.milliseconds)
    return rates[now] / rates[before], costs[now] / costs[before]


def _cpu_seconds(portal: Portal) -> float:
    """What the processes of the portal have used so far."""
    ticks = 0
    for pid in (portal.pid, *portal.workers):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _said(ratios: Sequence[float]) -> str:
    return f"{median(ratios):6.3f} ({min(ratios):.2f} to {max(ratios):.2f})"


@contextmanager
def both(before: Path, store: str) -> Iterator[tuple[Portal, Portal]]:
    """The other version and this one, each seeded and serving."""
    with ExitStack() as stack:
        urls = [("", ""), ("", "")]
        if store == "postgresql":
            cluster = stack.enter_context(running(functools.partial(PostgresCluster, is_durable=True)))
            redis_server = stack.enter_context(running(RedisServer))
            urls = [(cluster.url(name), redis_server.url.replace("/0", f"/{number}")) for number, name in NUMBERED]
            for _, name in NUMBERED:
                cluster.create(name)
            # Versions from before know of one role.
            urls[0] = (owner_of(urls[0][0]), urls[0][1])
        portals = []
        for checkout, (url, redis_url) in zip((before, PROJECT_ROOT), urls, strict=True):
            instance = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
            portal = VersionedPortal(
                checkout, instance, url or f"sqlite:///{instance}/portal.db", REDIS_URL=redis_url, LOG_LEVEL="WARNING"
            )
            portal.flask("db", "upgrade")
            portal.flask("seed")
            portal.start()
            stack.callback(portal.stop)
            portals.append(portal)
        yield portals[0], portals[1]


NUMBERED = [(0, "before"), (1, "now")]


def _operation(client: Client, letter: str, port: int, number: int) -> Operation:
    return client.operation(letter, port)


if __name__ == "__main__":
    main()
