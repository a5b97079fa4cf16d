"""Forms about mails and notices that wait."""

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from app.models import Delivery
from app.services.delivery.logout_notices import KIND
from app.services.delivery.mail import MAIL
from tests.security.administration.offices import administrator
from tests.security.changes import Form
from tests.security.parties import Parties


def failing(room: str, kind: str, deed: str, *, is_of_all: bool = False) -> Callable[[Parties], Form]:
    """A form about a delivery that failed a moment ago."""

    def make(parties: Parties) -> Form:
        browser = administrator(parties)
        with parties.app.app_context():
            services = parties.app.extensions["services"]
            content = {"template": "account_enabled", "to": "ada@example.com", "language": "en", "values": {}}
            made = services.outbox.add(kind, content, life=timedelta(days=1), user_id=parties.ada)
            later = services.clock() + timedelta(hours=1)
            changed = sa.update(Delivery).where(Delivery.id == made)
            services.db.session.execute(changed.values(error="no_connection", next_attempt_at=later, attempts=1))
            services.db.commit()
        return Form(browser, f"/admin/{room}/{'' if is_of_all else made + '/'}{deed}", {})

    return make


def test_mail(parties: Parties) -> Form:
    """The form that has a mail sent to whoever presses its button."""
    browser = administrator(parties)
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        services.db.session.execute(sa.text("UPDATE users SET email_verified = true"))
        services.db.commit()
    return Form(browser, "/admin/mail/test", {})


FORMS: dict[str, Callable[[Parties], Form]] = {
    "admin_mail.test": test_mail,
    "admin_mail.retry": failing("mail", MAIL, "retry"),
    "admin_mail.retry_all": failing("mail", MAIL, "retry", is_of_all=True),
    "admin_mail.drop": failing("mail", MAIL, "drop"),
    "admin_notices.retry": failing("notices", KIND, "retry"),
    "admin_notices.retry_all": failing("notices", KIND, "retry", is_of_all=True),
    "admin_notices.drop": failing("notices", KIND, "drop"),
}
