"""What is done beside the requests: deliveries leave, spent rows go. One thread per worker process, and messengers.

The rows are the queue (:mod:`app.services.delivery.outbox`), so nothing is lost with a process, and every process may
help.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from flask import Flask

from app.database import ADMINISTRATION, UNAVAILABLE, enter, only_reads
from app.server.metrics import meters as metrics
from app.server.tracing import switch
from app.services.delivery.outbox import DeliveryFailed, Due
from app.services.foundation.environment import sha256
from app.stores import StoreUnavailable
from app.wiring import services

POLL_SECONDS = 5.0
"""How often is looked for what other processes left behind; what this one queues is seen at once."""
STOP_SECONDS = 5.0
EXTENSION = "background"
AWAY = (*UNAVAILABLE, StoreUnavailable)
"""The database or the store does not answer: nothing is wrong with what was being done."""
logger = logging.getLogger("portal.background")


class Courier(Protocol):
    """Delivers some kinds of deliveries."""

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds it delivers."""
        ...

    @property
    def parallel(self) -> int:
        """How many may be under way at one time in one process."""
        ...

    @property
    def room(self) -> int:
        """How many of these for one client, so that one that is slow leaves places to the others."""
        ...

    def prepare(self, due: Due) -> Callable[[], None] | None:
        """Do what needs the database, in its transaction; answer what remains: talking to somebody outside.

        What is answered runs in another thread without application or transaction and raises :class:`DeliveryFailed`.
        None says that everything is done.
        """
        ...


@dataclass(frozen=True, slots=True)
class Chore:
    """Something done every so many seconds by one of all processes."""

    name: str
    seconds: int
    run: Callable[[], object]


class Background:
    """Runs couriers and chores for an application."""

    def __init__(
        self,
        app: Flask,
        couriers: Sequence[Courier],
        chores: Sequence[Chore] = (),
        lessons: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._app = app
        self._couriers = couriers
        self._chores = chores
        self._lessons = lessons
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._under_way: dict[str, tuple[Courier, str | None]] = {}
        self._returned: deque[tuple[Due, Exception | None]] = deque()

    def start(self) -> None:
        """Begin in this process; to be called after it was forked."""
        self._app.extensions["services"].outbox.listen(self._wake.set)
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End: what is under way has a few seconds to arrive; the rest is tried again once its claim is over."""
        if self._thread is None:
            return
        self._stopping.set()
        self._wake.set()
        self._thread.join(STOP_SECONDS)

    def deliver(self) -> int:
        """Deliver all that is due in this thread, one after the other; answers how many arrived.

        What fails is not tried again before it is due again; what one courier queues for a later one is delivered.
        """
        arrived = 0
        for courier in self._couriers:
            began = services.clock()
            while claimed := services.outbox.claim(courier.kinds, 1, due_by=began):
                for due in claimed:
                    arrived += self._deliver_now(courier, due)
        return arrived

    def _deliver_now(self, courier: Courier, due: Due) -> bool:
        try:
            if send := courier.prepare(due):
                services.db.commit()
                send()
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 one that cannot be delivered holds up none of the others
            services.db.rollback()
            self._note(due, error)
            return False
        self._note(due, None)
        return True

    def _run(self) -> None:
        is_failing, has_looked = False, False
        with self._everywhere():
            self._try_store()
        with suppress(*AWAY), self._everywhere():
            self._see_schema()
            self._see_role()
        while not self._stopping.is_set():
            try:
                with self._everywhere():
                    has_looked = has_looked or self._try_keys()
                    self._round()
                is_failing = False
            except AWAY as error:
                # The database is away: the next round may find it again, and requests have said so already.
                if not is_failing:
                    logger.warning("background_waits", extra={"reason": type(error).__name__})
                is_failing = True
            except Exception:
                logger.exception("background_failed")
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()
        deadline = time.monotonic() + STOP_SECONDS / 2
        while self._under_way and time.monotonic() < deadline:
            time.sleep(0.05)
            with suppress(*AWAY), self._everywhere():
                self._settle()
        if not is_failing:
            with suppress(*AWAY), self._everywhere():
                services.usage.write()
                services.agreement.leave()

    @contextmanager
    def _everywhere(self) -> Iterator[None]:
        with self._app.app_context():
            enter(ADMINISTRATION)
            yield

    @staticmethod
    def _try_store() -> None:
        """Say at once what does not work: a Redis that denies something answers everything else."""
        for part, works in (("store", services.store.ping), ("embedded_store", services.store.ping_fallback)):
            try:
                works()
            except StoreUnavailable as error:
                logger.warning("store_unusable", extra={"part": part, "reason": str(error)})

    @staticmethod
    def _see_schema() -> None:
        """Say at once that the database's schema is not the one this code was written for, whether it works or not."""
        only_reads()
        fit = services.db.schema_fit()
        if not fit.is_expected:
            log = logger.warning if fit.is_usable else logger.error
            log("schema_differs", extra={"reason": fit.sentence})

    @staticmethod
    def _see_role() -> None:
        """Say at once that the database keeps nobody apart for this role."""
        if services.settings.is_production and (sentence := services.db.role_weakness()):
            logger.warning("database_role", extra={"reason": sentence})

    @staticmethod
    def _try_keys() -> bool:
        """Say at once which signing keys do not open."""
        for problem in services.keys.problems():
            logger.warning("key_unusable", extra={"reason": problem})
        return True

    def _round(self) -> None:
        for learn in self._lessons:
            learn()
        self._settle()
        for courier in self._couriers:
            for _ in range(courier.parallel):
                if not self._take_one(courier):
                    break
        for chore in self._chores:
            if services.store.add(self._mark(chore), b"", chore.seconds):
                self._do(chore)

    def _do(self, chore: Chore) -> None:
        meters, is_done = metrics.of(self._app), False
        try:
            chore.run()
            is_done = True
        finally:
            meters.chore(chore.name, is_done=is_done)

    @staticmethod
    def _mark(chore: Chore) -> str:
        """The mark of who has done it lately: another portal on the same Redis has chores of its own."""
        return f"chore:{chore.name}:{sha256(services.settings.issuer)[:16]}"

    def _take_one(self, courier: Courier) -> bool:
        """Send one out, if there is a place for it and for its receiver."""
        receivers = [receiver for each, receiver in self._under_way.values() if each is courier]
        if len(receivers) >= courier.parallel:
            return False
        full = [each for each, count in Counter(receivers).items() if each is not None and count >= courier.room]
        claimed = services.outbox.claim(courier.kinds, 1, without=full)
        for due in claimed:
            self._send_out(courier, due)
        return bool(claimed)

    def _send_out(self, courier: Courier, due: Due) -> None:
        try:
            send = courier.prepare(due)
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 one that cannot be delivered holds up none of the others
            services.db.rollback()
            self._note(due, error)
            return
        if send is None:
            self._note(due, None)
            self._wake.set()  # there may be more of them than could be claimed at once
            return
        services.db.commit()
        self._under_way[due.id] = (courier, due.client_id)
        threading.Thread(target=self._carry, args=(send, due), name=f"courier-{due.kind}", daemon=True).start()

    def _carry(self, send: Callable[[], None], due: Due) -> None:
        """A messenger: knows neither application nor database, and whatever happens comes back."""
        try:
            with switch.exchange(self._app, f"deliver {due.kind}", **{"portal.delivery.kind": due.kind}):
                send()
        except Exception as error:  # noqa: BLE001 the background puts it on record
            self._returned.append((due, error))
        else:
            self._returned.append((due, None))
        self._wake.set()

    def _settle(self) -> None:
        """Put what has come back on record; what the database does not take now is offered again."""
        while self._returned:
            due, error = self._returned[0]
            self._note(due, error)
            self._returned.popleft()
            self._under_way.pop(due.id, None)

    def _note(self, due: Due, error: Exception | None) -> None:
        if error is None:
            services.outbox.done(due)
        elif isinstance(error, DeliveryFailed):
            services.outbox.failed(due, error)
        else:
            logger.error("courier_failed", exc_info=error)
            services.outbox.failed(due, DeliveryFailed("error"))
        services.db.commit()


def configure(
    app: Flask,
    couriers: Sequence[Courier],
    chores: Sequence[Chore] = (),
    lessons: Sequence[Callable[[], object]] = (),
) -> None:
    """Give ``app`` its background; :meth:`Background.start` begins it where the application serves.

    ``lessons`` are what every process learns of the rows each round, in order to know it when the database is away.
    """
    app.extensions[EXTENSION] = Background(app, couriers, chores, lessons)
