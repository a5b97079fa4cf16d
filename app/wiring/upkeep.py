"""UpkeepRoom: seeding and cleaning."""

from functools import cached_property

from app.services.upkeep.cleaning import Cleaning
from app.services.upkeep.seeding import Seeding
from app.wiring.people import PeopleRoom


class UpkeepRoom(PeopleRoom):
    """Builds the services of :mod:`app.services.upkeep`."""

    @cached_property
    def seeding(self) -> Seeding:
        return Seeding(self.db, self.clock, self.keys, self.clients, self.accounts, self.settings.issuer)

    @cached_property
    def cleaning(self) -> Cleaning:
        return Cleaning(self.db, self.clock)
