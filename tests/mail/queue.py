"""Queueing a mail in a portal of this process, delivering what is due, and what became of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app.models import Delivery

TO, TOKEN = "ada@example.com", "t0ken-that-nobody-may-log"
LINK = f"http://localhost:8000/reset-password?token={TOKEN}"


def queue(app: Flask, to: str = TO, template: str = "reset_password", language: str = "ko", **changes: Any) -> None:
    values = {"name": "민수", "link": LINK, "expires_at": datetime.now(UTC), **changes}
    with app.app_context():
        services = app.extensions["services"]
        services.mail.send(template, to, language, life=timedelta(days=3), **values)
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
