"""Mails to people, queued: who gets which one, in which language, and with what in it. How they look is the edge's."""

from datetime import datetime, timedelta
from typing import Any

from app.services.outbox import Outbox

MAIL = "mail"
LINK_LIFE = timedelta(hours=1)
NOTICE_LIFE = timedelta(days=3)


class Mail:
    """Queues mails; ``is_possible`` says whether any would reach a person."""

    def __init__(self, outbox: Outbox, *, is_possible: bool) -> None:
        self.outbox = outbox
        self.is_possible = is_possible

    def send(
        self,
        template: str,
        to: str,
        language: str,
        *,
        user_id: str | None = None,
        life: timedelta = NOTICE_LIFE,
        **values: str | int | datetime | None,
    ) -> None:
        """Queue one mail: ``templates/mail/<template>.txt`` with ``values``, as text and as HTML, to one address.

        ``life`` is how long it makes sense to try: a link does not arrive after it has expired.
        """
        if not self.is_possible:
            return
        plain: dict[str, Any] = {
            name: {"at": value.isoformat()} if isinstance(value, datetime) else value for name, value in values.items()
        }
        content = {"template": template, "to": to, "language": language, "values": plain}
        self.outbox.add(MAIL, content, life=life, user_id=user_id)
