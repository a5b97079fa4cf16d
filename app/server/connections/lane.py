"""Threads of their own for the answers that wait for somebody outside, such as a provider of identities.

They do nothing else: others receive the requests and send the answers. So however many of these answers hang, nobody
else waits for them, and who finds no place here waits for one no longer than others wait for a thread.
"""

import threading
import time
from collections.abc import Callable

from app.server.connections.rooms import Connection, Room, first_of

PLACES = 16
"""How many such answers are under way at a time in a worker."""


class Lane:
    """Has ``answer`` called for one connection after the other, in the order in which they came."""

    def __init__(self, answer: Callable[[Connection], None]) -> None:
        self.waiting: Room = {}
        self._answer = answer
        self._calls = threading.Semaphore(0)

    def start(self, done: Callable[[], None]) -> None:
        """Begin; a thread says when it is ``done`` with what there was to answer."""
        for number in range(PLACES):
            threading.Thread(target=self._work, args=(done,), name=f"outward-{number}", daemon=True).start()

    def enter(self, conn: Connection) -> None:
        """Let a connection wait for a place."""
        conn.room = self.waiting
        conn.room[conn] = time.monotonic()
        self._calls.release()

    def _work(self, done: Callable[[], None]) -> None:
        while True:
            self._calls.acquire()
            if conn := first_of(self.waiting):  # else it was waiting for too long
                self._answer(conn)
                done()
