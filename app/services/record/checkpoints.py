"""Signed checkpoints: what the chain was at one moment, each behind the one before, and the keys that sign them."""

import base64
import hashlib
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.errors import Unavailable
from app.models import AuditCheckpoint, AuditKey, AuditSeal
from app.services.foundation.environment import NOBODY, Caller, Clock, Database
from app.services.foundation.sealing import Sealer, Unopenable
from app.services.foundation.statements import Statement, insert_ignoring
from app.services.record.audit import Audit, Event
from app.services.record.canonical import BEGINNING, checkpoint_text, moment
from app.services.record.chain import Chain
from app.services.record.forms import kid_of

PUBLISHED = 100
"""So many of the latest are published."""
_checkpoint = cast(sa.Table, AuditCheckpoint.__table__)
_key = cast(sa.Table, AuditKey.__table__)
_seal = cast(sa.Table, AuditSeal.__table__)
_LATEST = Statement(sa.select(_checkpoint).order_by(_checkpoint.c.number.desc()).limit(1))
logger = logging.getLogger("portal.audit")


class Checkpoints:
    """Signs where the chain is, every ``every`` in which something was added to it."""

    def __init__(
        self, db: Database, clock: Clock, audit: Audit, chain: Chain, sealer: Sealer, issuer: str, every: timedelta
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.chain = chain
        self.sealer = sealer
        self.issuer = issuer
        self.every = every

    def run(self) -> bool:
        """Make a checkpoint if it is time; answers whether it did. Commits. A key that does not open is in the log."""
        latest, now = _LATEST.first(self.db), self.clock()
        # After a clock was put back, the next one does not wait until that time is reached again.
        if latest is not None and abs(now - latest.signed_at) < self.every:
            return False
        try:
            return self.make()
        except Unavailable:
            logger.error("audit_key_unusable")
            return False

    def make(self) -> bool:
        """Make a checkpoint now; answers whether there is a new one, which takes something new in the chain. Commits.

        Raises :class:`Unavailable` where the key does not open.
        """
        try:
            key = self._current() or self._add_key(NOBODY)
            is_made = self._sign(key)
        except BaseException:
            self.db.rollback()
            raise
        self.db.commit()
        return is_made

    def rotate(self, caller: Caller) -> str:
        """Have a new key sign from now on, and answer its id; the old one says so in its last checkpoint.

        One that does not open cannot: auditors have to be told of the new key in another way then. The private half of
        the old one is destroyed.
        """
        old, made = self._current(), _new_key()
        if old is not None:
            try:
                self._sign(old, successor=made["public_key"])
            except Unavailable:
                logger.warning("audit_key_unusable")
        retired = sa.update(_key).where(_key.c.status == "current")
        self.db.session.execute(retired.values(status="previous", replaced_at=self.clock(), private_sealed=""))
        kid = self._insert(made).kid
        self.audit.record(Event.AUDIT_KEY_ROTATED, caller, kid=kid)
        return cast(str, kid)

    def public_keys(self) -> list[dict[str, Any]]:
        """The public keys, the newest first, as JSON Web Keys (:rfc:`8037#section-2`)."""
        found = sa.select(_key.c.kid, _key.c.public_key, _key.c.status, _key.c.created_at, _key.c.replaced_at)
        return [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": row.public_key,
                "kid": row.kid,
                "use": "sig",
                "alg": "EdDSA",
                "status": row.status,
                "created_at": moment(row.created_at),
                "replaced_at": moment(row.replaced_at) if row.replaced_at else None,
            }
            for row in self.db.session.execute(found.order_by(_key.c.created_at.desc(), _key.c.kid))
        ]

    def latest(self, many: int = PUBLISHED) -> list[dict[str, Any]]:
        """The latest checkpoints, the newest first."""
        found = sa.select(_checkpoint).order_by(_checkpoint.c.number.desc()).limit(many)
        return [described(row) for row in self.db.session.execute(found)]

    def problem(self) -> str | None:
        """Why nothing can be signed, in one line; None where it can."""
        row: Any = self.db.session.execute(sa.select(_key).where(_key.c.status == "current")).first()
        try:
            if row is not None:
                self._opened(row)
        except Unavailable:
            return (
                f"The audit key {row.kid} does not open: ENCRYPTION_KEYS lacks what it was sealed with, or its row is "
                "damaged."
            )
        return None

    def _sign(self, key: Any, successor: str = "") -> bool:
        """Write a checkpoint of where the chain is, if that is news or names a successor; answers whether it did."""
        head, latest = self.chain.head(), _LATEST.first(self.db)
        if latest is not None:
            self._look_back(latest)
            if latest.sequence == head.sequence and not successor:
                return False
        elif not head.sequence and not successor:
            return False
        number = latest.number + 1 if latest is not None else 1
        previous = hashlib.sha256(text_of(latest)).hexdigest() if latest is not None else BEGINNING
        values = {
            "issuer": self.issuer,
            "number": number,
            "sequence": head.sequence,
            "hash": head.hash,
            "signed_at": self.clock(),
            "kid": key.kid,
            "successor": successor,
            "previous": previous,
        }
        signature = self._opened(key).sign(_text([*values.values()]))
        values["signature"] = _base64(signature)
        added = self.db.session.execute(insert_ignoring(self.db.dialect, _checkpoint).values(values))
        return bool(cast(Any, added).rowcount)

    def _look_back(self, latest: Any) -> None:
        """Say in the log that what was signed is not there any more; whoever verifies will find out what happened."""
        sealed = self.db.session.scalar(sa.select(_seal.c.hash).where(_seal.c.sequence == latest.sequence))
        if latest.sequence > self.chain.head().anchor_sequence and sealed != latest.hash:
            logger.error("audit_chain_differs", extra={"checkpoint": latest.number, "sequence": latest.sequence})

    def _current(self) -> Any:
        return self.db.session.execute(sa.select(_key).where(_key.c.status == "current").with_for_update()).first()

    def _add_key(self, caller: Caller) -> Any:
        row = self._insert(_new_key())
        self.audit.record(Event.AUDIT_KEY_CREATED, caller, kid=row.kid)
        return row

    def _insert(self, made: dict[str, str]) -> Any:
        """Add a key that signs; where another process has just added one, that one is it."""
        values = {
            "kid": kid_of(made["public_key"]),
            "status": "current",
            "public_key": made["public_key"],
            "private_sealed": self.sealer.seal(made["private"].encode()),
            "created_at": self.clock(),
        }
        self.db.session.execute(insert_ignoring(self.db.dialect, _key).values(values))
        return self._current()

    def _opened(self, row: Any) -> Ed25519PrivateKey:
        """The private key of a row; raises :class:`Unavailable`."""
        try:
            raw = base64.b64decode(self.sealer.open(row.private_sealed))
            key = Ed25519PrivateKey.from_private_bytes(raw)
        except (Unopenable, ValueError):
            raise Unavailable from None
        if kid_of(_base64(key.public_key().public_bytes_raw())) != row.kid:
            raise Unavailable
        return key


def described(row: Any) -> dict[str, Any]:
    """A checkpoint as it is exported and published."""
    values = {name: getattr(row, name) for name in _checkpoint.columns.keys()}  # noqa: SIM118
    return {**values, "signed_at": moment(row.signed_at)}


def text_of(row: Any) -> bytes:
    """What the signature of a checkpoint is over."""
    names = ("issuer", "number", "sequence", "hash", "signed_at", "kid", "successor", "previous")
    return _text([getattr(row, name) for name in names])


def _text(values: Sequence[Any]) -> bytes:
    return checkpoint_text([value if isinstance(value, str | int) else moment(value) for value in values])


def _new_key() -> dict[str, str]:
    key = Ed25519PrivateKey.generate()
    public = _base64(key.public_key().public_bytes_raw())
    return {"public_key": public, "private": base64.b64encode(key.private_bytes_raw()).decode()}


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
