"""How providers are used: who is linked with them, and how logins by them fared lately.

Logins and failures are read from what was counted by the hour (:mod:`app.services.record.usage`), people are counted up
to a bound: so it costs the same however many there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.models import Identity, UsageHour
from app.services.foundation.environment import Clock, Database
from app.services.foundation.pages import Count, count_of
from app.services.record.usage import EVERYBODY, Use

SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
LONGEST = "30d"
_identity = cast(sa.Table, Identity.__table__)
_usage = cast(sa.Table, UsageHour.__table__)


@dataclass(slots=True)
class ProviderUse:
    """Logins and failures by span; ``reasons`` are those of the longest, each with how often and when last."""

    logins: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPANS, 0))
    failures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPANS, 0))
    last_login: datetime | None = None
    last_failure: datetime | None = None
    reasons: list[tuple[str, int, datetime]] = field(default_factory=list)


class ProviderUses:
    """Reads what was counted and what is linked."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def lately(self) -> dict[str, ProviderUse]:
        """By provider, in the last 30 days; those of which nothing was counted are left out."""
        found: dict[str, ProviderUse] = {}
        for row in self._counted():
            is_login = row.kind == Use.LOGIN.value
            name, _, reason = row.name.partition(":")
            use = found.setdefault(name, ProviderUse())
            of_span = use.logins if is_login else use.failures
            for span in SPANS:
                of_span[span] += int(getattr(row, f"in_{span}") or 0)
            if is_login:
                use.last_login = row.last_at
            else:
                use.last_failure = max(use.last_failure or row.last_at, row.last_at)
                use.reasons.append((reason, int(getattr(row, f"in_{LONGEST}") or 0), row.last_at))
        for use in found.values():
            use.reasons.sort(key=lambda each: each[2], reverse=True)
        return found

    def linked(self, provider: str) -> Count:
        """How many identities of a provider are linked with accounts, counted up to a bound."""
        return count_of(self.db, _identity.c.id, [_identity.c.provider == provider])

    def names(self) -> list[str]:
        """All providers with which anybody is linked, also those that are not configured any more."""
        return list(self._names())

    def _names(self) -> Iterator[str]:
        """From one to the next by the index: there are few of them, and many people."""
        last = ""
        following = sa.select(sa.func.min(_identity.c.provider))
        while found := self.db.session.scalar(following.where(_identity.c.provider > last)):
            yield (last := str(found))

    def _counted(self) -> "list[sa.Row[Any]]":
        now = self.clock()
        sums = [
            sa.func.sum(sa.case((_usage.c.hour > now - length, _usage.c.count), else_=0)).label(f"in_{span}")
            for span, length in SPANS.items()
        ]
        kinds = (Use.LOGIN.value, Use.PROVIDER_FAILED.value)
        query = (
            sa.select(_usage.c.kind, _usage.c.name, sa.func.max(_usage.c.last_at).label("last_at"), *sums)
            .where(_usage.c.kind.in_(kinds), _usage.c.hour > now - SPANS[LONGEST], _usage.c.client_id == EVERYBODY)
            .group_by(_usage.c.kind, _usage.c.name)
        )
        return list(self.db.session.execute(query))
