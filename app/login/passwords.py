"""Typing one's password once more before something sensitive, and how strong a new one is."""

from flask import Response, jsonify, redirect, request
from flask_login import current_user, login_fresh

from app.errors import TooManyAttempts, WrongCredentials
from app.languages import gettext as _
from app.login.forms import ConfirmForm, StrengthForm
from app.login.routes import bp
from app.web.devices import device_token
from app.web.security import caller, safe_path, sender
from app.web.sessions import begin_session
from app.web.steps import Answer, login_address, page, refused
from app.wiring import services

STRENGTH_LIMIT = "120/minute"
"""Of each address; asked a moment after each pause in typing."""


@bp.route("/confirm", methods=["GET", "POST"])
def confirm() -> Answer:
    """Make sure that it is still the person who logged in, and go on to ``next``."""
    target, form = safe_path(request.args.get("next")), ConfirmForm()
    if not current_user.is_authenticated:
        return redirect(login_address(None), 303)
    if request.method != "POST":
        shown = page("login/confirm.html", form, None, person=current_user)
        return redirect(target, 303) if login_fresh() else shown
    if not form.validate_on_submit():
        return page("login/confirm.html", form, None, person=current_user), 400
    try:
        # A guess at the password, wherever it is made, is counted with the others.
        with services.attempts.guess("login", current_user.email, caller(), device_token()):
            services.accounts.confirm(current_user.id, form.password.data or "", caller())
    except (WrongCredentials, TooManyAttempts) as refusal:
        return refused("login/confirm.html", form, None, refusal, person=current_user)
    begin_session(current_user.id, remember=current_user.session.is_remembered)
    return redirect(target, 303)


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
