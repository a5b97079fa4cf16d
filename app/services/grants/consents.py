"""Consents: what a person allowed a client, remembered until withdrawn."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.models import Consent, new_id
from app.services.clients.clients import ClientRecord
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.statements import Statement, insert_ignoring
from app.services.record.audit import Audit, Event
from app.services.revocation.revocations import Revocations

_consent = cast(sa.Table, Consent.__table__)
_FIND = Statement(
    sa.select(_consent.c.scopes, _consent.c.declined).where(
        _consent.c.user_id == sa.bindparam("user_id"),
        _consent.c.client_id == sa.bindparam("client_id"),
        _consent.c.withdrawn_at.is_(None),
    )
)


ASKS_CONSENT = sa.bindparam("asks_consent", type_=sa.Boolean())
"""For a statement whose client is known before: whether a person's consent decides."""


def covered_by_consent(
    user_id: sa.ColumnElement[str], client_id: sa.ColumnElement[str], is_asked: sa.ColumnElement[bool]
) -> sa.ColumnElement[str | None]:
    """The column ``consented``: the scopes of the consent as JSON text, none of one that was withdrawn.

    NULL where none ``is_asked``, and where none was ever given: a client keeps what it got while nobody was asked.
    """
    scopes = sa.case((_consent.c.withdrawn_at.is_(None), sa.cast(_consent.c.scopes, sa.Text)), else_="[]")
    found = sa.select(scopes).where(_consent.c.user_id == user_id, _consent.c.client_id == client_id)
    return sa.case((is_asked, found.scalar_subquery())).label("consented")


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """The scopes a person allowed a client, and the optional ones that were left out when the person was last asked."""

    scopes: frozenset[str]
    declined: frozenset[str] = frozenset()


class Consents:
    """Remembers, finds and withdraws consents."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, revocations: Revocations) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.revocations = revocations

    def find(self, user_id: str, client_id: str) -> GivenConsent | None:
        """The consent in force, if there is one."""
        row = _FIND.first(self.db, user_id=user_id, client_id=client_id)
        if row is None:
            return None
        scopes = frozenset(row.scopes)
        return GivenConsent(scopes, frozenset(row.declined) - scopes)

    def grant(
        self, user_id: str, client: ClientRecord, scopes: Iterable[str], caller: Caller, declined: Collection[str] = ()
    ) -> None:
        """Remember that a person allowed ``scopes``, besides what was allowed before, and left out ``declined``.

        What is left out now and was allowed before is taken back: tokens that are out lose it at their next use.
        """
        now, client_id = self.clock(), client.client_id
        this = sa.and_(_consent.c.user_id == user_id, _consent.c.client_id == client_id)
        row = self._locked_row(user_id, client_id, now)
        before = row if row.withdrawn_at is None else GivenConsent(frozenset())
        allowed = sorted({*before.scopes, *scopes}.difference(declined))
        left_out = sorted({*before.declined, *declined}.difference(allowed))
        self.db.session.execute(
            sa.update(_consent)
            .where(this)
            .values(
                scopes=allowed,
                declined=left_out,
                updated_at=now,
                granted_at=sa.case((_consent.c.withdrawn_at.is_(None), _consent.c.granted_at), else_=now),
                withdrawn_at=None,
            )
        )
        self.audit.record(
            Event.CONSENT_GRANTED,
            caller,
            user_id=user_id,
            client_id=client_id,
            scope=" ".join(allowed),
            declined=" ".join(left_out) or None,
        )

    def _locked_row(self, user_id: str, client_id: str, now: datetime) -> Any:
        """What is on record of a person and a client, from now on ours alone; made where there is nothing yet."""
        # Two tabs may do this at once: there is one row, and who comes second adds to what the first one allowed.
        this = sa.and_(_consent.c.user_id == user_id, _consent.c.client_id == client_id)
        self.db.session.execute(
            insert_ignoring(self.db.dialect, _consent).values(
                id=new_id(),
                user_id=user_id,
                client_id=client_id,
                scopes=[],
                declined=[],
                granted_at=now,
                updated_at=now,
                withdrawn_at=now,
            )
        )
        return self.db.session.execute(
            sa.select(_consent.c.scopes, _consent.c.declined, _consent.c.withdrawn_at).where(this).with_for_update()
        ).one()

    def withdraw(self, user_id: str, client_id: str, caller: Caller) -> bool:
        """Take a consent back: what the client holds for the person ends at once."""
        withdrawn = self.db.session.execute(
            sa.update(_consent)
            .where(_consent.c.user_id == user_id, _consent.c.client_id == client_id, _consent.c.withdrawn_at.is_(None))
            .values(withdrawn_at=self.clock())
            .returning(_consent.c.id)
        ).first()
        self.revocations.end_consent(user_id, client_id, "consent_withdrawn", caller)
        if withdrawn is None:
            return False
        self.audit.record(Event.CONSENT_WITHDRAWN, caller, user_id=user_id, client_id=client_id)
        return True
