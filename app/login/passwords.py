"""How strong a new password is."""

from flask import Response, jsonify

from app.errors import TooManyAttempts
from app.languages import gettext as _
from app.login.forms import StrengthForm
from app.login.routes import bp
from app.web.security import sender
from app.wiring import services

STRENGTH_LIMIT = "120/minute"
"""Of each address; asked a moment after each pause in typing."""


@bp.post("/password-strength")
def strength() -> tuple[Response, int] | Response:
    """How hard a new password is to guess, 0 to 4, and what would make it harder; nothing of it is kept."""
    try:
        services.rate_limits.hit("password_strength", STRENGTH_LIMIT, sender())
    except TooManyAttempts as refusal:
        response = jsonify(error=refusal.code)
        response.headers["Retry-After"] = str(refusal.retry_after)
        return response, refusal.status
    form = StrengthForm()
    if not form.validate_on_submit():
        return jsonify(error="invalid_request"), 400
    judged = services.passwords.judge(form.password.data or "", form.email.data or "", form.name.data or "")
    return jsonify(score=judged.score, advice=" ".join(_(sentence) for sentence in judged.advice[:2]))
