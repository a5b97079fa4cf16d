"""Rate limits: how often something may be tried, counted once for all workers in the shared store."""

import functools
import hashlib
import logging
from dataclasses import dataclass

from limits import RateLimitItem, parse

from app.errors import TooManyAttempts, Unavailable
from app.services.foundation.networks import network
from app.stores import Hit, KeyValueStore, StoreUnavailable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counted:
    """An attempt that was counted, and may turn out to be none of those that are limited."""

    key: str
    hit: Hit


class RateLimiter:
    """Counts hits in fixed windows; a window opens with its first hit.

    Two windows can meet, so at most twice the limit passes within one window's length, at their seam.

    ``name`` says what is limited (``"login"``), ``limit`` how much in the notation of the settings (``"5/minute"``;
    ``""`` or ``"none"``: no limit), ``identifiers`` for whom: each combination has a count of its own. The caller
    normalises identifiers (an e-mail in its canonical case); they are hashed before they become keys.
    """

    def __init__(self, store: KeyValueStore, enabled: bool = True, ipv6_prefix: int = 64) -> None:
        self._store = store
        self._enabled = enabled
        self._ipv6_prefix = ipv6_prefix

    def sender(self, ip_address: str) -> str:
        """The identifier of an address: everybody with an IPv6 address has the ``ipv6_prefix`` in common with himself.

        Whoever has one has 2^64 of them, and would have as many counts.
        """
        return network(ip_address, self._ipv6_prefix)

    def hit(self, name: str, limit: str = "5/minute", *identifiers: str, must_count: bool = True) -> Counted | None:
        """Count one attempt; answers what :meth:`give_back` needs, None where nothing was counted.

        Raises ``TooManyAttempts`` with the whole seconds to wait when the limit is exceeded; refused attempts count,
        but do not prolong the window. When no store answers, raises ``Unavailable``, or with ``must_count=False``
        lets the attempt pass: right for pages that only need protection from floods, wrong for guesses at a secret.
        """
        rule = parse_limit(limit)
        if rule is None or not self._enabled:
            return None
        key = _key(name, identifiers)
        try:
            hit = self._store.count(key, rule.get_expiry())
            if hit.number > rule.amount:
                raise TooManyAttempts(self._store.peek_ttl(key) or 1)
        except StoreUnavailable as error:
            if must_count:
                raise Unavailable from error
            logger.warning("rate_limit_not_counted", extra={"limit": name})
            return None
        return Counted(key, hit)

    def give_back(self, counted: Counted) -> None:
        """Count this very attempt no more, and no other; nothing happens when its window is over.

        Where no store answers it stays counted.
        """
        try:
            self._store.take_back(counted.key, counted.hit)
        except StoreUnavailable:
            logger.warning("rate_limit_not_given_back")

    def check(self, name: str, limit: str = "5/minute", *identifiers: str) -> None:
        """Raise ``TooManyAttempts`` where one more hit would, without counting one."""
        rule = parse_limit(limit)
        if rule is None or not self._enabled:
            return
        key = _key(name, identifiers)
        try:
            if int(self._store.get(key) or 0) >= rule.amount:
                raise TooManyAttempts(self._store.peek_ttl(key) or 1)
        except StoreUnavailable as error:
            raise Unavailable from error

    def clear(self, name: str, *identifiers: str) -> None:
        """Forget what was counted for exactly these identifiers; nothing happens when no store answers."""
        try:
            self._store.delete(_key(name, identifiers))
        except StoreUnavailable:
            logger.warning("rate_limit_not_cleared", extra={"limit": name})


@functools.lru_cache(maxsize=64)
def parse_limit(limit: str) -> RateLimitItem | None:
    """The rule a setting names, or None for no limit; ``ValueError`` for anything that is not exactly one rule."""
    if limit.strip() in {"", "none"}:
        return None
    # The library would read the first of several rules and drop the others.
    if any(separator in limit for separator in ",;|"):
        raise ValueError(f"{limit!r} is more than one rate limit.")
    return parse(limit)


def _key(name: str, identifiers: tuple[str, ...]) -> str:
    # Lengths keep ("ab", "c") and ("a", "bc") apart.
    joined = "".join(f"{len(identifier)}:{identifier}" for identifier in identifiers)
    return f"rate:{name}:{hashlib.sha256(joined.encode()).hexdigest()[:32]}"
