"""Threads of their own for the answers that wait for somebody outside, such as a provider of identities.

They do nothing else: others receive the requests and send the answers. So however many of these answers hang, nobody
else waits for them, and who finds no place here waits for one no longer than others wait for a thread. One who is
outside and hangs leaves half of the places to those who wait for another. Few of them do anything else than wait at a
time (:func:`outside`), so that many who are answered at once leave the others time and connections to the database.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.server.connections.rooms import Connection, Room

PLACES = 16
"""How many such answers are under way at a time in a worker."""
PLACES_OF_ONE = 8
"""How many of these wait for the same one."""
INSIDE = 4
"""How many of them are anywhere else than outside."""
_turns = threading.local()


@contextmanager
def outside() -> Iterator[None]:
    """Wait for somebody in here, and let others go on meanwhile; nothing special for requests that are in no lane."""
    turn: threading.Semaphore | None = getattr(_turns, "mine", None)
    if turn is None:
        yield
        return
    turn.release()
    try:
        yield
    finally:
        turn.acquire()


class Lane:
    """Has ``answer``, which never raises, called for connections as they came, as far as there are places."""

    def __init__(self, answer: Callable[[Connection], None]) -> None:
        self.waiting: Room = {}
        self._answer = answer
        self._calls = threading.Semaphore(0)
        self._inside = threading.BoundedSemaphore(INSIDE)
        self._turn = threading.Lock()
        self._under_way: Counter[str] = Counter()

    def start(self, done: Callable[[], None]) -> None:
        """Begin; a thread says when it is ``done`` with an answer."""
        for number in range(PLACES):
            threading.Thread(target=self._work, args=(done,), name=f"outward-{number}", daemon=True).start()

    def enter(self, conn: Connection, whom: str) -> None:
        """Let a connection wait for a place, where the answer to its request may wait for somebody."""
        conn.waits_for = whom
        conn.room = self.waiting
        conn.room[conn] = time.monotonic()
        self._calls.release()

    def _work(self, done: Callable[[], None]) -> None:
        _turns.mine = self._inside
        while True:
            self._calls.acquire()
            # Whoever had to be left waiting is found by those whose places become free.
            while conn := self._next():
                whom = conn.waits_for
                with self._inside:
                    self._answer(conn)
                with self._turn:
                    self._under_way[whom] -= 1
                done()

    def _next(self) -> Connection | None:
        """The first one for which there is a place, which it then has; it is the caller's now."""
        with self._turn:
            for conn in list(self.waiting):
                has_place = self._under_way[conn.waits_for] < PLACES_OF_ONE
                if has_place and self.waiting.pop(conn, None) is not None:
                    self._under_way[conn.waits_for] += 1
                    return conn
        return None
