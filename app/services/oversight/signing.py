"""What hangs on a signing key: what it does now and until when, and how many tokens of people it may have signed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa

from app.errors import NotFound
from app.models import TokenFamily
from app.services.foundation.environment import Clock, Database
from app.services.foundation.pages import Count, count_of
from app.services.tokens.keys import LAG, PUBLISHED_SECONDS, KeyDescription, Keys

MOST_COUNTED = 10_000
_family = cast(sa.Table, TokenFamily.__table__)


@dataclass(frozen=True, slots=True)
class SeenKey:
    """A key with its dates: it verifies until then, and recognises ID tokens until then; None for one that goes on.

    ``is_young`` says that applications that keep the key set may not have seen it yet.
    """

    key: KeyDescription
    verifies_until: datetime | None
    hints_until: datetime | None
    is_young: bool

    @property
    def signs_or_verifies(self) -> bool:
        """Whether it is published."""
        return self.key.status in {"next", "current", "previous"}


class Signing:
    """Looks at signing keys and what they signed."""

    def __init__(self, db: Database, clock: Clock, keys: Keys) -> None:
        self.db = db
        self.clock = clock
        self.keys = keys

    def all(self) -> list[SeenKey]:
        """All keys, the newest first of each algorithm."""
        return [self._seen(each) for each in self.keys.describe()]

    def one(self, kid: str) -> SeenKey:
        """The key of that id; raises :class:`NotFound`."""
        for each in self.all():
            if each.key.kid == kid:
                return each
        raise NotFound

    def signed_by(self, key: KeyDescription) -> Count:
        """How many logins in applications hold an access token that it may have signed; service tokens have no rows."""
        if key.algorithm != self.keys.access_algorithm or key.status not in {"current", "previous"}:
            return Count(0, is_more=False)
        held = [_family.c.revoked_at.is_(None), _family.c.access_expires_at > self.clock()]
        if key.replaced_at is not None:
            held.append(_family.c.access_expires_at <= key.replaced_at + LAG + self.keys.lives.token)
            held.append(_family.c.created_at <= key.replaced_at + LAG)
        return count_of(self.db, _family.c.id, held, MOST_COUNTED)

    def _seen(self, key: KeyDescription) -> SeenKey:
        lives, replaced = self.keys.lives, key.replaced_at
        young = timedelta(seconds=PUBLISHED_SECONDS)
        return SeenKey(
            key,
            replaced + lives.token if replaced and key.status == "previous" else None,
            replaced + lives.session if replaced and key.status in {"previous", "former"} else None,
            key.status == "next" and self.clock() - key.created_at < young,
        )
