"""TenancyRoom: permissions, roles, groups, memberships. PlansRoom: plans, quotas, and what pays for them."""

from datetime import timedelta
from functools import cached_property

from app.services.plans.billing import Billing
from app.services.plans.catalogue import Plans
from app.services.plans.history import History
from app.services.plans.overrides import Overrides
from app.services.plans.quotas import Quotas
from app.services.plans.standings import Standings
from app.services.tenancy.administrators import Administrators
from app.services.tenancy.groups import Groups
from app.services.tenancy.permissions import Permissions
from app.services.tenancy.roles import Roles
from app.services.tenancy.tenancy import Tenancy
from app.wiring.clients import ClientsRoom


class TenancyRoom(ClientsRoom):
    """Builds the services of :mod:`app.services.tenancy`."""

    @cached_property
    def administrators(self) -> Administrators:
        return Administrators(self.db)

    @cached_property
    def permissions(self) -> Permissions:
        return Permissions(self.db, self.clock, self.audit)

    @cached_property
    def roles(self) -> Roles:
        return Roles(self.db, self.clock, self.audit)

    @cached_property
    def groups(self) -> Groups:
        return Groups(self.db, self.clock, self.audit)

    @cached_property
    def tenancy(self) -> Tenancy:
        return Tenancy(self.db, self.clock, self.audit, self.administrators)


class PlansRoom(TenancyRoom):
    """Builds the services of :mod:`app.services.plans`."""

    @cached_property
    def plans(self) -> Plans:
        return Plans(self.db, self.audit)

    @cached_property
    def standings(self) -> Standings:
        return Standings(self.db, self.clock, self.audit, self.plans)

    @cached_property
    def overrides(self) -> Overrides:
        return Overrides(self.db, self.clock, self.audit, self.plans)

    @cached_property
    def quotas(self) -> Quotas:
        return Quotas(self.db, self.clock, self.audit, self.plans)

    @cached_property
    def uses(self) -> History:
        return History(self.db)

    @cached_property
    def billing(self) -> Billing:
        settings = self.settings.billing
        plans_of_variants = {variant: plan for plan, variant in settings.variants_of_plans}
        grace = timedelta(days=settings.grace_days)
        return Billing(self.db, self.clock, self.audit, self.plans, plans_of_variants, grace)
