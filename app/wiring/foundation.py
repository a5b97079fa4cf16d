"""FoundationRoom: the store, sealing, agreement with other nodes, limits."""

from functools import cached_property

from app.services.foundation.agreement import Agreement
from app.services.foundation.environment import Clock, Database
from app.services.foundation.rate_limits import RateLimiter
from app.services.foundation.sealing import Sealer
from app.settings import Settings
from app.stores import KeyValueStore, open_store


class FoundationRoom:
    """Builds what every room stands on."""

    def __init__(self, settings: Settings, db: Database, clock: Clock) -> None:
        self.settings, self.db, self.clock = settings, db, clock

    @cached_property
    def store(self) -> KeyValueStore:
        """Redis where there is one, with the embedded store behind it; else the embedded store alone."""
        embedded, storage = f"sqlite:///{self.settings.instance_path}/store.db", self.settings.storage
        if not storage.redis_url:
            return open_store(embedded)
        return open_store(storage.redis_url, fallback=embedded, prefix=storage.redis_prefix)

    @cached_property
    def sealer(self) -> Sealer:
        return Sealer(self.settings.secrets.encryption_keys)

    @cached_property
    def agreement(self) -> Agreement:
        secrets, tokens = self.settings.secrets, self.settings.tokens
        known = {
            "ENCRYPTION_KEYS": secrets.encryption_keys,
            "SECRET_KEY": (secrets.secret_key, *secrets.secret_key_fallbacks),
            "JWT_SHARED_SECRET": (tokens.shared_secret,) if tokens.algorithm == "HS256" else (),
        }
        return Agreement(self.db, self.clock, known, self.settings.issuer)

    @cached_property
    def rate_limits(self) -> RateLimiter:
        limits = self.settings.limits
        return RateLimiter(self.store, limits.enabled, limits.ipv6_prefix)
