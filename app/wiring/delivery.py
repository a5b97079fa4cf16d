"""DeliveryRoom: what leaves the portal."""

from functools import cached_property

from app.services.delivery.dispatch import Dispatch
from app.services.delivery.logout_notices import LogoutNotices
from app.services.delivery.mail import Mail
from app.services.delivery.outbox import Outbox
from app.wiring.tokens import TokensRoom


class DeliveryRoom(TokensRoom):
    """Builds the services of :mod:`app.services.delivery`."""

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.db, self.clock, self.sealer, self.tally)

    @cached_property
    def mail(self) -> Mail:
        return Mail(self.outbox, is_possible=self.settings.can_mail)

    @cached_property
    def dispatch(self) -> Dispatch:
        return Dispatch(self.outbox, self.mail, self.audit)

    @cached_property
    def logout_notices(self) -> LogoutNotices:
        return LogoutNotices(self.db, self.outbox, self.clients, self.tokens)
