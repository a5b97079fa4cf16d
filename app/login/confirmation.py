"""Proving once more to be who is logged in, before something sensitive.

By the password; without one by a code in a mail. A provider that is linked is another way for both: its button leads
to ``social.confirm``.
"""

from flask import redirect, request
from flask_login import current_user, login_fresh

from app.errors import InvalidInput, TooManyAttempts, WrongCredentials
from app.languages import current_language
from app.languages import gettext as _
from app.login.forms import CodeForm, ConfirmForm
from app.login.routes import bp
from app.web.devices import device_token
from app.web.forms import Form, put_beside
from app.web.providers import provider_buttons
from app.web.security import caller, safe_path
from app.web.sessions import begin_session
from app.web.steps import Answer, login_address, page, refused
from app.wiring import services

TEMPLATE = "login/confirm.html"


@bp.route("/confirm", methods=["GET", "POST"])
def confirm() -> Answer:
    """Make sure that it is still the person who logged in, and go on to ``next``."""
    if not current_user.is_authenticated:
        return redirect(login_address(None), 303)
    if request.method != "POST" and login_fresh():
        return redirect(_target(), 303)
    return _by_password() if services.accounts.has_password(current_user.id) else _by_code()


def _by_password() -> Answer:
    form = ConfirmForm()
    if request.method != "POST":
        return _page(form)
    if not form.validate_on_submit():
        return _page(form), 400
    try:
        # A guess at the password, wherever it is made, is counted with the others.
        with services.attempts.guess("login", current_user.email, caller(), device_token()):
            services.accounts.confirm(current_user.id, form.password.data or "", caller())
    except (WrongCredentials, TooManyAttempts) as refusal:
        return refused(TEMPLATE, form, None, refusal, **_around())
    return _confirmed()


def _by_code() -> Answer:
    """Three states: no code is out, one is to be typed, the one that was typed is not it."""
    form = CodeForm()
    if request.method != "POST":
        return _page(form)
    if "send" in request.form:
        return _send_code(form)
    if not form.validate():
        return _page(form), 400
    try:
        services.confirmations.take_code(current_user.id, current_user.session.id, form.code.data or "", caller())
    except InvalidInput as refusal:
        form.code.data = ""
        if services.confirmations.waits_for_code(current_user.session.id):
            put_beside(form, refusal, "code")
        else:
            form.form_errors.append(_(refusal.message))
        return _page(form), 400
    return _confirmed()


def _send_code(form: CodeForm) -> Answer:
    form.code.validators = ()
    if not form.validate() or not services.confirmations.can_send(current_user.id):
        return _page(form), 400
    try:
        services.confirmations.send_code(current_user.id, current_user.session.id, current_language())
    except TooManyAttempts as refusal:
        return refused(TEMPLATE, form, None, refusal, **_around())
    return redirect(request.full_path.rstrip("?"), 303)


def _confirmed() -> Answer:
    begin_session(current_user.id, remember=current_user.session.is_remembered)
    return redirect(_target(), 303)


def _target() -> str:
    return safe_path(request.args.get("next"))


def _page(form: Form) -> str:
    return page(TEMPLATE, form, None, **_around())


def _around() -> dict[str, object]:
    """What the page needs besides its form."""
    linked = {each.provider for each in services.identities.of(current_user.id)}
    return {
        "person": current_user,
        "buttons": [button for button in provider_buttons() if button.name in linked],
        "can_send": services.confirmations.can_send(current_user.id),
        "waits_for_code": services.confirmations.waits_for_code(current_user.session.id),
    }
