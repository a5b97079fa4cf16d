"""Mails to people: their words, their look, and how they leave.

Owns the courier of queued mails (:class:`app.mail.courier.MailCourier`), the templates in ``templates/mail``, and,
where mails are kept instead of sent, the pages that show them:

GET  /dev/mail               what was kept, the newest first
GET  /dev/mail/<name>        one mail; /dev/mail/<name>/html is its HTML part, alone in a sandbox

``app.extensions["mail_examples"]`` writes every mail with values of nobody (:class:`app.mail.examples.Examples`).

Every template may use ``kept_mail_url``: where to read the mail it speaks of, or None.
"""

import logging
from typing import Any

from flask import Flask, url_for

from app.mail.courier import MailCourier
from app.mail.examples import Examples
from app.mail.routes import bp, may_read
from app.settings import Settings

__all__ = ["MailCourier", "register"]
logger = logging.getLogger("portal.mail")


def register(app: Flask, settings: Settings) -> None:
    """Mount the pages; where people would wait for mails that never come, say so once."""
    app.extensions["mail_examples"] = Examples()
    if not settings.can_mail:
        logger.warning("mails_are_not_sent", extra={"reason": "MAIL_SERVER is not set"})
    if not settings.keeps_mail:
        app.jinja_env.globals["kept_mail_url"] = None
        return
    app.register_blueprint(bp)
    app.context_processor(_point_to_mails)


def _point_to_mails() -> dict[str, Any]:
    return {"kept_mail_url": url_for("kept_mail.list_all") if may_read() else None}
