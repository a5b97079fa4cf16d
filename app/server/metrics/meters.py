"""Counts, in the page of this process; a count costs some hundred nanoseconds and waits for nobody."""

import re
import time
from typing import cast

from flask import Flask

from app.server.metrics import families
from app.server.metrics.board import Board, Key
from app.server.metrics.families import Family
from app.services.record.tally import Fact
from app.stores.fallback import FallbackStore
from app.wiring import Services

EXTENSION = "meters"
OTHER = "other"
REQUESTS, DURATION = families.REQUESTS.name, families.DURATION.name
PLAIN = re.compile(r"[\w:./<>%-]{0,80}", re.ASCII)
"""What a label may be; whatever is not, was sent by somebody."""
ROOM = 16
_OF_FACTS = {fact: family.name for fact, family in families.OF_FACTS.items()}
_LIVING = frozenset(family.name for family in families.FAMILIES if family.kind in families.OF_THE_LIVING)


class Meters:
    """The numbers of an application, of which ``workers`` processes may be forked at one time, and as many again."""

    def __init__(self, app: Flask, workers: int) -> None:
        self._app = app
        self.board = Board(1 + 2 * workers + ROOM)
        self._number = 0
        self._page = self.board.page(0)

    # In a master and its workers

    def free_page(self, taken: set[int]) -> int:
        """The first page that nobody has, besides the master's; to be asked in the master before it forks."""
        return next(number for number in range(1, len(taken) + 2) if number not in taken)

    def take(self, number: int) -> None:
        """Write to that page from now on, in a worker that was just forked.

        Beyond the last one it writes where nobody reads: a worker more than anybody planned.
        """
        self._number = number
        self._page = self.board.page(number) if number < self.board.pages else Board(1).page(0)
        self._page.forget(_LIVING)
        self.set(families.WORKERS, 1.0)

    def leave(self, number: int) -> None:
        """Forget, in the master, what a worker that has ended was doing; what it counted stays."""
        if number < self.board.pages:
            self.board.page(number).forget(_LIVING)

    def pulse(self, connections: int) -> None:
        """To be called about once a second by a worker with this many connections."""
        self.set(families.CONNECTIONS, float(connections), str(self._number))
        self.look_at_pool()

    def look_at_pool(self) -> None:
        """Note how many of the database's connections are out in this process."""
        pool = self._app.extensions["database_engine"].pool
        if hasattr(pool, "checkedout"):
            self.set(families.POOL_USED, float(pool.checkedout()), str(self._number))
            self.set(families.POOL_MOST, float(pool.size() + pool._max_overflow), str(self._number))

    # Counting

    def count(self, family: Family, *labels: str, by: float = 1.0) -> None:
        """Count under these labels."""
        key = (family.name, *labels)
        if not self._page.add(key, by) and (admitted := self._admitted(family, key)):
            self._page.add(admitted, by)

    def observe(self, family: Family, value: float, *labels: str) -> None:
        """Take a value into a histogram."""
        key = (family.name, *labels)
        if not self._page.observe(key, family.bounds, value) and (admitted := self._admitted(family, key)):
            self._page.observe(admitted, family.bounds, value)

    def request(self, method: str, route: str, status: str, seconds: float) -> None:
        """Count a request and take its duration, in one step."""
        counted, taken = (REQUESTS, method, route, status), (DURATION, route)
        if not self._page.add_and_observe(counted, taken, families.DURATION.bounds, seconds):
            self.count(families.REQUESTS, method, route, status)
            self.observe(families.DURATION, seconds, route)

    def set(self, family: Family, value: float, *labels: str) -> None:
        """Say how much something is now."""
        key = (family.name, *labels)
        if not self._page.set(key, value) and (admitted := self._admitted(family, key)):
            self._page.set(admitted, value)

    def hear(self, fact: Fact, labels: tuple[str, ...], by: int) -> None:
        """Count a fact of the services."""
        if not self._page.add((_OF_FACTS[fact], *labels), by):
            self.count(families.OF_FACTS[fact], *labels, by=by)

    def hear_store(self, what: str) -> None:
        """Count what the store says of Redis."""
        if what == "fallback":
            self.count(families.STORE_FALLBACKS)
            return
        if what == "outage":
            self.count(families.STORE_OUTAGES)
        self.set(families.STORE_UP, float(what != "outage"))

    def chore(self, name: str, *, is_done: bool) -> None:
        """Note that a chore was done, or failed."""
        self.count(families.CHORES, name, "ok" if is_done else "failed")
        if is_done:
            self.set(families.CHORE_SUCCESS, time.time(), name)

    def _admitted(self, family: Family, key: Key) -> Key | None:
        """The key under which a new combination of labels goes, with a place; None where a page has no room for it.

        A family has only so many.
        """
        plain = (family.name, *(label if PLAIN.fullmatch(label) else OTHER for label in key[1:]))
        if not self._page.has(plain) and self._page.count_of(family.name) >= family.most:
            plain = (family.name, *(OTHER for _ in key[1:]))
        width = len(family.bounds) + 2 if family.bounds else 1
        return plain if self._page.admit(plain, width) else None


def configure(app: Flask, services: Services) -> Meters:
    """Give ``app`` its meters, which hear of all that its services tell."""
    meters = app.extensions[EXTENSION] = Meters(app, services.settings.server.workers)
    services.tally.listen(meters.hear)
    if isinstance(services.store, FallbackStore):
        services.store.listen(meters.hear_store)
        meters.set(families.STORE_UP, 1.0)
    return meters


def of(app: Flask) -> Meters:
    """The meters of an application."""
    return cast(Meters, app.extensions[EXTENSION])
