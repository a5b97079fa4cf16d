"""The keys that clients publish at an address (``jwks_uri``), as this process read them last.

Requests wait for such an address, so it is bounded how many: whoever finds it being read already is judged by the keys
there are, or waits as one of :class:`PublishedKeys`'s ``places``, or hears that it is to come again. So addresses that
hang hold up some of a worker's threads for some seconds and nobody else.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import requests

from app.errors import InvalidInput, ProtocolRefusal
from app.services.clients.public_keys import LONGEST_SET, ClientKey, keys_of
from app.services.delivery.exchange import Deadline, NoAnswer, fetch
from app.services.foundation.networks import is_public

SECONDS = 5.0
"""For a set of keys to be there as a whole: name, connection, TLS, answer."""
FRESH_SECONDS = 600.0
"""So long nobody asks again for keys that are known."""
KEPT_SECONDS = 3600.0
"""So long keys count after they were read, while the address does not answer."""
AGAIN_SECONDS = 60.0
"""From one look to the next one for a key that was not there; so a flood of made-up ids is one look a minute."""
AFTER_FAILURE_SECONDS = 10.0
"""From a look that failed to the next one, where there are no keys at all."""
MOST_ADDRESSES = 1000
BUSY = "The keys of the client are being read; try again in a moment"
Keys = tuple[ClientKey, ...]
Wanted = Callable[[Keys], bool]
READ = "read"
Heard = Callable[[str], object]
"""Told :data:`READ` where keys came, else why none did, in the words of :class:`NoKeys`."""
logger = logging.getLogger("portal.assertions")


class NoKeys(Exception):
    """An address gave no keys; the text says why, in constant words."""


def ignored(_said: str) -> None:
    """Hear nothing."""


@dataclass(slots=True)
class _Known:
    """What is known of one address; moments are of a clock that only goes forward."""

    keys: Keys = ()
    read_at: float = float("-inf")
    tried_at: float = float("-inf")
    reading: "Future[Keys] | None" = field(default=None)


class PublishedKeys:
    """Reads sets of keys and remembers them; ``places`` requests at most wait for that at a time."""

    def __init__(self, *, places: int, is_production: bool, now: Callable[[], float] = time.monotonic) -> None:
        self._is_production = is_production
        self._now = now
        self._places = threading.BoundedSemaphore(places)
        self._turn = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def at(self, uri: str, is_enough: Wanted, before_waiting: Callable[[], object], heard: Heard = ignored) -> Keys:
        """The keys at ``uri``; read anew where they are old, or not ``is_enough`` and not looked for lately.

        ``before_waiting`` is called before anybody outside is asked, ``heard`` with what came of that. Without keys
        nothing is good: the answer is empty.
        Raises :class:`ProtocolRefusal` (503) where as many wait for keys as may.
        """
        with self._turn:
            known = self._entry(uri)
            keys = self._counting(known)
            if not self._needs_reading(known, is_enough):
                return keys
            if not self._places.acquire(blocking=False):
                if keys:
                    return keys
                raise ProtocolRefusal("temporarily_unavailable", BUSY, 503)
            reading = known.reading
            if reading is None:
                known.reading, known.tried_at = Future(), self._now()
        try:
            if reading is None:
                return self._read(uri, known, before_waiting, heard)
            before_waiting()
            return reading.result(SECONDS + 1)
        except TimeoutError:
            return keys
        finally:
            self._places.release()

    def _entry(self, uri: str) -> _Known:
        """What is known of the address, which is the last one now to be forgotten."""
        known = self._known.setdefault(uri, _Known())
        self._known.move_to_end(uri)
        while len(self._known) > MOST_ADDRESSES:
            self._known.popitem(last=False)
        return known

    def _counting(self, known: _Known) -> Keys:
        return known.keys if self._now() - known.read_at < KEPT_SECONDS else ()

    def _needs_reading(self, known: _Known, is_enough: Wanted) -> bool:
        now, keys = self._now(), self._counting(known)
        if keys and now - known.read_at < FRESH_SECONDS and is_enough(keys):
            return False
        if known.reading is not None:
            # Whoever has what it needs does not wait for who looks for more.
            return not (keys and is_enough(keys))
        return now - known.tried_at >= (AGAIN_SECONDS if keys else AFTER_FAILURE_SECONDS)

    def _read(self, uri: str, known: _Known, before_asking: Callable[[], object], heard: Heard) -> Keys:
        """Ask, and tell those who wait; keys that were there before stay where nothing came."""
        found: Keys = ()
        try:
            before_asking()
            found = self._asked(uri)
            heard(READ)
        except NoKeys as failure:
            heard(str(failure))
            logger.warning("client_keys_unavailable", extra={"address": uri, "reason": str(failure)})
        finally:
            with self._turn:
                if found:
                    known.keys, known.read_at = found, self._now()
                keys = self._counting(known)
                reading, known.reading = known.reading, None
            if reading:
                reading.set_result(keys)
        return keys

    def _asked(self, uri: str) -> Keys:
        """What the address answers; raises :class:`NoKeys`."""
        if self._is_production and not uri.startswith("https://"):
            raise NoKeys("not_https")
        request = requests.Request("GET", uri, headers={"Accept": "application/json", "Accept-Encoding": "identity"})
        try:
            prepared = request.prepare()
            answer = fetch(prepared, deadline=Deadline(SECONDS), most_bytes=LONGEST_SET, may_reach=self._may_reach)
        except NoAnswer as failure:
            raise NoKeys(failure.reason) from None
        except requests.RequestException:
            raise NoKeys("no_address") from None
        if answer.status != 200:
            # Nobody is followed elsewhere: a redirect is an answer without keys.
            raise NoKeys("status")
        try:
            return keys_of(answer.body.decode())
        except (InvalidInput, ValueError):
            raise NoKeys("no_usable_set") from None

    def _may_reach(self, address: str) -> bool:
        """In production nothing of an inner network is asked, whatever a name leads to; a desk is near everything."""
        return not self._is_production or is_public(address)
