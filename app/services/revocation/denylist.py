"""The copies of the denylist that backends read in a shared Redis: ``blacklist:{jti}``. The rows are the truth.

Copies are written right after the commit, for a moment; what that did not reach (a great many at once, a Redis that was
away, flushed or restored) a chore brings up to date. It remembers in Redis itself how far it came, so that whatever
Redis forgets, it forgets how far it came as well.
"""

import json
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.models import RevokedToken
from app.services.foundation.environment import Clock, Database, sha256
from app.services.foundation.statements import Statement
from app.stores import SharedStore

MOST_SECONDS = 0.1
"""How long an answer may wait for its copies to be written."""
OVERLAP = timedelta(minutes=2)
"""Rows bear the time their transaction began; they are seen when it ends."""
PLACE = "denylist:complete_until"
PLACE_SECONDS = 7 * 86400
BATCH = 500
_revoked = cast(sa.Table, RevokedToken.__table__)
_LATEST = Statement(
    sa.select(_revoked.c.jti, _revoked.c.user_id, _revoked.c.reason, _revoked.c.blacklisted_at, _revoked.c.expires_at)
    .where(
        _revoked.c.jti > sa.bindparam("after"),
        _revoked.c.expires_at > sa.bindparam("now"),
        _revoked.c.blacklisted_at > sa.bindparam("since"),
    )
    .order_by(_revoked.c.jti)
    .limit(BATCH)
)


class Denylist:
    """Writes the copies; without a shared Redis nobody reads them, and none are written."""

    def __init__(self, db: Database, clock: Clock, store: SharedStore | None, issuer: str = "") -> None:
        self.db = db
        # Another portal on the same Redis has a list of its own, and a place in it.
        self.place = f"{PLACE}:{sha256(issuer)[:16]}"
        self.clock = clock
        self.store = store

    def publish(self, rows: Iterable[Any]) -> bool:
        """Write the copies of rows just committed, for at most :data:`MOST_SECONDS`; answers whether all were."""
        deadline = time.monotonic() + MOST_SECONDS
        return all(time.monotonic() < deadline and self._put(row) for row in rows)

    def catch_up(self) -> int:
        """Write every copy that may be missing; answers how many. Stops where Redis does not answer."""
        now = self.clock()
        since, after, count = self._place(), "", 0
        while self.store and (rows := _LATEST.all(self.db, after=after, now=now, since=since)):
            if not all(self._put(row) for row in rows):
                return count
            after, count = rows[-1].jti, count + len(rows)
        if self.store:
            self.store.put(self.place, (now - OVERLAP).isoformat().encode(), PLACE_SECONDS)
        return count

    def _place(self) -> datetime:
        text = self.store.get(self.place) if self.store else None
        return datetime.fromisoformat(text.decode()) if text else self.clock() - timedelta(days=400)

    def _put(self, row: Any) -> bool:
        value = {
            "reason": row.reason,
            "blacklisted_at": row.blacklisted_at.isoformat(),
            "user_id": row.user_id,
            "exp": int(row.expires_at.timestamp()),
        }
        seconds = max(1, int((row.expires_at - self.clock()).total_seconds()))
        return self.store is not None and self.store.put(f"blacklist:{row.jti}", json.dumps(value).encode(), seconds)
