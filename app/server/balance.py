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
_counts = memoryview(mmap.mmap(-1, 4 * SLOTS)).cast("I")
_signs = memoryview(mmap.mmap(-1, 8 * SLOTS)).cast("d")


class Balance:
    """One worker's view. All must be called from one thread."""

    def __init__(self, age: int) -> None:
        self._slot = age % SLOTS
        self._others: list[int] = []

    def tell(self, connections: int) -> None:
        """How many connections this worker has now."""
        _counts[self._slot] = connections

    def show_life(self) -> None:
        """To be called about once a second; looks for the others as well."""
        now = time.monotonic()
        _signs[self._slot] = now
        self._others = [slot for slot, sign in enumerate(_signs) if sign > now - FORGET_SECONDS and slot != self._slot]

    def leave(self) -> None:
        """Let nobody step back for this worker any more."""
        _signs[self._slot] = 0.0
        _counts[self._slot] = 0xFFFFFFFF

    def is_ours(self) -> bool:
        """Whether no other worker has fewer connections than this one."""
        mine = _counts[self._slot]
        return all(_counts[slot] >= mine for slot in self._others)
