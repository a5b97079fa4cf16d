"""Patience with PostgreSQL: no wait for a server that hangs, or a network that is silent, is without an end.

A server that works ends by itself what takes too long. One that does not is left: a thread of each process looks twice
a second whether one of the connections has been asked for longer than it may take, and shuts its socket down, which the
waiting thread is told at once. That costs a statement nothing but noting when it began.
"""

import os
import socket
import threading
import time
import weakref
from typing import Any

import psycopg

from app.database.contexts import Context

LOOK_SECONDS = 0.5
GRACE_SECONDS = 1.0
"""How much longer than the server's own limit is waited for what it says of it."""
PING_SECONDS = 2.0
STUCK_SECONDS = 1.0
_watching = threading.Lock()
# A process that is forked while another thread holds it would never get it.
os.register_at_fork(before=_watching.acquire, after_in_parent=_watching.release, after_in_child=_watching.release)


class PatientConnection(psycopg.Connection[Any]):
    """A connection that notes since when it waits (``asked``, 0 for not at all), and knows its ``limit`` in seconds.

    ``told`` is the context that its transaction was told, if it was.
    """

    asked = 0.0
    limit = float("inf")
    told: Context | None = None

    def wait(self, *arguments: Any, **named: Any) -> Any:
        """As the driver does, and noting it."""
        self.asked = time.monotonic()
        try:
            return super().wait(*arguments, **named)
        finally:
            self.asked = 0.0


class Door:
    """Opens an engine's connections, and ends those whose server does not answer."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._open: weakref.WeakSet[PatientConnection] = weakref.WeakSet()
        self._turn = threading.Lock()
        self._is_stuck = False
        self._watched_by = 0

    def connect(self, *arguments: Any, **named: Any) -> PatientConnection:
        """Connect; while the server hangs one thread at a time tries, and the others are told at once."""
        is_my_turn = self._turn.acquire(blocking=False) if self._is_stuck else None
        if is_my_turn is False:
            raise psycopg.OperationalError("the server has not answered, and is being asked already")
        began = time.monotonic()
        try:
            made = PatientConnection.connect(*arguments, **named)
            self._is_stuck = False
        except psycopg.Error:
            self._is_stuck = time.monotonic() - began > STUCK_SECONDS
            raise
        finally:
            if is_my_turn:
                self._turn.release()
        made.limit = self._limit
        self._watch(made)
        return made

    def _watch(self, connection: PatientConnection) -> None:
        with _watching:
            self._open.add(connection)
            # A process that was forked has no thread of its parent's.
            if self._watched_by != os.getpid():
                self._watched_by = os.getpid()
                threading.Thread(target=self._look, name="database-patience", daemon=True).start()

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with _watching:
                connections = [each for each in self._open if not each.closed]
                if not connections:
                    # Nothing to look at until the next one is opened, which begins anew.
                    self._watched_by = 0
                    return
            for connection in connections:
                leave_if_late(connection)


def leave_if_late(connection: PatientConnection) -> None:
    """Shut down the socket of a connection whose answer is overdue."""
    asked = connection.asked
    if not asked or time.monotonic() - asked < connection.limit:
        return
    try:
        copy = socket.socket(fileno=os.dup(connection.pgconn.socket))
    except (OSError, psycopg.Error):
        return
    with copy:
        # Asked for the same thing still, it was its socket that was copied, not one that took over the number.
        if connection.asked == asked:
            copy.shutdown(socket.SHUT_RDWR)
