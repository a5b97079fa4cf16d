"""RevocationRoom: what ends before its time."""

from functools import cached_property

from app.services.revocation.denylist import Denylist
from app.services.revocation.revocations import Revocations
from app.stores import shared_part
from app.wiring.record import RecordRoom


class RevocationRoom(RecordRoom):
    """Builds the services of :mod:`app.services.revocation`."""

    @cached_property
    def denylist(self) -> Denylist:
        return Denylist(self.db, self.clock, shared_part(self.store), self.settings.issuer)

    @cached_property
    def revocations(self) -> Revocations:
        return Revocations(self.db, self.clock, self.audit, self.denylist)
