"""How a provider misbehaves while a switch says so."""

import time
from collections.abc import Callable, Iterator

from examples.providers.switches import BACK_CHANNEL, Switches
from examples.providers.web import Answer, Reset, as_json, as_page, redirect

INNER_ADDRESS = "http://169.254.169.254/latest/meta-data/"
HUGE = 10 << 20
DRIP_SECONDS = 0.2


class Faults:
    """Stands before the endpoints of one provider."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._is_over = False
        self.hanging = 0
        self._answers: dict[str, Callable[[], Answer]] = {
            "error": lambda: as_json({"error": "server_error", "message": "Internal Server Error"}, 500),
            "html": lambda: as_page("<!doctype html><title>Scheduled maintenance</title><p>We will be back soon."),
            "huge": lambda: Answer(200, _huge(), {"Content-Type": "application/json"}),
            "redirect": lambda: redirect(INNER_ADDRESS),
            "drip": lambda: Answer(200, self._drip(), {"Content-Type": "application/json"}),
        }

    def meet(self, kind: str) -> Answer | None:
        """What a request of this kind is answered instead; None, perhaps after a while, if it is answered as usual.

        :raises Reset: if not even that.
        """
        if kind not in BACK_CHANNEL:
            return None
        self._wait(lambda: not self._switches.is_on("hang", kind))
        slow = float(self._switches["slow"])
        end = time.monotonic() + slow
        self._wait(lambda: time.monotonic() >= end, slow)
        if self._is_over or self._switches.is_on("reset", kind):
            raise Reset
        return next((make() for fault, make in self._answers.items() if self._switches.is_on(fault, kind)), None)

    def end(self) -> None:
        """Whoever waits is reset."""
        with self._switches.changed:
            self._is_over = True
            self._switches.changed.notify_all()

    def begin(self) -> None:
        """Be as the switches say again."""
        self._is_over = False

    def _wait(self, until: Callable[[], bool], seconds: float | None = None) -> None:
        with self._switches.changed:
            if until():
                return
            self.hanging += 1
            self._switches.changed.notify_all()
            self._switches.changed.wait_for(lambda: self._is_over or until(), seconds)
            self.hanging -= 1
            self._switches.changed.notify_all()

    def _drip(self) -> Iterator[bytes]:
        while not self._is_over and self._switches["drip"]:
            yield b" "
            time.sleep(DRIP_SECONDS)


def _huge() -> Iterator[bytes]:
    """Correct, and of a length that is not said beforehand."""
    yield b'{"access_token": "'
    yield from [b"a" * (1 << 16)] * (HUGE >> 16)
    yield b'", "token_type": "bearer"}'
