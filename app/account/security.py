"""The password and the address of the account, and what to do when something looks wrong."""

from flask import redirect, request, url_for
from flask_login import current_user, fresh_login_required, login_required

from app.account.forms import FirstPasswordForm, NewEmailForm, PasswordForm
from app.account.pages import Answer, bp, done, show
from app.errors import InvalidFields, InvalidInput, TooManyAttempts, sentence
from app.languages import current_language
from app.languages import gettext as _
from app.web.forms import put_beside
from app.web.providers import provider_title
from app.web.security import caller
from app.web.sessions import rotate_session
from app.wiring import services


@bp.get("/security")
@login_required
def security() -> str:
    """What protects the account."""
    total = services.sessions.page(current_user.id, limit=1).total
    linked = dict.fromkeys(provider_title(each.provider) for each in services.identities.of(current_user.id))
    return show(
        "security",
        others=total - 1,
        has_password=services.accounts.has_password(current_user.id),
        linked=list(linked),
    )


@bp.route("/security/password", methods=["GET", "POST"])
@login_required
def password() -> Answer:
    """Change the password, or set the first: other logins end, this session goes on under a new cookie."""
    if not services.accounts.has_password(current_user.id):
        return _first_password()
    form = PasswordForm()
    if not form.is_submitted():
        return show("password", form)
    current, new = form.current.data or "", form.password.data or ""
    if not form.validate():
        # All that is wrong with a form is said at once.
        if not form.password.errors and (weak := services.accounts.weaknesses(current_user.id, new)):
            put_beside(form, InvalidFields(weak), "password")
        return show("password", form), 400
    try:
        services.accounts.change_password(
            current_user.id, current, new, caller(), keep_session_id=current_user.session.id
        )
    except InvalidInput as refusal:
        put_beside(form, refusal, "password")
        return show("password", form), 400
    except TooManyAttempts as refusal:
        return _wait("password", form, refusal)
    rotate_session()
    return done("account.security", sentence("Your password is changed. You are logged out everywhere else."))


@fresh_login_required
def _first_password() -> Answer:
    form = FirstPasswordForm()
    if not form.is_submitted():
        return show("first_password", form)
    if not form.validate():
        return show("first_password", form), 400
    try:
        services.accounts.set_first_password(
            current_user.id, form.password.data or "", caller(), keep_session_id=current_user.session.id
        )
    except InvalidInput as refusal:
        put_beside(form, refusal, "password")
        return show("first_password", form), 400
    rotate_session()
    return done("account.security", sentence("Your password is set. You are logged out everywhere else."))


@bp.route("/security/email", methods=["GET", "POST"])
@fresh_login_required
def email() -> Answer:
    """Ask for another address; it counts once the link that is sent there was opened."""
    form, waiting = NewEmailForm(), services.email_addresses.change_in_flight(current_user.id)
    if not form.is_submitted():
        if waiting and "sent" in request.args:
            form.email.data = waiting.email
            return show("email_sent", form, change=waiting)
        return show("email", form, change=waiting)
    if not form.validate():
        return show("email", form, change=waiting), 400
    new = form.email.data or ""
    try:
        services.email_addresses.request_change(current_user.id, new, current_language(), caller())
    except InvalidInput as refusal:
        put_beside(form, refusal, "email")
        return show("email", form, change=waiting), 400
    except TooManyAttempts as refusal:
        return _wait("email", form, refusal)
    return redirect(url_for("account.email", sent=1), 303)


def _wait(template: str, form: PasswordForm | NewEmailForm, refusal: TooManyAttempts) -> Answer:
    form.form_errors.append(_(refusal.message))
    return show(template, form), refusal.status, {"Retry-After": str(refusal.retry_after)}
