"""RecordRoom: the audit trail, and what is only counted."""

from functools import cached_property

from app.services.record.audit import Audit
from app.services.record.tally import Tally
from app.wiring.foundation import FoundationRoom


class RecordRoom(FoundationRoom):
    """Builds the services of :mod:`app.services.record`."""

    @cached_property
    def tally(self) -> Tally:
        return Tally(self.db)

    @cached_property
    def audit(self) -> Audit:
        return Audit(self.db, self.clock, self.tally)
