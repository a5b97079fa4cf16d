"""RecordRoom: the audit trail."""

from functools import cached_property

from app.services.record.audit import Audit
from app.wiring.foundation import FoundationRoom


class RecordRoom(FoundationRoom):
    """Builds the services of :mod:`app.services.record`."""

    @cached_property
    def audit(self) -> Audit:
        return Audit(self.db, self.clock)
