"""What the portal mails: taken from the queue before it leaves, in the words of templates and values."""

import email
import email.policy
import re
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app.models import Delivery
from app.server.background import Background
from app.services.delivery.mail import MAIL
from tests.portal import Portal
from tests.relying_party import ISSUER


@dataclass(frozen=True)
class Mail:
    """One mail as it was queued."""

    template: str
    to: str
    language: str
    values: dict[str, Any]

    @property
    def path(self) -> str:
        """Where its link leads, on the portal."""
        link = str(self.values["link"])
        assert link.startswith(f"{ISSUER}/"), link
        return link.removeprefix(ISSUER)

    @property
    def token(self) -> str:
        """The secret in its link."""
        return self.path.partition("token=")[2].partition("&")[0]


def received(app: Flask) -> list[Mail]:
    """Every mail since the last time, after what prepares mails in the background has run."""
    with app.app_context():
        services = app.extensions["services"]
        Background(app, [services.password_resets]).deliver()
        waiting = sa.select(Delivery).where(Delivery.kind == MAIL, Delivery.done_at.is_(None))
        claimed = services.outbox.claim([MAIL], 100)
        assert services.db.session.scalar(sa.select(sa.func.count()).select_from(waiting.subquery())) == len(claimed)
        for due in claimed:
            services.outbox.done(due)
        services.db.commit()
    return [Mail(*(due.content[name] for name in ("template", "to", "language", "values"))) for due in claimed]


def only_mail(app: Flask, template: str) -> Mail:
    """The one mail since the last time, which must be of this kind."""
    mails = received(app)
    assert [mail.template for mail in mails] == [template]
    return mails[0]


def kept_link(portal: Portal, to: str, path: str) -> str:
    """The link to ``path`` in the newest mail to somebody that a running portal keeps, once it is there."""
    return _kept(portal, to, rf"{re.escape(portal.url + path)}\?\S+")


def kept_code(portal: Portal, to: str) -> str:
    """The code to type in the newest mail to somebody that a running portal keeps, once it is there."""
    return _kept(portal, to, r"\b\d{3} \d{3}\b")


def _kept(portal: Portal, to: str, pattern: str) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for file in sorted((portal.instance / "mail").glob("*.eml"), reverse=True):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            body = message.get_body(("plain",))
            found = re.search(pattern, body.get_content()) if body else None
            if message["To"] == to and found:
                return found[0]
        time.sleep(0.2)
    raise AssertionError(f"no mail to {to} with {pattern}")
