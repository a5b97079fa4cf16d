"""What somebody typed into a form that could not be carried out, until the form is shown again.

A draft is sealed in the shared store for half an hour. It is a comfort: where the store does not answer there is none.
"""

import json
import logging
from collections.abc import Mapping

from app.services.foundation.environment import random_token, sha256
from app.services.foundation.sealing import Sealer, Unopenable
from app.stores import KeyValueStore, StoreUnavailable

LIFE_SECONDS = 1800
MOST_FIELDS, MOST_CHARACTERS = 30, 20_000
logger = logging.getLogger(__name__)


class Drafts:
    """Keeps what was typed, by an id that only the browser of who typed it holds."""

    def __init__(self, store: KeyValueStore, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    def keep(self, typed: Mapping[str, str]) -> str:
        """The id of a new draft of these fields, ``""`` for one that is kept by no means: too large, or no store."""
        if len(typed) > MOST_FIELDS or sum(len(value) for value in typed.values()) > MOST_CHARACTERS:
            return ""
        draft_id = random_token(128)
        try:
            self._store.put(_key(draft_id), self._sealer.seal(json.dumps(typed).encode()).encode(), LIFE_SECONDS)
        except StoreUnavailable:
            logger.warning("draft_not_kept")
            return ""
        return draft_id

    def read(self, draft_id: str) -> dict[str, str]:
        """The fields of a draft, none once it is over."""
        try:
            sealed = self._store.get(_key(draft_id))
            return dict(json.loads(self._sealer.open(sealed.decode()))) if sealed else {}
        except (StoreUnavailable, Unopenable):
            return {}

    def forget(self, draft_id: str) -> None:
        """Read it no more."""
        try:
            self._store.delete(_key(draft_id))
        except StoreUnavailable:
            logger.warning("draft_not_forgotten")


def _key(draft_id: str) -> str:
    return f"draft:{sha256(draft_id)}"
