"""Views of logging in and out: read the form, ask a service, map the outcome, render or redirect."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug import Response

from app.errors import InvalidInput, TooManyAttempts, WrongCredentials
from app.languages import current_language
from app.languages import gettext as _
from app.login.forms import LoginForm, RegisterForm
from app.services.clients.redirect_uris import origin
from app.services.grants.authorization import Pending
from app.services.grants.interactions import Step
from app.services.sessions.policy import ActiveSession
from app.web.cookies import clear_all
from app.web.devices import device_token
from app.web.forms import OpenForm, put_beside
from app.web.presentation import in_words
from app.web.reach import reach_authentication
from app.web.security import caller
from app.web.sessions import current_session, end_one, end_session, open_sessions, use_session
from app.web.steps import (
    Answer,
    logged_in,
    login_address,
    onward,
    own_next,
    page,
    refused,
    take_email,
    take_notice,
    waiting_request,
)
from app.wiring import services

bp = Blueprint("login", __name__)
reach_authentication(bp)


@bp.route("/login", methods=["GET", "POST"])
def login() -> Answer:
    """Log in with e-mail and password."""
    pending = waiting_request()
    if _has_moved_on(pending):
        return onward(pending, own_next())
    if request.method != "POST" and _is_choice(pending):
        return redirect(url_for("login.choose", interaction=pending.id if pending else None, next=own_next()), 303)
    form = _login_form()
    if request.method != "POST":
        form.email.data = form.email.data or _likely_email(pending)
        return page("login/login.html", form, pending, notice=_reason(pending) or take_notice())
    if not form.validate_on_submit():
        return page("login/login.html", form, pending), 400
    try:
        email, password = form.email.data or "", form.password.data or ""
        with services.attempts.guess("login", email, caller(), device_token()):
            user_id = services.accounts.authenticate(email, password, caller())
    except (WrongCredentials, TooManyAttempts) as refusal:
        return refused("login/login.html", form, pending, refusal)
    return logged_in(user_id, pending, remember=bool(form.data.get("remember")), next_path=own_next())


@bp.route("/register", methods=["GET", "POST"])
def register() -> Answer:
    """Make an account and log it in."""
    pending = waiting_request()
    if _has_moved_on(pending):
        return onward(pending, own_next())
    form = RegisterForm()
    if request.method != "POST":
        return page("login/register.html", form, pending)
    typed = form.email.data or "", form.name.data or "", form.password.data or ""
    if not form.validate_on_submit():
        _say_the_rest(form, typed)
        return page("login/register.html", form, pending), 400
    try:
        services.attempts.count("register", typed[0], caller(), device_token())
        user_id = services.accounts.register(*typed, current_language(), caller())
        services.email_addresses.send_verification(user_id, current_language(), pending.id if pending else None)
    except InvalidInput as refusal:
        put_beside(form, refusal, "email", full_name="name")
        return page("login/register.html", form, pending), 400
    except TooManyAttempts as refusal:
        return refused("login/register.html", form, pending, refusal)
    return logged_in(user_id, pending, next_path=own_next())


@bp.route("/select-account", methods=["GET", "POST"])
def choose() -> Answer:
    """Go on as one of those who are logged in, or as another; or log one of them out."""
    pending, accounts, form = waiting_request(), open_sessions(), OpenForm()
    if not accounts:
        return redirect(login_address(pending), 303)
    if request.method == "POST" and form.validate_on_submit():
        if "logout" in request.form:
            end_one(request.form["logout"], "logout")
            return redirect(request.full_path.rstrip("?"), 303)
        return _chosen(request.form.get("account", ""), pending)
    current = current_session()
    people = [_person(each, is_current=each is current) for each in accounts]
    shown = page("login/choose.html", form, pending, accounts=people)
    return (shown, 400) if request.method == "POST" else shown


@bp.route("/logout", methods=["GET", "POST"])
def logout() -> Answer:
    """Ask, and end the sessions of this browser."""
    people, form = [each.subject for each in open_sessions()], OpenForm()
    if not people:
        return redirect(url_for("login.logged_out"), 303)
    if request.method == "POST" and form.validate_on_submit():
        end_session("logout")
        response = redirect(url_for("login.logged_out"), 303)
        clear_all(response)
        return response
    shown = render_template("login/logout.html", form=form, people=people)
    return (shown, 400) if request.method == "POST" else shown


@bp.get("/logged-out")
def logged_out() -> Answer:
    """The end, with a way back to the application that asked."""
    client = services.clients.find(request.args.get("client_id", ""))
    return_to = None
    if client and client.is_active and (home := client.home_uri or _origin_of(client.redirect_uris)):
        return_to = {"name": client.name, "url": home}
    return render_template("login/logged_out.html", return_to=return_to)


def _has_moved_on(pending: Pending | None) -> bool:
    """Whether logging in is no longer what is needed: another tab did it, or the person went back."""
    session = current_session()
    if session is None or "switch" in request.args:
        return False
    return pending is None or services.authorization.pending_step(pending, session) is not Step.LOGIN


def _login_form() -> LoginForm:
    form = LoginForm()
    if days := services.settings.session.remember_days:
        form.remember.description = str(days)
    else:
        del form.remember
    return form


def _say_the_rest(form: RegisterForm, typed: tuple[str, str, str]) -> None:
    """Besides the fields that are empty, say what is wrong with the others, so that nobody hears it one by one."""
    if not form.csrf_token.errors:
        for name, message in services.accounts.problems(*typed).items():
            field = form[name.removeprefix("full_")]
            field.errors = field.errors or [_(message)]


def _is_choice(pending: Pending | None) -> bool:
    """Whether nobody is there but some could be: they choose before anybody types a password."""
    if current_session() or "switch" in request.args or not (accounts := open_sessions()):
        return False
    wanted = pending.request.hinted_user_id if pending else None
    return wanted is None or wanted in {each.user_id for each in accounts}


def _chosen(session_id: str, pending: Pending | None) -> Response:
    if not use_session(session_id):
        return redirect(login_address(pending, switch=True), 303)
    if pending:
        services.interactions.record_selection(pending.id, session_id)
    return onward(pending, own_next())


def _person(session: ActiveSession, *, is_current: bool) -> dict[str, object]:
    subject = session.subject
    return {
        "id": session.id,
        "name": subject.name,
        "email": subject.email,
        "initials": subject.initials,
        "photo": subject.photo,
        "is_current": is_current,
    }


def _likely_email(pending: Pending | None) -> str:
    """Whose e-mail to fill in: what the step before left, the hinted one, that of who has only to prove to be there."""
    if left := take_email():
        return left
    if pending is None:
        return ""
    session = current_session()
    is_same = session and "switch" not in request.args and pending.request.hinted_user_id in (None, session.user_id)
    return pending.request.login_hint or (session.subject.email if session and is_same else "")


def _reason(pending: Pending | None) -> str | None:
    """Why somebody who is logged in is asked again."""
    session = current_session()
    if session is None or pending is None:
        return None
    # Which one it was is not said: whoever holds the hint need not know the person.
    if pending.request.hinted_user_id not in (None, session.user_id):
        return _("You used %(app)s with another account. Log in with that one.", app=in_words(pending.client.name))
    return _("Log in once more, so that %(app)s knows it is you.", app=in_words(pending.client.name))


def _origin_of(uris: tuple[str, ...]) -> str | None:
    return origin(uris[0]) if uris else None
