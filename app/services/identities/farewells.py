"""Telling providers that a link has ended, where they offer that: queued with the end itself, until it arrives."""

import json
from datetime import timedelta
from typing import Any

from app.services.delivery.outbox import Outbox
from app.services.foundation.sealing import Sealer, Unopenable

FAREWELL = "provider_unlink"
LIFE = timedelta(days=7)


class Farewells:
    """Queues them; ``takers`` are the providers that can be told. Who carries them is the edge's (app.social)."""

    def __init__(self, outbox: Outbox, sealer: Sealer, takers: frozenset[str]) -> None:
        self.outbox = outbox
        self.sealer = sealer
        self.takers = takers

    def queue(self, provider: str, subject: str, sealed_tokens: str) -> None:
        """Have the provider told that the portal holds nothing of this identity any more."""
        if provider in self.takers:
            content = {"provider": provider, "subject": subject, "tokens": self.opened(sealed_tokens)}
            self.outbox.add(FAREWELL, content, life=LIFE)

    def opened(self, sealed_tokens: str) -> dict[str, Any]:
        """The tokens that were kept; none where the keys that sealed them are gone."""
        try:
            return dict(json.loads(self.sealer.open(sealed_tokens))) if sealed_tokens else {}
        except (Unopenable, ValueError):
            return {}
