"""ClientsRoom: applications and scopes."""

from functools import cached_property

from app.services.clients.clients import Clients
from app.services.clients.redirect_advice import RedirectAdvice
from app.services.clients.scope_catalogue import ScopeCatalogue
from app.services.clients.scope_uses import ScopeUses
from app.services.clients.scopes import Scopes
from app.services.upkeep.seeding import SCOPES, SERVICE_SCOPES
from app.wiring.revocation import RevocationRoom


class ClientsRoom(RevocationRoom):
    """Builds the services of :mod:`app.services.clients`."""

    @cached_property
    def clients(self) -> Clients:
        return Clients(
            self.db,
            self.clock,
            self.audit,
            self.revocations,
            allows_network=not self.settings.is_production,
        )

    @cached_property
    def scopes(self) -> Scopes:
        return Scopes(self.db)

    @cached_property
    def scope_catalogue(self) -> ScopeCatalogue:
        return ScopeCatalogue(self.db, self.audit, [name for name, *_ in (*SCOPES, *SERVICE_SCOPES)])

    @cached_property
    def scope_uses(self) -> ScopeUses:
        return ScopeUses(self.db)

    @cached_property
    def redirect_advice(self) -> RedirectAdvice:
        return RedirectAdvice(
            self.clients,
            self.settings.issuer,
            allows_network=not self.settings.is_production,
            sends_cookies_elsewhere=self.settings.session.same_site == "None",
        )
