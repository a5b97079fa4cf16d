"""Mails to people, queued: who gets which one, in which language, and with what in it. How they look is the edge's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.services.delivery.outbox import Outbox
from app.services.foundation.environment import Caller
from app.services.foundation.person import Person

MAIL = "mail"
NOTICE_LIFE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Which mail it is, to which address and in which language."""

    template: str
    to: str
    language: str


class Mail:
    """Queues mails; ``is_possible`` says whether any would reach a person."""

    def __init__(self, outbox: Outbox, *, is_possible: bool) -> None:
        self.outbox = outbox
        self.is_possible = is_possible

    def reaches(self, address: str) -> bool:
        """Whether a mail to the address would reach anybody; ``.invalid`` is nobody's (:rfc:`2606#section-2`)."""
        return self.is_possible and not address.endswith(".invalid")

    def send(
        self,
        template: str,
        person: Person,
        *,
        to: str = "",
        language: str = "",
        life: timedelta = NOTICE_LIFE,
        by: Caller | None = None,
        **values: str | int | datetime | None,
    ) -> str | None:
        """Queue one mail to a person: ``templates/mail/<template>.txt`` with ``values``, as text and as HTML.

        It goes to the account's address and is written in the account's language, unless ``to`` and ``language`` say
        otherwise. With ``by`` it tells when, by which device and from where something was done. ``life`` is how long it
        makes sense to try: a link does not arrive after it has expired. Answers the id of the delivery, None where no
        mail would reach anybody.
        """
        if by:
            values |= {"at": self.outbox.clock(), "device": by.user_agent, "place": by.ip_address}
        values = {"name": person.name, "timezone": person.timezone, **values}
        return self._queue(template, to or person.email, language or person.locale, life, values, person.id)

    def envelope(self, delivery_id: str) -> Envelope | None:
        """What a mail that waits is, and for whom; never what it says. None for what is none or waits no more."""
        content = self.outbox.content_of(delivery_id)
        if content is None or not {"template", "to", "language"} <= content.keys():
            return None
        return Envelope(content["template"], content["to"], content["language"])

    def send_to(
        self, template: str, to: str, language: str, *, life: timedelta, **values: str | int | datetime | None
    ) -> None:
        """Queue one mail to an address of which nobody knows yet whose it is."""
        self._queue(template, to, language, life, values, None)

    def _queue(
        self,
        template: str,
        to: str,
        language: str,
        life: timedelta,
        values: Mapping[str, str | int | datetime | None],
        user_id: str | None,
    ) -> str | None:
        if not self.reaches(to):
            return None
        plain: dict[str, Any] = {
            name: {"at": value.isoformat()} if isinstance(value, datetime) else value for name, value in values.items()
        }
        content = {"template": template, "to": to, "language": language, "values": plain}
        return self.outbox.add(MAIL, content, life=life, user_id=user_id)
