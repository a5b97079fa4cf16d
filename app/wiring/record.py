"""RecordRoom: the audit trail, and what is only counted."""

from datetime import timedelta
from functools import cached_property

from app.services.record.audit import Audit
from app.services.record.chain import Chain
from app.services.record.checkpoints import Checkpoints
from app.services.record.explanations import Explanations
from app.services.record.retention import Retention
from app.services.record.saved import SavedFilters
from app.services.record.search import Search
from app.services.record.tally import Tally
from app.services.record.trail import SingleRecords, Trail
from app.services.record.usage import Usage
from app.services.record.walking import Walks
from app.wiring.foundation import FoundationRoom


class RecordRoom(FoundationRoom):
    """Builds the services of :mod:`app.services.record`."""

    @cached_property
    def tally(self) -> Tally:
        return Tally(self.db)

    @cached_property
    def usage(self) -> Usage:
        usage = Usage(self.db, self.clock)
        self.tally.listen(usage.hear)
        return usage

    @cached_property
    def audit(self) -> Audit:
        return Audit(self.db, self.clock, self.tally)

    @cached_property
    def explanations(self) -> Explanations:
        return Explanations(self.store, self.clock)

    @cached_property
    def chain(self) -> Chain:
        return Chain(self.db, self.clock, self.audit)

    @cached_property
    def checkpoints(self) -> Checkpoints:
        every = timedelta(minutes=self.settings.audit.checkpoint_minutes)
        return Checkpoints(self.db, self.clock, self.audit, self.chain, self.sealer, self.settings.issuer, every)

    @cached_property
    def trail(self) -> Trail:
        return Trail(self.db, self.clock, self.audit, self.chain, self.checkpoints, self.settings.issuer)

    @cached_property
    def walks(self) -> Walks:
        return Walks(self.trail)

    @cached_property
    def records(self) -> Search:
        return Search(self.db, self.audit)

    @cached_property
    def single_records(self) -> SingleRecords:
        return SingleRecords(self.db, self.audit)

    @cached_property
    def saved_filters(self) -> SavedFilters:
        return SavedFilters(self.db, self.clock)

    @cached_property
    def retention(self) -> Retention:
        return Retention(self.db, self.clock, self.chain, timedelta(days=self.settings.audit.retention_days))
