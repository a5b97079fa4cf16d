"""Proving once more to be the person of a session by a code in a mail, for whoever has no password to type."""

from app.errors import InvalidInput
from app.services.delivery.mail import Mail
from app.services.foundation.environment import Caller, Database
from app.services.foundation.person import Person, person_of
from app.services.identities.email_codes import GONE, LIFE, EmailCodes, in_mail
from app.services.record.audit import Audit, Event


class Confirmations:
    """Mails codes to the account's own address and takes them, each for one session."""

    def __init__(self, db: Database, audit: Audit, codes: EmailCodes, mail: Mail) -> None:
        self.db = db
        self.audit = audit
        self.codes = codes
        self.mail = mail

    def can_send(self, user_id: str) -> bool:
        """Whether a code would reach anybody."""
        person = person_of(self.db, user_id)
        return person is not None and self.mail.reaches(person.email)

    def waits_for_code(self, session_id: str) -> bool:
        """Whether a code is out that can be typed now."""
        return self.codes.address(_key(session_id)) is not None

    def send_code(self, user_id: str, session_id: str, language: str) -> None:
        """Mail a code; raises ``TooManyAttempts`` after five within an hour."""
        person = self._person(user_id)
        code = self.codes.issue(_key(session_id), person.email)
        self.mail.send("email_code", person, language=language, life=LIFE, **in_mail(code))

    def take_code(self, user_id: str, session_id: str, typed: str, caller: Caller) -> None:
        """Make sure that it is still this very person; raises :class:`InvalidInput` (``"code"``)."""
        try:
            # A code that went to an address the account had before proves nothing any more.
            if self.codes.take(_key(session_id), typed) != self._person(user_id).email:
                raise InvalidInput(GONE, "code")
        except InvalidInput:
            self.audit.record_refusal(Event.EMAIL_CONFIRMED, caller, error="wrong_code", user_id=user_id)
            raise
        self.audit.record(Event.EMAIL_CONFIRMED, caller, user_id=user_id)

    def _person(self, user_id: str) -> Person:
        person = person_of(self.db, user_id)
        if person is None or not person.is_active:
            raise InvalidInput(GONE, "code")
        return person


def _key(session_id: str) -> str:
    return f"confirm:{session_id}"
