"""Signing keys: encrypted rows, parsed once and held in memory, rotated without a restart.

``next`` is published before it signs, ``current`` signs, ``previous`` verifies until its last token has
expired, ``retired`` does nothing. Every process looks for changes each :data:`FRESH_SECONDS`.
"""

import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from app.errors import InvalidInput, NotFound, Unavailable
from app.models import SigningKey
from app.services.foundation.environment import NOBODY, Caller, Clock, Database
from app.services.foundation.sealing import Sealer
from app.services.foundation.statements import Statement
from app.services.record.audit import Audit, Event

FRESH_SECONDS = 2.0
PUBLISHED_SECONDS = 300
Key = RSAKey | ECKey | OKPKey | OctKey
_TABLE = cast(sa.Table, SigningKey.__table__)
_STATUS = sa.select(_TABLE.c.kid, _TABLE.c.algorithm, _TABLE.c.status)
_USABLE = Statement(_STATUS.where(_TABLE.c.status != "retired"))
_LOAD = Statement(sa.select(_TABLE).where(_TABLE.c.status != "retired").order_by(_TABLE.c.created_at))


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """A signing key as administrators see it."""

    kid: str
    algorithm: str
    status: str
    created_at: datetime
    activated_at: datetime | None
    replaced_at: datetime | None
    retired_at: datetime | None


_DESCRIBE = Statement(
    sa.select(*(_TABLE.c[name] for name in KeyDescription.__slots__)).order_by(
        _TABLE.c.algorithm, _TABLE.c.created_at.desc()
    )
)


@dataclass(frozen=True)
class _Ring:
    """The usable keys at one moment: parsed once, never changed."""

    signing: dict[str, Key]
    usable: dict[str, Key]
    algorithms: dict[str, str]
    published: list[dict[str, Any]]
    states: frozenset[tuple[str, str, str]]


class Keys:
    """The portal's signing keys."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        sealer: Sealer,
        algorithm: str,
        shared_secret: str,
        longest_token: timedelta,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.sealer = sealer
        self.access_algorithm = algorithm
        self.longest_token = longest_token
        self.algorithms = tuple(dict.fromkeys(a for a in (algorithm, "ES256", "RS256") if a != "HS256"))
        self._shared = OctKey.import_key(shared_secret) if algorithm == "HS256" else None
        self._ring = _Ring({}, {}, {}, [], frozenset())
        self._looked_at = -FRESH_SECONDS
        self._lock = threading.Lock()
        self.changes = 0
        """How often this process changed keys; what was made from them before is stale."""

    def signer(self, algorithm: str) -> Key:
        """The current key of ``algorithm``; raises :class:`Unavailable` when there is none."""
        if algorithm == "HS256" and self._shared:
            return self._shared
        if key := self._fresh().signing.get(algorithm):
            return key
        raise Unavailable

    def verifier(self, kid: str | None, algorithm: str) -> Key | None:
        """The key a token names, if it may still verify and is of that algorithm."""
        if algorithm == "HS256":
            return self._shared
        ring = self._fresh()
        return ring.usable.get(kid) if kid and ring.algorithms.get(kid) == algorithm else None

    def mark(self) -> object:
        """The same object for as long as the same keys are usable."""
        return self._fresh()

    def published(self) -> list[dict[str, Any]]:
        """Public JWKs of the next, current and previous keys (:rfc:`7517#section-5`)."""
        return self._fresh().published

    def is_ready(self) -> bool:
        """Whether every algorithm has a current key."""
        return all(algorithm in self._fresh().signing for algorithm in self.algorithms)

    def describe(self) -> list[KeyDescription]:
        """All keys, the newest first of each algorithm."""
        return [KeyDescription(*row) for row in _DESCRIBE.all(self.db)]

    def ensure(self, caller: Caller = NOBODY) -> None:
        """Make the current and next key of each algorithm where they are missing."""
        for algorithm in self.algorithms:
            for status in ("current", "next"):
                if not self._of(algorithm, status):
                    self._add(_generate(algorithm), algorithm, status, caller)
                    self._forget()

    def rotate(self, algorithm: str | None = None, caller: Caller = NOBODY) -> None:
        """Let the next key sign and make a new next one; the old one verifies until its last token expires."""
        if algorithm is not None and algorithm not in self.algorithms:
            raise InvalidInput(f"Keys are of {', '.join(self.algorithms)}.", "algorithm")
        # Making a key takes long; nothing may wait for it that waits for this transaction.
        made = {each: _generate(each) for each in ([algorithm] if algorithm else self.algorithms)}
        now = self.clock()
        for each, key in made.items():
            self._update(_TABLE.c.status == "current", each, status="previous", replaced_at=now)
            self._update(_TABLE.c.status == "next", each, status="current", activated_at=now)
            self._update(
                sa.and_(_TABLE.c.status == "previous", _TABLE.c.replaced_at < now - self.longest_token),
                each,
                status="retired",
                retired_at=now,
            )
            self._add(key, each, "next", caller)
            if not self._of(each, "current"):
                self._add(_generate(each), each, "current", caller)
            self.audit.record(Event.KEY_ROTATED, caller, algorithm=each)
        self._forget()

    def retire(self, kid: str, caller: Caller = NOBODY) -> None:
        """Withdraw a key at once: nothing it signed is accepted any more. A current key is replaced first."""
        row = self.db.session.execute(_STATUS.where(_TABLE.c.kid == kid)).first()
        if row is None:
            raise NotFound("There is no key of that id.")
        if row.status == "retired":
            return
        self._update(_TABLE.c.kid == kid, row.algorithm, status="retired", retired_at=self.clock())
        if row.status == "current":
            self._update(_TABLE.c.status == "next", row.algorithm, status="current", activated_at=self.clock())
        self.ensure(caller)
        self.audit.record(Event.KEY_RETIRED, caller, kid=kid, algorithm=row.algorithm)
        self._forget()

    def _forget(self) -> None:
        self._looked_at = -FRESH_SECONDS
        self.changes += 1

    def _fresh(self) -> _Ring:
        """The ring, looked up again when it is older than :data:`FRESH_SECONDS`."""
        if time.monotonic() - self._looked_at < FRESH_SECONDS:
            return self._ring
        states = frozenset((row.kid, row.algorithm, row.status) for row in _USABLE.all(self.db))
        with self._lock:
            if states != self._ring.states:
                self._ring = self._load(states)
            self._looked_at = time.monotonic()
        return self._ring

    def _load(self, states: frozenset[tuple[str, str, str]]) -> _Ring:
        # Plain reads, which wait for no writer: whoever holds the write lock may be waiting for this very ring.
        rows = [row._asdict() for row in _LOAD.all(self.db)]
        usable = {row["kid"]: self._ring.usable.get(row["kid"]) or self._parse(row) for row in rows}
        return _Ring(
            signing={row["algorithm"]: usable[row["kid"]] for row in rows if row["status"] == "current"},
            usable=usable,
            algorithms={row["kid"]: row["algorithm"] for row in rows},
            published=[row["public_jwk"] for row in rows],
            states=states,
        )

    def _parse(self, row: dict[str, Any]) -> Key:
        private = json.loads(self.sealer.open(row["private_sealed"]))
        kinds: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
        return kinds[private["kty"]].import_key(private)

    def _add(self, key: RSAKey | ECKey | OKPKey, algorithm: str, status: str, caller: Caller) -> None:
        kid = key.thumbprint()
        marks = {"kid": kid, "use": "sig", "alg": algorithm}
        now = self.clock()
        self.db.session.execute(
            sa.insert(_TABLE).values(
                kid=kid,
                algorithm=algorithm,
                status=status,
                created_at=now,
                public_jwk={**key.as_dict(private=False), **marks},
                private_sealed=self.sealer.seal(json.dumps({**key.as_dict(private=True), **marks}).encode()),
                activated_at=now if status == "current" else None,
            )
        )
        self.audit.record(Event.KEY_CREATED, caller, kid=kid, algorithm=algorithm)

    def _of(self, algorithm: str, status: str) -> bool:
        found = sa.select(_TABLE.c.kid).where(_TABLE.c.algorithm == algorithm, _TABLE.c.status == status)
        return self.db.session.execute(found).first() is not None

    def _update(self, condition: sa.ColumnElement[bool], algorithm: str, **values: object) -> None:
        self.db.session.execute(sa.update(_TABLE).where(condition, _TABLE.c.algorithm == algorithm).values(**values))


def _generate(algorithm: str) -> RSAKey | ECKey | OKPKey:
    if algorithm == "RS256":
        return RSAKey.generate_key(2048, private=True)
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519", private=True)
    return ECKey.generate_key("P-256", private=True)
