"""All that is sealed with an older one of ``ENCRYPTION_KEYS``, sealed anew with the first one."""

from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput
from app.models import (
    AuditKey,
    Delivery,
    EmailCode,
    Identity,
    PeopleBatch,
    ProviderAnswer,
    ProviderRequest,
    SigningKey,
)
from app.services.foundation.agreement import ALIVE, Agreement
from app.services.foundation.environment import NOBODY, Caller, Database
from app.services.foundation.sealing import Sealer, Unopenable
from app.services.record.audit import Audit, Event

BATCH = 200
SEALED: dict[str, tuple[sa.Column[Any], sa.Column[Any]]] = {
    "signing keys": (cast(Any, SigningKey.__table__).c.kid, cast(Any, SigningKey.__table__).c.private_sealed),
    "audit keys": (cast(Any, AuditKey.__table__).c.kid, cast(Any, AuditKey.__table__).c.private_sealed),
    "identities": (cast(Any, Identity.__table__).c.id, cast(Any, Identity.__table__).c.sealed_tokens),
    "trips to providers": (
        cast(Any, ProviderRequest.__table__).c.state_hash,
        cast(Any, ProviderRequest.__table__).c.sealed,
    ),
    "answers of providers": (
        cast(Any, ProviderAnswer.__table__).c.id_hash,
        cast(Any, ProviderAnswer.__table__).c.sealed,
    ),
    "codes in mails": (cast(Any, EmailCode.__table__).c.key_hash, cast(Any, EmailCode.__table__).c.sealed_code),
    "files of people": (cast(Any, PeopleBatch.__table__).c.id, cast(Any, PeopleBatch.__table__).c.sealed),
    "deliveries": (cast(Any, Delivery.__table__).c.id, cast(Any, Delivery.__table__).c.sealed),
}
"""The id and the sealed text of every row that ``ENCRYPTION_KEYS`` open. What Redis has of sessions are only copies."""


@dataclass(slots=True)
class Count:
    """What became of the rows of one kind: sealed ``anew``, ``same`` as they were, ``unopenable`` by any key."""

    kind: str
    anew: int = 0
    same: int = 0
    unopenable: int = 0


class Resealing:
    """Seals anew, in batches, beside requests; begun again, it goes on with what is left."""

    def __init__(self, db: Database, audit: Audit, sealer: Sealer, agreement: Agreement) -> None:
        self.db = db
        self.audit = audit
        self.sealer = sealer
        self.agreement = agreement

    def run(self, caller: Caller = NOBODY) -> list[Count]:
        """Seal everything with the first key; commits each batch.

        Raises :class:`InvalidInput`, and does nothing, while a node serves that seals with another key: it could not
        open what is sealed here, or would go on sealing with the old one.
        """
        if not self.agreement.is_in_use("ENCRYPTION_KEYS"):
            raise InvalidInput(
                "A node that serves does not seal with the first of these ENCRYPTION_KEYS. Start every node with them; "
                f"one that was killed counts for {ALIVE.seconds} seconds more."
            )
        counts = [self._all(kind, *columns) for kind, columns in SEALED.items()]
        anew, unopenable = sum(count.anew for count in counts), sum(count.unopenable for count in counts)
        self.audit.record(Event.KEYS_RESEALED, caller, anew=anew, unopenable=unopenable)
        self.db.commit()
        return counts

    def _all(self, kind: str, name: sa.Column[Any], sealed: sa.Column[Any]) -> Count:
        count, after = Count(kind), ""
        some = sa.select(name, sealed).where(sealed != "").order_by(name).limit(BATCH)
        while rows := self.db.session.execute(some.where(name > after)).all():
            for key, text in rows:
                self._one(count, key, text, name, sealed)
            self.db.commit()
            after = rows[-1][0]
        return count

    def _one(self, count: Count, key: str, text: str, name: sa.Column[Any], sealed: sa.Column[Any]) -> None:
        if self.sealer.is_newest(text):
            count.same += 1
            return
        try:
            anew = self.sealer.sealed_anew(text)
        except Unopenable:
            count.unopenable += 1
            return
        # Whoever changed the row meanwhile (it was delivered, or the key retired) has the last word.
        changed = self.db.session.execute(
            sa.update(name.table).where(name == key, sealed == text).values({sealed.name: anew})
        )
        count.anew += int(cast(Any, changed).rowcount)
