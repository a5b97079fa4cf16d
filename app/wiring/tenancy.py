"""TenancyRoom: permissions, roles, groups, memberships."""

from functools import cached_property

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
