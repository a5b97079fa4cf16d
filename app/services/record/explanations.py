"""Why a client's request was refused, kept for an hour for the client itself: what ``error_uri`` leads to.

It is kept in the store, under an id that cannot be guessed, and only of clients that proved themselves; whoever did not
learns nothing that the answer did not say, and leaves nothing here. It may be lost: then the page explains in general.
"""

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from app.errors import Cause
from app.services.foundation.environment import Clock, random_token, sha256
from app.stores import KeyValueStore, StoreUnavailable

KEPT = timedelta(hours=1)
MOST_A_MINUTE = 30
"""Of one client: so many say all there is to know about its mistake."""
LONGEST = 300
SCOPE = re.compile(r"[a-z][a-z:._-]{0,39}\Z")
"""What looks like the name of a scope and cannot be a secret that was put in its place."""
logger = logging.getLogger("portal.explanations")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known about one refusal."""

    topic: str
    cause: Cause
    client_id: str
    request_id: str
    at: datetime


class Explanations:
    """Keeps explanations and finds them again."""

    def __init__(self, store: KeyValueStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def keep(self, topic: str, cause: Cause, client_id: str, request_id: str) -> str | None:
        """Keep why the client was refused; answers the id of that, or None where it was not kept."""
        kept_id = random_token(128)
        value = {
            "topic": topic,
            "check": cause.check,
            "facts": dict(cause.facts),
            "client_id": client_id,
            "request_id": request_id,
            "at": self._clock().timestamp(),
        }
        try:
            if self._store.increment(f"explained:{sha256(client_id)}", 60) > MOST_A_MINUTE:
                return None
            self._store.put(_key(kept_id), json.dumps(value).encode(), int(KEPT.total_seconds()))
        except StoreUnavailable:
            logger.warning("explanation_not_kept")
            return None
        return kept_id

    def find(self, kept_id: str) -> Explanation | None:
        """The explanation of an id, for an hour."""
        try:
            found = self._store.get(_key(kept_id))
        except StoreUnavailable:
            return None
        if found is None:
            return None
        value = json.loads(found)
        at = datetime.fromtimestamp(value["at"], UTC)
        if at + KEPT <= self._clock():
            return None
        cause = Cause(value["check"], value["facts"])
        return Explanation(value["topic"], cause, value["client_id"], value["request_id"], at)


def seconds(span: timedelta) -> int:
    """A span in whole seconds."""
    return int(span.total_seconds())


def told(moment: datetime) -> int:
    """A moment as ``NumericDate``."""
    return int(moment.timestamp())


def address(sent: str) -> str:
    """An address that was sent, as far as it may be kept: what stands in its query may be a code or a token."""
    try:
        sent.encode()
        parts = urlsplit(sent)
    except ValueError:
        return "…"
    if not parts.scheme or "@" in parts.netloc:
        return "…"
    more = "…" if parts.query or parts.fragment or len(sent) > LONGEST else ""
    mark = "?" if parts.query else "#" if parts.fragment else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:LONGEST] + mark + more


def scope_names(sent: Iterable[str]) -> str:
    """The scopes that were sent, as far as they may be kept; what is no name of one is ``…``."""
    names = [scope if SCOPE.match(scope) else "…" for scope in sent]
    return " ".join(sorted(set(names))[:20])


def _key(kept_id: str) -> str:
    return f"explanation:{sha256(kept_id)}"
