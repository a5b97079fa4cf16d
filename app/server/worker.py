"""The portal's worker under gunicorn: what its main thread does, while others answer (:mod:`app.server.connections`).

It accepts connections, hears signals, tells the master that it lives, and lets everybody go in order at the end. Of
gunicorn it uses what ``tests/server/test_gunicorn.py`` lists, and no other of its workers.
"""

import logging
import os
import selectors
import sys
import time
from typing import Any

from gunicorn.workers import base

from app.server import leaving, terms
from app.server.answering import Answering
from app.server.balance import Balance
from app.server.connections.connections import Answer, Connections
from app.server.connections.rooms import Connection
from app.server.refusals import Refusals

LINGER_SECONDS = 2.0
"""How long a worker that ends with its portal waits for requests on their way on connections it kept."""
REPLACED_LINGER_SECONDS = 15.0
"""The same for a worker whose place others have taken: nobody waits for it, and each answer says it is the last."""
LAST_SECONDS = 0.25
"""How long a portal that ends still takes connections whose handshake was under way."""
STEP_BACK_SECONDS = 0.005
"""How long a new connection is left to a worker that has fewer."""
FULL_SECONDS = 0.1
"""How long new connections wait while there is no room for any."""
LOOK_SECONDS = 1.0
"""Between two looks for what takes too long."""
QUIET_SECONDS = 60.0
"""Between two lines that say that no connection could be accepted."""
END_SECONDS = 0.05
"""Between two looks whether everybody has gone."""
logger = logging.getLogger("portal.server")


class PatientWorker(base.Worker):  # type: ignore[misc]
    """A worker whose threads are for requests that are there."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse, rather than leave out silently, what this worker does not speak."""
        if cfg.is_ssl or cfg.proxy_protocol != "off":
            sys.exit(
                "TLS and the PROXY protocol are for a proxy in front of the portal, which itself speaks plain HTTP."
            )

    def run(self) -> None:
        """Serve until told to end, or until the master is gone; then let everybody go in order."""
        agreed = terms.of(self.wsgi)
        refusals = Refusals(agreed)
        self._answering = Answering(self.cfg, self.log, self.wsgi, refusals)
        self._connections = Connections(
            self._answer,
            self._answering.refusal,
            refusals,
            longest_body=agreed.longest_body,
            longer_bodies=agreed.longer_bodies,
            is_prompt=agreed.is_prompt,
            outward_to=agreed.outward_to,
            threads=self.cfg.threads,
            idle_seconds=self.cfg.keepalive,
        )
        self._connections.start(self.log.flush)
        self._pulse = agreed.pulse
        self._balance = Balance(self.age)
        self._listeners: list[Any] = list(self.sockets)
        self._names = {listener.fileno(): listener.getsockname() for listener in self._listeners}
        self._is_accepting = False
        self._accepts_at = self._resumed_at = self._next_look = self._quiet_until = 0.0
        self._poll = selectors.DefaultSelector()
        self._poll.register(self.PIPE[0], selectors.EVENT_READ, self._hear_signal)
        while self.alive and self.ppid == os.getppid():
            self._wait()
        self._end()

    def _answer(self, conn: Connection) -> Answer:
        """The answer to the request of a connection; called by the threads."""
        self.nr += 1
        if self.nr >= self.max_requests:
            self.alive = False
        return self._answering.answer(conn, ends=not self.alive or leaving.is_leaving())

    def _wait(self) -> None:
        """Hear of new connections and signals, at the latest when the next look is due."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self.notify()
            self.log.flush()
            self._balance.show_life()
            self._connections.end_what_takes_too_long()
            self._pulse(len(self._connections))
        if self.alive and not self._is_accepting and now >= self._accepts_at:
            self._accept_again(now)
        self._balance.tell(len(self._connections))
        until = self._next_look if self._is_accepting else min(self._next_look, self._accepts_at)
        for key, _ in self._poll.select(max(until - now, 0) if self.alive else END_SECONDS):
            key.data(key.fileobj)

    def _hear_signal(self, pipe: int) -> None:
        os.read(pipe, 4096)  # its handler has done what is to be done

    def _accept_again(self, now: float) -> None:
        self._is_accepting, self._resumed_at = True, now
        for listener in self._listeners:
            self._poll.register(listener, selectors.EVENT_READ, self._accept)

    def _accept_no_more(self, seconds: float) -> None:
        """Look at no new connection for so long."""
        if self._is_accepting:
            self._is_accepting, self._accepts_at = False, time.monotonic() + seconds
            for listener in self._listeners:
                self._poll.unregister(listener)

    def _accept(self, listener: Any) -> None:
        """Take a new connection, unless for the moment it is better left to another worker."""
        if self.alive and not self._balance.is_ours() and time.monotonic() > self._resumed_at + STEP_BACK_SECONDS:
            self._accept_no_more(STEP_BACK_SECONDS)  # if nobody else has come for it, it is taken after that
        elif len(self._connections) >= self.cfg.worker_connections and not self._connections.make_room():
            self._accept_no_more(FULL_SECONDS)
        else:
            self._take(listener)

    def _take(self, listener: Any) -> bool:
        """Accept one connection; whether there was one."""
        try:
            sock, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError as error:
            # No descriptor or no memory: one connection less may help, or somebody else gives some back.
            if time.monotonic() > self._quiet_until:
                self._quiet_until = time.monotonic() + QUIET_SECONDS
                logger.warning("accept_failed", extra={"reason": error.strerror})
            if not self._connections.make_room():
                self._accept_no_more(FULL_SECONDS)
            return False
        self._connections.welcome(sock, client, self._names[listener.fileno()])
        return True

    def _end(self) -> None:
        """Take who has connected already, answer what is on its way, and go."""
        self.alive = False
        self._balance.leave()
        began = time.monotonic()
        # Others take the connections that come, unless all go.
        closes_at = began + LAST_SECONDS if self._is_last() else began
        while self._listeners or (self._connections and time.monotonic() < began + self.cfg.graceful_timeout):
            if self._listeners and time.monotonic() >= closes_at:
                self._close_listeners()
            self._wait()
            if time.monotonic() > began + (LINGER_SECONDS if self._is_last() else REPLACED_LINGER_SECONDS):
                self._connections.close_idle()
        self.log.flush()

    def _is_last(self) -> bool:
        """Whether nobody serves after this worker: its portal leaves, or the master is gone."""
        return leaving.is_leaving() or self.ppid != os.getppid()

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            while self._take(listener):
                pass
        self._accept_no_more(0.0)
        for listener in self._listeners:
            listener.close()
        self._listeners = []
