"""Queueing a mail in a portal of this process, delivering what is due, and what became of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app.models import Delivery
from app.services.foundation.person import Person

TO, TOKEN = "ada@example.com", "t0ken-that-nobody-may-log"
LINK = f"http://localhost:8000/reset-password?token={TOKEN}"

# Nobody has this id: mails are written to whoever had an account when something happened.
PERSON = Person(None, TO, True, "민수", None, "ko", "Asia/Seoul", True, None)  # type: ignore[arg-type]


def queue(app: Flask, to: str = TO, template: str = "reset_password", language: str = "ko", **changes: Any) -> None:
    values = {"link": LINK, "expires_at": datetime.now(UTC), **changes}
    with app.app_context():
        services = app.extensions["services"]
        services.mail.send(
            template, replace(PERSON, email=to, chosen_locale=language), life=timedelta(days=3), **values
        )
        services.db.commit()


def deliver(app: Flask) -> int:
    with app.app_context():
        return int(app.extensions["background"].deliver())


def outcome(app: Flask) -> tuple[str, str]:
    """The state of the one delivery, and why."""
    with app.app_context():
        (row,) = app.extensions["services"].db.session.scalars(sa.select(Delivery)).all()
        state = "given up" if row.given_up_at else "done" if row.done_at else "waits"
        assert (row.sealed == "") is (state != "waits")
        return state, row.error
