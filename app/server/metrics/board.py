"""Numbers in memory that a master shares with its workers: made before they are forked, gone with the last of them.

Each worker writes to a page of its own, so that nobody waits for another process and a worker that is killed leaves
what it has counted. The next worker on that page goes on from there: pages are as many as there are ever workers at
one time, not as many as there ever were. What a page holds under which key is told in the page itself, so that every
worker can read them all.
"""

import json
import math
import mmap
import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence

MOST_VALUES = 4096
"""Of a page; what has no place any more is not counted, which :data:`LOST` says."""
MOST_BYTES = 256 * 1024
"""Of a page's keys, one line each."""
SIZE = 8 + 8 * MOST_VALUES + MOST_BYTES
Key = tuple[str, ...]
"""A family's name and the values of its labels."""
LOST: Key = ("portal_metrics_lost_total",)


class Board:
    """All pages. The first one is the master's, or of a process that has no workers."""

    def __init__(self, pages: int) -> None:
        self._memory = memoryview(mmap.mmap(-1, SIZE * pages))
        self.pages = pages

    def page(self, number: int) -> "Page":
        """A page to write to; nobody else may write to it, in this process or another."""
        return Page(self._slice(number))

    def read(self) -> Iterator[tuple[int, Key, list[float]]]:
        """What all pages hold: the page's number, a key, and its values."""
        for number in range(self.pages):
            for key, values in entries(self._slice(number)):
                yield number, key, values

    def _slice(self, number: int) -> memoryview:
        return self._memory[SIZE * number : SIZE * (number + 1)]


class Page:
    """One process's numbers. Its threads share it."""

    def __init__(self, memory: memoryview) -> None:
        self._used, self._values, self._keys = _parts(memory)
        self._writing = threading.Lock()
        self._places: dict[Key, int] = {}
        self._counts: dict[str, int] = {}
        self._end = 0
        for key, values in entries(memory):
            self._remember(key, len(values))
        self.admit(LOST)

    def add(self, key: Key, amount: float = 1.0) -> bool:
        """Count; answers whether there is a place for the key."""
        at = self._places.get(key)
        if at is None:
            return False
        with self._writing:
            self._values[at] += amount
        return True

    def observe(self, key: Key, bounds: Sequence[float], value: float) -> bool:
        """Count a value below one of the bounds, or above all, and add it to their sum, which comes last."""
        at = self._places.get(key)
        if at is None:
            return False
        with self._writing:
            self._values[at + bisect_left(bounds, value)] += 1.0
            self._values[at + len(bounds) + 1] += value
        return True

    def add_and_observe(self, counted: Key, taken: Key, bounds: Sequence[float], value: float) -> bool:
        """Both in one step, if there is a place for both."""
        at, place = self._places.get(counted), self._places.get(taken)
        if at is None or place is None:
            return False
        values = self._values
        with self._writing:
            values[at] += 1.0
            values[place + bisect_left(bounds, value)] += 1.0
            values[place + len(bounds) + 1] += value
        return True

    def set(self, key: Key, value: float) -> bool:
        """Say how much something is now."""
        at = self._places.get(key)
        if at is None:
            return False
        self._values[at] = value
        return True

    def admit(self, key: Key, width: int = 1) -> bool:
        """Make a place for a key with so many values, all zero; answers whether there is one now."""
        with self._writing:
            if key in self._places:
                return True
            line = f"{json.dumps([*key, width])}\n".encode()
            begun = self._used[0]
            if begun + len(line) > MOST_BYTES or self._end + width > MOST_VALUES:
                self._values[self._places[LOST]] += 1.0
                return False
            self._keys[begun : begun + len(line)] = line
            # From now on it is there for who reads, whatever becomes of this process.
            self._used[0] = begun + len(line)
            self._remember(key, width)
            return True

    def forget(self, names: frozenset[str]) -> None:
        """Say of all that these families hold here that it is nothing."""
        for key, at in self._places.items():
            if key[0] in names:
                self._values[at] = math.nan

    def has(self, key: Key) -> bool:
        """Whether there is a place for this very key."""
        return key in self._places

    def count_of(self, name: str) -> int:
        """How many keys of a family there are."""
        return self._counts.get(name, 0)

    def _remember(self, key: Key, width: int) -> None:
        self._places[key] = self._end
        self._counts[key[0]] = self._counts.get(key[0], 0) + 1
        self._end += width


def entries(memory: memoryview) -> Iterator[tuple[Key, list[float]]]:
    """What a page holds."""
    used, values, keys = _parts(memory)
    at = 0
    for line in bytes(keys[: used[0]]).splitlines():
        *key, width = json.loads(line)
        yield tuple(key), list(values[at : at + width])
        at += width


def _parts(memory: memoryview) -> "tuple[memoryview[int], memoryview[float], memoryview[int]]":
    """How many bytes of keys there are, the values, the keys."""
    end = 8 + 8 * MOST_VALUES
    return memory[:8].cast("Q"), memory[8:end].cast("d"), memory[end:]
