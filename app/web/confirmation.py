"""Sensitive things want the password once more, unless it was typed a short while ago.

A view asks :func:`needs_confirmation` before it shows its form, so that nothing typed is lost, and answers with
:func:`confirmation_redirect`; the page (``login.confirm``) leads back.
"""

from datetime import timedelta

from flask import redirect, url_for
from werkzeug import Response

from app.web.security import safe_path
from app.web.sessions import current_session
from app.wiring import services


def needs_confirmation() -> bool:
    """Whether nobody is logged in, or the password was typed longer than ``REAUTHENTICATION_SECONDS`` ago."""
    session = current_session()
    if session is None:
        return True
    life = timedelta(seconds=services.settings.accounts.confirmation_seconds)
    return services.clock() - session.authenticated_at > life


def confirmation_redirect(next_path: str) -> Response:
    """To the page that asks for the password and goes on to ``next_path``, which must be a path of the portal."""
    return redirect(url_for("login.confirm", next=safe_path(next_path)), 303)
