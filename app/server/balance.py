"""Which worker takes a new connection: the one that has fewest, told from counts that all workers see.

They accept from one socket, and whoever wakes first takes the connection. With connections that are kept, one worker
could end up with all of them while the other cores idle. Nothing depends on this: a worker that stepped back
takes the connection after all when nobody else came for it.
"""

import mmap
import time

SLOTS = 512
"""More than there are ever workers at one time; a worker's age, counted by gunicorn, tells its slot."""
FORGET_SECONDS = 3.0
"""How long after its last sign of life a worker counts."""


class Board:
    """The counts and signs of life of all workers, to be made before they are forked."""

    def __init__(self) -> None:
        self.counts = memoryview(mmap.mmap(-1, 4 * SLOTS)).cast("I")
        self.signs = memoryview(mmap.mmap(-1, 8 * SLOTS)).cast("d")


_board = Board()


def prepare() -> None:
    """To be called in a master before it forks workers: they share what they tell with each other, and nobody else."""
    global _board
    _board = Board()


class Balance:
    """One worker's view. All must be called from one thread."""

    def __init__(self, age: int) -> None:
        self._board = _board
        self._slot = age % SLOTS
        self._others: list[int] = []

    def tell(self, connections: int) -> None:
        """How many connections this worker has now."""
        self._board.counts[self._slot] = connections

    def show_life(self) -> None:
        """To be called about once a second; looks for the others as well."""
        now = time.monotonic()
        self._board.signs[self._slot] = now
        self._others = [
            slot for slot, sign in enumerate(self._board.signs) if sign > now - FORGET_SECONDS and slot != self._slot
        ]

    def leave(self) -> None:
        """Let nobody step back for this worker any more."""
        self._board.signs[self._slot] = 0.0
        self._board.counts[self._slot] = 0xFFFFFFFF

    def is_ours(self) -> bool:
        """Whether no other worker has fewer connections than this one."""
        mine = self._board.counts[self._slot]
        return all(self._board.counts[slot] >= mine for slot in self._others)
