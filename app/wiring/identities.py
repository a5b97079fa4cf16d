"""IdentitiesRoom: identities at outside providers."""

from functools import cached_property

from app.services.identities.answers import ProviderAnswers
from app.services.identities.arrivals import Arrivals
from app.services.identities.confirmations import Confirmations
from app.services.identities.displacements import Displacements
from app.services.identities.email_codes import EmailCodes
from app.services.identities.farewells import Farewells
from app.services.identities.identities import Identities
from app.services.identities.provider_uses import ProviderUses
from app.services.identities.requests import ProviderRequests
from app.wiring.people import BatchesRoom


class IdentitiesRoom(BatchesRoom):
    """Builds the services of :mod:`app.services.identities`."""

    @cached_property
    def provider_requests(self) -> ProviderRequests:
        return ProviderRequests(self.db, self.clock, self.sealer)

    @cached_property
    def provider_answers(self) -> ProviderAnswers:
        return ProviderAnswers(self.db, self.clock, self.sealer)

    @cached_property
    def email_codes(self) -> EmailCodes:
        return EmailCodes(self.db, self.clock, self.sealer, self.rate_limits)

    @cached_property
    def confirmations(self) -> Confirmations:
        return Confirmations(self.db, self.audit, self.email_codes, self.mail)

    @cached_property
    def farewells(self) -> Farewells:
        return Farewells(self.outbox, self.sealer, frozenset(self.settings.providers.names))

    @cached_property
    def identities(self) -> Identities:
        identities = Identities(
            self.db,
            self.clock,
            self.audit,
            self.sealer,
            self.sessions,
            self.mail,
            self.provider_answers,
            self.farewells,
            self.settings.providers.names,
            f"{self.settings.issuer}/account/identities",
        )
        self.deletions.attend(identities.leave_all)
        self.password_resets.attend(identities.end_unproven)
        return identities

    @cached_property
    def provider_uses(self) -> ProviderUses:
        return ProviderUses(self.db, self.clock)

    @cached_property
    def displacements(self) -> Displacements:
        return Displacements(
            self.db,
            self.clock,
            self.audit,
            self.administrators,
            self.sessions,
            self.one_time_tokens,
            self.devices,
            self.mail,
        )

    @cached_property
    def arrivals(self) -> Arrivals:
        return Arrivals(
            self.db,
            self.provider_answers,
            self.identities,
            self.email_codes,
            self.displacements,
            self.accounts,
            self.mail,
        )
