"""The connections of a worker, and the threads that do whatever one of them is ready for, waiting for no client.

Each thread asks the kernel for a connection with something to do and does it: collects what has come of a request,
answers one that is there as a whole, sends on what a client had not taken. So who sends or reads slowly, or not at all,
holds a connection but no thread (Slowloris); a connection that is kept holds nothing; and a request is read, answered
and followed by the next without a change of threads.

There is one thread more than may answer at a time. It goes on reading, and answers what waits for nothing, when all the
others wait for a database. What waits for somebody outside is answered by others (:mod:`app.server.connections.lane`).
"""

import logging
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.server.connections.arrival import Arrival, Stage
from app.server.connections.lane import Lane
from app.server.connections.rooms import Connection, Room, first_of, taken_from
from app.server.refusals import Refusals

READ_SECONDS = 10.0
"""From the first byte of a request to its last, and for a client to take something of an answer."""
WAIT_SECONDS = 8.0
"""For a request to be answered by a thread, all of which may be waiting for a database."""
CLOSE_SECONDS = 2.0
"""What a client has to close its side of a connection that ends, lest a reset takes the answer from it."""
SLOWEST = 32 * 1024
"""Bytes a second that a client has to send at least once :data:`READ_SECONDS` are over."""
MOST_HELD = 32 * 1024 * 1024
"""Bytes of requests that were not answered yet and of untaken answers; who needs more is cut off."""
MOST_FOR_LONG = MOST_HELD // 2
"""From then on uploads are cut off, so that there is always room for what people otherwise do."""
AT_ONCE = 65536
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
READABLE = select.EPOLLIN | select.EPOLLONESHOT
WRITABLE = select.EPOLLOUT | select.EPOLLONESHOT
logger = logging.getLogger("portal.server")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send, whether the connection ends with it, and the bytes that followed the request."""

    data: bytes
    ends: bool
    rest: bytes = b""


class Connections:
    """All of one process.

    ``answer`` answers the request a connection has, ``refusal`` one whose head alone is enough to refuse it. Both are
    called by the threads.
    """

    def __init__(
        self,
        answer: Callable[[Connection], Answer],
        refusal: Callable[[Connection], bytes | None],
        refusals: Refusals,
        *,
        longest_body: int,
        longer_bodies: tuple[tuple[bytes, int], ...] = (),
        is_prompt: Callable[[bytes], bool],
        outward_to: Callable[[bytes], str | None] = lambda asked: None,
        threads: int,
        idle_seconds: float,
    ) -> None:
        self._answer_of = answer
        self._refusal_of = refusal
        self._refusals = refusals
        self._longest_body = longest_body
        self._longer_bodies = longer_bodies
        self._is_prompt = is_prompt
        self._outward_to = outward_to
        self._threads = threads
        self._idle_seconds = idle_seconds
        self._all: dict[int, Connection] = {}
        self._idle: Room = {}
        self._arriving: Room = {}
        self._urgent: Room = {}
        self._waiting: Room = {}
        self._lane = Lane(self._answer_outward)
        self._sending: Room = {}
        self._parting: Room = {}
        self._ready = select.epoll()
        self._turn = threading.Lock()
        self._answering = 0
        self._held = 0

    def __len__(self) -> int:
        return len(self._all)

    # For the main thread

    def start(self, done: Callable[[], None]) -> None:
        """Begin; a thread says when it is ``done`` with what there was to answer."""
        for number in range(self._threads + 1):
            threading.Thread(target=self._work, args=(done,), name=f"answers-{number}", daemon=True).start()
        self._lane.start(done)

    def welcome(self, sock: socket.socket, client: Any, server: Any) -> None:
        """Take a new connection."""
        sock.setblocking(False)
        conn = Connection(sock, client, server, self._arrival(), self._idle)
        self._all[conn.number] = conn
        self._idle[conn] = time.monotonic()
        self._ready.register(conn.number, READABLE)

    def make_room(self) -> bool:
        """Close the connection that has been idle for longest, or else at its request; whether there was one.

        Before those who are at their request go those who wait in the lane, which must hold up nobody else. Who came
        into a room first stands first in it, but for the few whose event was for nothing.
        """
        conn = first_of(self._idle)
        if conn is None and (conn := first_of(self._lane.waiting)):
            with suppress(OSError):
                conn.sock.send(self._refusals.answer(503, "no_room", conn.client))
        conn = conn or first_of(self._arriving)
        if conn:
            self._drop(conn)
        return conn is not None

    def close_idle(self) -> None:
        """Close all on which no request has begun."""
        for conn in taken_from(self._idle, time.monotonic()):
            self._drop(conn)

    def end_what_takes_too_long(self) -> None:
        """To be called about once a second."""
        now = time.monotonic()
        rooms = (self._arriving, self._waiting, self._lane.waiting)
        self._held = sum(len(conn.arrival.bytes) for room in rooms for conn in list(room))
        self._held += sum(len(conn.unsent) for conn in list(self._sending))
        for conn in taken_from(self._arriving, now - READ_SECONDS, lambda conn: len(conn.arrival.bytes) / SLOWEST):
            self._refuse(conn, 408, "too_slow")
        for conn in taken_from(self._waiting, now - WAIT_SECONDS):
            self._refuse(conn, 503, "no_thread")
        for conn in taken_from(self._lane.waiting, now - WAIT_SECONDS):
            self._refuse(conn, 503, "no_place")
        for conn in [
            *taken_from(self._idle, now - self._idle_seconds),
            *taken_from(self._sending, now - READ_SECONDS),
            *taken_from(self._parting, now - CLOSE_SECONDS),
        ]:
            self._drop(conn)

    # The threads

    def _work(self, done: Callable[[], None]) -> None:
        """Do what one connection after the other is ready for."""
        while True:
            for number, _ in self._ready.poll(None, 1):
                conn = self._all.get(number)
                since = conn.room.pop(conn, None) if conn else None
                if conn is None or since is None:
                    continue  # it was closed in this moment
                try:
                    self._go_on(conn, since)
                except BaseException:
                    logger.exception("unexpected_error")
                    self._drop(conn)
            if self._urgent or self._waiting:
                self._answer_in_turn()
                done()

    def _go_on(self, conn: Connection, since: float) -> None:
        if conn.room is self._sending:
            self._send_on(conn)
        elif conn.room is self._parting:
            self._see_off(conn, since)
        else:
            self._receive(conn, since)

    def _receive(self, conn: Connection, since: float) -> None:
        """Take what has come."""
        try:
            more = conn.sock.recv(AT_ONCE)
        except BlockingIOError:
            self._put(conn, conn.room, READABLE, since)
            return
        except OSError:
            more = b""
        if more:
            conn.arrival.add(more)
            self._held += len(more)
            self._listen(conn, since if conn.room is self._arriving else None)
        elif conn.arrival.bytes:
            self._refuse(conn, 400, "cut_off")
        else:
            self._drop(conn)

    def _listen(self, conn: Connection, since: float | None = None) -> None:
        """Wait for the rest of a request, or let it wait for its answer when it is there."""
        is_there = conn.arrival.stage() is not Stage.BEGUN
        asked = conn.arrival.asked() if is_there else b""
        if is_there and self._is_prompt(asked):
            conn.room = self._urgent
            conn.room[conn] = time.monotonic()
        elif self._held > (MOST_FOR_LONG if conn.arrival.is_long else MOST_HELD) and conn.arrival.bytes:
            self._refuse(conn, 503, "no_memory")
        elif is_there and (whom := self._outward_to(asked)):
            self._lane.enter(conn, whom)
        elif is_there:
            conn.room = self._waiting
            conn.room[conn] = time.monotonic()
        elif not conn.arrival.bytes:
            self._put(conn, self._idle, READABLE)
        else:
            self._wait_for_rest(conn, since)

    def _wait_for_rest(self, conn: Connection, since: float | None) -> None:
        """Wait for what is still to come, and tell who waits for that to send it, or that it is of no use."""
        if conn.arrival.is_held_back():
            if refusal := self._refusal_of(conn):
                conn.ends = True
                self._send(conn, refusal)
                return
            with suppress(OSError):
                conn.sock.send(CONTINUE)
        self._put(conn, self._arriving, READABLE, since)

    def _answer_in_turn(self) -> None:
        """Answer whoever waits for it, unless as many threads as may do so already."""
        is_answering = False
        while True:
            if conn := first_of(self._urgent):
                self._answer(conn)
            elif is_answering or self._may_answer():
                conn = self._longest_waiting()
                is_answering = conn is not None
                if conn:
                    self._answer(conn)
            else:
                return

    def _may_answer(self) -> bool:
        with self._turn:
            if not self._waiting or self._answering >= self._threads:
                return False
            self._answering += 1
            return True

    def _longest_waiting(self) -> Connection | None:
        """The next one that waits; if there is none, this thread answers no more."""
        with self._turn:
            conn = first_of(self._waiting)
            if conn is None:
                self._answering -= 1
            return conn

    def _answer(self, conn: Connection) -> None:
        try:
            self._send(conn, self._answered(conn))
        except BaseException:
            logger.exception("unexpected_error")
            self._drop(conn)

    def _answer_outward(self, conn: Connection) -> None:
        """Answer in the lane, and leave it to the other threads to send that and to go on with the connection."""
        try:
            conn.unsent = memoryview(self._answered(conn))
            self._put(conn, self._sending, WRITABLE)
        except BaseException:
            logger.exception("unexpected_error")
            self._drop(conn)

    def _answered(self, conn: Connection) -> bytes:
        """The answer to the request of a connection, which then has what follows that request."""
        self._held -= len(conn.arrival.bytes)  # that threads may miscount is made up for each second
        answer = self._answer_of(conn)
        conn.arrival, conn.ends = self._arrival(answer.rest), answer.ends
        return answer.data

    def _arrival(self, begun: bytes = b"") -> Arrival:
        return Arrival(self._longest_body, begun, self._longer_bodies)

    # Whoever has a connection

    def _refuse(self, conn: Connection, status: int, reason: str) -> None:
        conn.ends = True
        self._send(conn, self._refusals.answer(status, reason, conn.client))

    def _send(self, conn: Connection, data: bytes) -> None:
        conn.unsent = memoryview(data)
        self._send_on(conn)

    def _send_on(self, conn: Connection) -> None:
        """Send what the client takes now; after the last of it go on listening, or part."""
        try:
            conn.unsent = conn.unsent[conn.sock.send(conn.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(conn)
            return
        if not conn.unsent:
            self._part(conn) if conn.ends else self._listen(conn)
        elif self._held > MOST_HELD:
            self._drop(conn)
        else:
            self._held += len(conn.unsent)
            self._put(conn, self._sending, WRITABLE)

    def _part(self, conn: Connection) -> None:
        """Close our side, and wait until the client has closed its own."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
        else:
            self._put(conn, self._parting, READABLE)

    def _see_off(self, conn: Connection, since: float) -> None:
        """Throw away what a client still sends on a connection that ends."""
        try:
            is_closed = not conn.sock.recv(AT_ONCE)
        except BlockingIOError:
            is_closed = False
        except OSError:
            is_closed = True
        if is_closed:
            self._drop(conn)
        else:
            self._put(conn, self._parting, READABLE, since)

    def _put(self, conn: Connection, room: Room, events: int, since: float | None = None) -> None:
        """Leave a connection to whoever hears first that it is ready."""
        conn.room = room
        room[conn] = since or time.monotonic()
        with suppress(OSError):  # who closed it in this moment has seen to all
            self._ready.modify(conn.number, events)

    def _drop(self, conn: Connection) -> None:
        if self._all.get(conn.number) is conn:
            del self._all[conn.number]
        conn.sock.close()
