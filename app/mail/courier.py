"""The courier of mails: writes them where the database is, and hands them over where it is not."""

import logging
from collections.abc import Callable
from email.utils import format_datetime, parseaddr
from functools import partial

from flask import current_app
from flask_mailman import EmailMultiAlternatives

from app.mail import kept, smtp
from app.mail.letter import write_letter
from app.services.delivery.mail import MAIL
from app.services.delivery.outbox import DeliveryFailed, Due
from app.services.people.email_names import in_ascii, is_mailable
from app.settings import Settings

logger = logging.getLogger("portal.mail")


class MailCourier:
    """Delivers mails by SMTP, or into the instance directory where no server is named."""

    kinds = (MAIL,)
    parallel = 2
    room = 2

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def prepare(self, due: Due) -> Callable[[], None]:
        """Write the mail; what is answered hands it over. Raises :class:`DeliveryFailed` where nobody could."""
        to = due.content["to"]
        if not is_mailable(to):
            raise DeliveryFailed("address_unusable", is_final=True)
        if not self._settings.can_mail:
            raise DeliveryFailed("no_server")
        try:
            message = self._message(due, to)
        except (KeyError, ValueError):  # no such template, or values that make no mail; they stay out of the log
            raise DeliveryFailed("unwritable", is_final=True) from None
        if self._settings.keeps_mail:
            name = f"{due.created_at:{kept.MOMENT}}-{due.id}"
            return partial(kept.keep, kept.directory(self._settings), name, message)
        connection = smtp.Connection(mailman=current_app.extensions["mailman"])
        # A server that keeps mails to itself must not be given the same one for days.
        is_last = due.error == smtp.UNCONFIRMED
        return partial(smtp.hand_over, connection, self._sender(), in_ascii(to), message, is_last=is_last)

    def _message(self, due: Due, to: str) -> bytes:
        """The same delivery gives the same identity each time, by which a repeat is known (RFC 5322 section 3.6.4)."""
        content, sender = due.content, self._settings.mail.sender
        letter = write_letter(content["template"], to, content["language"], content["values"])
        mail = EmailMultiAlternatives(
            letter.subject,
            letter.text,
            sender,
            [in_ascii(to)],
            headers={
                "Message-ID": f"<{due.id}@{self._sender().rpartition('@')[2]}>",
                "Date": format_datetime(due.created_at),
                # RFC 3834 section 5: nobody's absence is to be answered to a portal.
                "Auto-Submitted": "auto-generated",
                "Content-Language": content["language"],
            },
        )
        mail.encoding = smtp.CHARSET
        mail.attach_alternative(letter.html, "text/html")
        return bytes(mail.message().as_bytes(linesep="\r\n"))

    def _sender(self) -> str:
        return parseaddr(self._settings.mail.sender)[1]
