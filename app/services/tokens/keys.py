"""Signing keys: encrypted rows, parsed once and held in memory, rotated without a restart.

``next`` is published before it signs, ``current`` signs, ``previous`` verifies until its last token has expired.
``former`` is published no more, but an ID token it signed still says which session and which person it was about, for
as long as such a session can live. ``retired`` does nothing. What signs no more has no private half any more. Every
process looks for changes each :data:`FRESH_SECONDS`.
"""

import json
import threading
import time
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from app.errors import InvalidInput, NotFound, Unavailable
from app.models import SigningKey, TokenFamily, UserSession
from app.services.foundation.environment import NOBODY, Caller, Clock, Database
from app.services.foundation.sealing import Sealer, Unopenable
from app.services.record.audit import Audit, Event
from app.services.tokens.key_ring import PRIVATE, Damaged, Key, Ring, current_states, load, opened

FRESH_SECONDS = 2.0
PUBLISHED_SECONDS = 300
LAG = timedelta(minutes=1)
"""How long after its replacement a key can have signed, by a process that did not know yet or whose clock is behind."""
_TABLE = cast(sa.Table, SigningKey.__table__)
_SIGNED = (cast(sa.Table, UserSession.__table__), cast(sa.Table, TokenFamily.__table__))
"""What an ID token can be of."""


@dataclass(frozen=True, slots=True)
class Lives:
    """How long keys are needed: the longest life of a ``token``, and of a ``session`` or family of tokens."""

    token: timedelta
    session: timedelta


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
    opens: bool | None
    """Whether its private half can be read; None for one that has none any more."""


@dataclass(frozen=True, slots=True)
class KeyAge:
    """How old a key is, and after what time it is published no more; None for one that goes on."""

    algorithm: str
    status: str
    age: timedelta
    left: timedelta | None


_SHOWN = [each.name for each in fields(KeyDescription) if each.name != "opens"]


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
        lives: Lives,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.sealer = sealer
        self.access_algorithm = algorithm
        self.lives = lives
        self.algorithms = tuple(dict.fromkeys(a for a in (algorithm, "ES256", "RS256") if a != "HS256"))
        self._shared = OctKey.import_key(shared_secret) if algorithm == "HS256" else None
        self._ring = Ring()
        self._looked_at = -FRESH_SECONDS
        self._lock = threading.Lock()
        self.changes = 0
        """How often this process changed keys; what was made from them before is stale."""

    def signer(self, algorithm: str) -> Key:
        """The current key of ``algorithm``; raises :class:`Unavailable` when there is none, or it does not open."""
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
        return ring.verifying.get(kid) if kid and ring.algorithms.get(kid) == algorithm else None

    def hint_verifier(self, kid: str | None, algorithm: str) -> Key | None:
        """As :meth:`verifier`, for an ID token that may be as old as a session can be.

        A secret that backends share is none: ID tokens are never signed with it.
        """
        ring = self._fresh()
        return ring.hinting.get(kid) if kid and ring.algorithms.get(kid) == algorithm else None

    def mark(self) -> object:
        """The same object for as long as the same keys are usable."""
        return self._fresh()

    def published(self) -> list[dict[str, Any]]:
        """Public JWKs of the next, current and previous keys (:rfc:`7517#section-5`)."""
        return self._fresh().published

    def missing(self) -> list[str]:
        """The algorithms that nothing can be signed with now."""
        return [algorithm for algorithm in self.algorithms if algorithm not in self._fresh().signing]

    def problems(self) -> list[str]:
        """One line for each key that cannot do what its row says, as the rows are now."""
        return load(self.db, self.sealer, self._ring.parsed).problems

    def describe(self) -> list[KeyDescription]:
        """All keys, the newest first of each algorithm."""
        columns = [_TABLE.c[name] for name in _SHOWN]
        rows = self.db.session.execute(
            sa.select(*columns, _TABLE.c.private_sealed).order_by(_TABLE.c.algorithm, _TABLE.c.created_at.desc())
        )
        return [
            KeyDescription(**dict(zip(_SHOWN, row, strict=False)), opens=self._opens(row.kid, row.private_sealed))
            for row in rows
        ]

    def ages(self) -> list[KeyAge]:
        """How old the keys are that sign, will sign or are published still; nothing is opened for it."""
        columns = (_TABLE.c.algorithm, _TABLE.c.status, _TABLE.c.created_at, _TABLE.c.replaced_at)
        now = self.clock()
        return [
            KeyAge(
                *(row.algorithm, row.status, now - row.created_at),
                row.replaced_at + self.lives.token - now if row.status == "previous" and row.replaced_at else None,
            )
            for row in self.db.session.execute(sa.select(*columns).where(_TABLE.c.status.in_((*PRIVATE, "previous"))))
        ]

    def ensure(self, caller: Caller = NOBODY) -> None:
        """Make the current and next key of each algorithm where they are missing."""
        for algorithm in self.algorithms:
            for status in PRIVATE:
                if not self._of(algorithm, status):
                    self._add(_generate(algorithm), algorithm, status, caller)
                    self._forget()

    def rotate(self, algorithm: str | None = None, caller: Caller = NOBODY) -> None:
        """Let the next key sign and make a new next one; the old one verifies until its last token expires.

        A next key that does not open is left out: a new one signs at once.
        """
        if algorithm is not None and algorithm not in self.algorithms:
            raise InvalidInput(f"Keys are of {', '.join(self.algorithms)}.", "algorithm")
        # Making a key takes long; nothing may wait for it that waits for this transaction.
        made = {each: _generate(each) for each in ([algorithm] if algorithm else self.algorithms)}
        self._age(caller)
        for each, key in made.items():
            self._replace(each)
            self._add(key, each, "next", caller)
            if not self._of(each, "current"):
                self._add(_generate(each), each, "current", caller)
            self.audit.record(Event.KEY_ROTATED, caller, algorithm=each)
        self._forget()

    def retire(self, kid: str, caller: Caller = NOBODY) -> None:
        """Withdraw a key at once: nothing it signed is accepted any more. A current key is replaced first."""
        row = self.db.session.execute(sa.select(_TABLE.c.algorithm, _TABLE.c.status).where(_TABLE.c.kid == kid)).first()
        if row is None:
            raise NotFound("There is no key of that id.")
        if row.status == "retired":
            return
        if row.status == "current":
            self._replace(row.algorithm)
        self._end(_TABLE.c.kid == kid)
        self.ensure(caller)
        self.audit.record(Event.KEY_RETIRED, caller, kid=kid, algorithm=row.algorithm)
        self._forget()

    def settle(self) -> None:
        """Take out of the key set what no token needs, and forget what nothing can be hinted at by. Commits."""
        if self._age(NOBODY):
            self.db.commit()
            self._forget()

    def _age(self, caller: Caller) -> bool:
        """Move on the keys whose time is over; answers whether there were any."""
        now = self.clock()
        expired = self._replaced("previous", now - self.lives.token)
        if expired:
            self._update(_TABLE.c.kid.in_(expired), status="former", private_sealed="")
        old = self._replaced("former", now - self.lives.session)
        useless = [kid for kid, replaced_at in old.items() if not self._is_hinted_at(replaced_at)]
        if useless:
            self._end(_TABLE.c.kid.in_(useless))
        for kid in dict.fromkeys((*expired, *useless)):
            self.audit.record(Event.KEY_EXPIRED, caller, kid=kid, is_hint=kid not in useless)
        return bool(expired or useless)

    def _replaced(self, status: str, before: datetime) -> dict[str, datetime]:
        """The keys in a state that were replaced before then, and when."""
        found = sa.select(_TABLE.c.kid, _TABLE.c.replaced_at)
        found = found.where(_TABLE.c.status == status, _TABLE.c.replaced_at < before)
        return {row.kid: row.replaced_at for row in self.db.session.execute(found)}

    def _is_hinted_at(self, replaced_at: datetime) -> bool:
        """Whether a session or family goes on that an ID token of a key replaced then can be of.

        Most have ended by then; one that its person logged in to again and again may be older than any life.
        """
        sessions, families = _SIGNED
        living = (
            sa.exists().where(
                table.c.created_at < replaced_at + LAG, table.c.expires_at > self.clock(), ended.is_(None)
            )
            for table, ended in ((sessions, sessions.c.ended_at), (families, families.c.revoked_at))
        )
        return bool(self.db.session.scalar(sa.select(sa.or_(*living))))

    def _replace(self, algorithm: str) -> None:
        """Let the current key become the previous one, and the next one current, if it opens."""
        now, of_algorithm = self.clock(), _TABLE.c.algorithm == algorithm
        self._update(
            sa.and_(of_algorithm, _TABLE.c.status == "current"), status="previous", replaced_at=now, private_sealed=""
        )
        following = sa.select(_TABLE.c.kid, _TABLE.c.private_sealed).where(of_algorithm, _TABLE.c.status == "next")
        for row in self.db.session.execute(following).all():
            if self._opens(row.kid, row.private_sealed):
                self._update(_TABLE.c.kid == row.kid, status="current", activated_at=now)
            else:
                self._end(_TABLE.c.kid == row.kid)

    def _end(self, condition: sa.ColumnElement[bool]) -> None:
        self._update(condition, status="retired", retired_at=self.clock(), private_sealed="")

    def _opens(self, kid: str, sealed: str) -> bool | None:
        try:
            return opened(self.sealer, kid, sealed) is not None if sealed else None
        except (Unopenable, Damaged):
            return False

    def _forget(self) -> None:
        self._looked_at = -FRESH_SECONDS
        self.changes += 1

    def _fresh(self) -> Ring:
        """The ring, looked up again when it is older than :data:`FRESH_SECONDS`."""
        if time.monotonic() - self._looked_at < FRESH_SECONDS:
            return self._ring
        states = current_states(self.db)
        with self._lock:
            # What could not be read may have been mended without a change of its state.
            if states != self._ring.states or self._ring.problems:
                self._ring = load(self.db, self.sealer, self._ring.parsed)
            self._looked_at = time.monotonic()
        return self._ring

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

    def _update(self, condition: sa.ColumnElement[bool], **values: object) -> None:
        self.db.session.execute(sa.update(_TABLE).where(condition).values(**values))


def _generate(algorithm: str) -> RSAKey | ECKey | OKPKey:
    if algorithm == "RS256":
        return RSAKey.generate_key(2048, private=True)
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519", private=True)
    return ECKey.generate_key("P-256", private=True)
