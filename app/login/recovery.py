"""A forgotten password: asking for a link, and setting a new one by it.

What is asked and answered is the same for every address, whether there is an account or not.
"""

from functools import partial

from flask import redirect, request, url_for
from flask_login import current_user

from app.errors import InvalidInput, LinkGone, NotFound, TooManyAttempts, sentence
from app.languages import current_language
from app.languages import gettext as _
from app.login.forms import ForgotForm, ResetForm
from app.login.routes import bp
from app.services.grants.authorization import Pending
from app.services.people.email_names import normalised
from app.web.devices import device_token, trust_device
from app.web.security import caller, withhold_address
from app.web.steps import Answer, kept_request, leave_for_login, left_email, login_address, page, refused, take_email
from app.wiring import services

SET = sentence("Your password is set. Log in with it.")
CHANGED = sentence("Your password was changed. Log in with the new one.")


@bp.route("/forgot-password", methods=["GET", "POST"])
def forgot() -> Answer:
    """Ask for a link to set a new password."""
    if not services.mail.is_possible:
        raise NotFound
    pending, form = kept_request(), ForgotForm()
    if request.method != "POST":
        if "sent" in request.args:
            form.email.data = left_email()
            return page("login/forgot_sent.html", form, pending)
        form.email.data = form.email.data or take_email() or _likely_email(pending)
        return page("login/forgot.html", form, pending)
    if not form.validate_on_submit():
        return page("login/forgot.html", form, pending), 400
    try:
        email = normalised(form.email.data or "")
        services.attempts.count("password_reset", email, caller(), device_token())
    except InvalidInput as refusal:
        form.email.errors = [_(refusal.message)]
        return page("login/forgot.html", form, pending), 400
    except TooManyAttempts as refusal:
        return refused("login/forgot.html", form, pending, refusal)
    services.password_resets.request(email, current_language(), pending.id if pending else None, caller())
    leave_for_login(email)
    return redirect(url_for("login.forgot", sent=1, interaction=pending.id if pending else None), 303)


@bp.route("/reset-password", methods=["GET", "POST"])
def reset() -> Answer:
    """Set a new password by a mailed link."""
    withhold_address()
    pending, form = kept_request(), ResetForm()
    if request.method != "POST":
        form.token.data = request.args.get("token") or form.token.data
    token = form.token.data or ""
    try:
        email, is_first = services.password_resets.holder(token), services.password_resets.is_invitation(token)
        shown = partial(page, "login/reset.html", form, pending, email=email, is_first=is_first)
        if request.method != "POST":
            return shown()
        if not form.validate_on_submit():
            return shown(), 400
        proof = services.password_resets.reset(token, form.password.data or "", caller())
    except LinkGone as refusal:
        return page("login/reset_gone.html", None, pending), refusal.status
    except InvalidInput as refusal:
        form.password.errors = [_(refusal.message)]
        return shown(), 400
    # Else whoever guesses at the account from elsewhere could keep its owner out, whose browsers were just forgotten.
    trust_device(proof.user_id)
    leave_for_login(proof.email, SET if is_first else CHANGED)
    return redirect(login_address(pending, switch=True), 303)


def _likely_email(pending: Pending | None) -> str:
    hinted = pending.request.login_hint if pending else ""
    return hinted or (current_user.email if current_user.is_authenticated else "")
