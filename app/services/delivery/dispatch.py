"""What administrators do about what waits to leave the portal: try it now, drop it, send a mail to themselves."""

from collections.abc import Sequence
from datetime import timedelta

from app.errors import InvalidInput, sentence
from app.services.delivery.mail import Mail
from app.services.delivery.outbox import Outbox
from app.services.foundation.environment import Caller
from app.services.foundation.person import person_of
from app.services.record.audit import Audit, Event

TEST = "test_mail"
TEST_LIFE = timedelta(minutes=15)
NOT_FAILING = sentence("It does not wait after a failure any more. Nothing was changed.")
NOT_WAITING = sentence("It does not wait any more. Nothing was changed.")
UNVERIFIED = sentence("Verify your own e-mail address first: test mails go to verified addresses only.")
NO_SERVER = sentence("No mail server is set, so no mail can be sent. Set MAIL_SERVER and start the portal anew.")


class Dispatch:
    """Changes the queue; each change goes on record."""

    def __init__(self, outbox: Outbox, mail: Mail, audit: Audit) -> None:
        self.outbox = outbox
        self.mail = mail
        self.audit = audit

    def retry_all(self, caller: Caller, kinds: Sequence[str] | None = None) -> int:
        """Have everything tried now that waits after a failure, of these kinds; answers how many."""
        if count := self.outbox.retry(kinds):
            self.audit.record(Event.DELIVERY_RETRIED, caller, count=count, kinds=" ".join(kinds or ()) or None)
        return count

    def retry(self, delivery_id: str, caller: Caller) -> None:
        """Have one tried now; raises :class:`InvalidInput` where it does not wait after a failure."""
        if not self.outbox.retry(delivery_id=delivery_id):
            raise InvalidInput(NOT_FAILING)
        self.audit.record(Event.DELIVERY_RETRIED, caller, delivery=delivery_id)

    def drop(
        self, delivery_id: str, caller: Caller, *, kind: str, user_id: str | None = None, client_id: str | None = None
    ) -> None:
        """Take one out of the queue for good; raises :class:`InvalidInput` where it waits no more.

        It goes on record about whoever it was for.
        """
        if not self.outbox.drop(delivery_id):
            raise InvalidInput(NOT_WAITING)
        self.audit.record(
            Event.DELIVERY_DROPPED, caller, user_id=user_id, client_id=client_id, delivery=delivery_id, kind=kind
        )

    def test(self, user_id: str, caller: Caller) -> str:
        """Queue a mail to a person's own address, as all mails are; answers its id.

        Raises :class:`InvalidInput` where no mail would leave or nobody proved the address.
        """
        person = person_of(self.outbox.db, user_id)
        if person is None or not person.email_verified:
            raise InvalidInput(UNVERIFIED)
        delivery_id = self.mail.send(TEST, person, life=TEST_LIFE, by=caller)
        if delivery_id is None:
            raise InvalidInput(NO_SERVER)
        self.audit.record(Event.DELIVERY_TESTED, caller, user_id=person.id, delivery=delivery_id)
        return delivery_id
