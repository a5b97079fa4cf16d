"""AssertionsRoom: how clients prove themselves by a key."""

from functools import cached_property

from app.services.assertions.assertions import Assertions
from app.services.assertions.published_keys import PublishedKeys
from app.wiring.delivery import DeliveryRoom


class AssertionsRoom(DeliveryRoom):
    """Builds the services of :mod:`app.services.assertions`."""

    @cached_property
    def published_keys(self) -> PublishedKeys:
        # The other half of the threads is there for those who wait for nobody.
        places = max(1, self.settings.server.threads // 2)
        return PublishedKeys(places=places, is_production=self.settings.is_production)

    @cached_property
    def assertions(self) -> Assertions:
        return Assertions(self.db, self.clock, self.published_keys, self.usage, self.settings.issuer)
