"""UpkeepRoom: seeding and cleaning."""

from functools import cached_property

from app.services.upkeep.cleaning import Cleaning
from app.services.upkeep.resealing import Resealing
from app.services.upkeep.seeding import LOCAL, Beginning, Seeding
from app.services.upkeep.selfchecks import Selfchecks
from app.services.upkeep.throwaways import Throwaways
from app.wiring.oversight import OversightRoom


class UpkeepRoom(OversightRoom):
    """Builds the services of :mod:`app.services.upkeep`."""

    @cached_property
    def seeding(self) -> Seeding:
        seed, is_production = self.settings.seed, self.settings.is_production
        beginning = Beginning(
            self.settings.issuer,
            seed.origin_template or ("" if is_production else LOCAL),
            dict(seed.origins),
            seed.admin_email,
            seed.admin_password,
            takes_local=not is_production,
        )
        return Seeding(
            self.db,
            self.clock,
            self.keys,
            self.clients,
            self.permissions,
            self.accounts,
            self.administrators,
            beginning,
        )

    @cached_property
    def cleaning(self) -> Cleaning:
        return Cleaning(self.db, self.clock)

    @cached_property
    def resealing(self) -> Resealing:
        return Resealing(self.db, self.audit, self.sealer, self.agreement)

    @cached_property
    def throwaways(self) -> Throwaways:
        return Throwaways(self.db, self.clock, self.accounts, self.clients, self.deletions)

    @cached_property
    def selfchecks(self) -> Selfchecks:
        return Selfchecks(self.db, self.clock)
