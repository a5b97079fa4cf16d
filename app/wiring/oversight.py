"""OversightRoom: lists and figures of everything."""

from functools import cached_property

from app.services.oversight.applications import Applications
from app.services.oversight.client_health import ClientHealth
from app.services.oversight.deliveries import Deliveries
from app.services.oversight.directory import Directory
from app.services.oversight.grants import Grants
from app.services.oversight.likenesses import Likenesses
from app.services.oversight.plan_uses import PlanUses
from app.services.oversight.policies import Policies
from app.services.oversight.rights import Rights
from app.services.oversight.signing import Signing
from app.services.oversight.soundness import Soundness
from app.services.oversight.statistics import Statistics
from app.services.oversight.statistics_over_time import StatisticsOverTime
from app.services.oversight.token_preview import TokenPreviews
from app.services.oversight.trace import Traces
from app.wiring.identities import IdentitiesRoom


class OversightRoom(IdentitiesRoom):
    """Builds the services of :mod:`app.services.oversight`."""

    @cached_property
    def applications(self) -> Applications:
        return Applications(self.db, self.clock)

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.db)

    @cached_property
    def directory(self) -> Directory:
        return Directory(self.db, self.clock)

    @cached_property
    def grants(self) -> Grants:
        return Grants(self.db, self.clock, self.sessions.policy)

    @cached_property
    def likenesses(self) -> Likenesses:
        return Likenesses(self.db)

    @cached_property
    def statistics(self) -> Statistics:
        return Statistics(self.db, self.clock, self.sessions.policy)

    @cached_property
    def soundness(self) -> Soundness:
        return Soundness(self.db, self.clock)

    @cached_property
    def rights(self) -> Rights:
        return Rights(self.db)

    @cached_property
    def plan_uses(self) -> PlanUses:
        return PlanUses(self.db, self.clock)

    @cached_property
    def signing(self) -> Signing:
        return Signing(self.db, self.clock, self.keys)

    @cached_property
    def policies(self) -> Policies:
        return Policies(self.db)

    @cached_property
    def traces(self) -> Traces:
        return Traces(self.db, self.clock, self.audit, self.accounts, self.sessions.policy)

    @cached_property
    def token_previews(self) -> TokenPreviews:
        return TokenPreviews(
            self.clock,
            self.audit,
            self.clients,
            self.scopes,
            self.accounts,
            self.claims,
            self.consents,
            self.refresh_tokens,
            self.unsigned_tokens,
        )

    @cached_property
    def client_health(self) -> ClientHealth:
        return ClientHealth(self.db, self.clock, self.clients, self.usage, self.sessions.policy)

    @cached_property
    def statistics_over_time(self) -> StatisticsOverTime:
        return StatisticsOverTime(self.db, self.clock, self.usage, self.sessions.policy, self.keys, self.outbox)
