"""Views of logging in and out: read the form, ask a service, map the outcome, render or redirect."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug import Response

from app.errors import InvalidInput, PortalError, TooManyAttempts, WrongCredentials
from app.languages import current_language
from app.languages import gettext as _
from app.login.forms import LoginForm, PlainForm, RegisterForm
from app.presentation import asking_application
from app.security import caller
from app.services.authorization import Pending
from app.services.interactions import Step
from app.services.redirect_uris import origin
from app.sessions import begin_session, current_session, end_session
from app.wiring import services

bp = Blueprint("login", __name__)
Answer = Response | str | tuple[str, int] | tuple[str, int, dict[str, str]]


@bp.route("/login", methods=["GET", "POST"])
def login() -> Answer:
    """Log in with e-mail and password."""
    pending = _pending()
    if _has_moved_on(pending):
        return _onward(pending)
    form = LoginForm()
    if request.method == "GET":
        form.email.data = _likely_email(pending)
        return _page("login/login.html", form, pending, notice=_reason(pending))
    if not form.validate_on_submit():
        return _page("login/login.html", form, pending), 400
    try:
        email, password = form.email.data or "", form.password.data or ""
        _count_attempt(email)
        user_id = services.accounts.authenticate(email, password, caller())
    except (WrongCredentials, TooManyAttempts) as refusal:
        return _refused("login/login.html", form, pending, refusal)
    return _logged_in(user_id, pending, remember=form.remember.data)


@bp.route("/register", methods=["GET", "POST"])
def register() -> Answer:
    """Make an account and log it in."""
    pending = _pending()
    if _has_moved_on(pending):
        return _onward(pending)
    form = RegisterForm()
    if request.method == "GET":
        return _page("login/register.html", form, pending)
    if not form.validate_on_submit():
        return _page("login/register.html", form, pending), 400
    try:
        email, password = form.email.data or "", form.password.data or ""
        _count_attempt(email)
        user_id = services.accounts.register(email, form.name.data or "", password, current_language(), caller())
    except InvalidInput as refusal:
        field = getattr(form, refusal.field, form.email)
        field.errors = [*field.errors, _(refusal.message)]
        return _page("login/register.html", form, pending), 400
    except TooManyAttempts as refusal:
        return _refused("login/register.html", form, pending, refusal)
    return _logged_in(user_id, pending, remember=False)


@bp.route("/select-account", methods=["GET", "POST"])
def choose() -> Answer:
    """Go on as the person who is logged in, or as another."""
    pending, session = _pending(), current_session()
    if session is None:
        return redirect(url_for("login.login", interaction=pending.id if pending else None), 303)
    form = PlainForm()
    if request.method == "POST" and form.validate_on_submit():
        if request.form.get("account") != session.id:
            return redirect(url_for("login.login", interaction=pending.id if pending else None, switch=1), 303)
        if pending:
            services.interactions.record_selection(pending.id, session.id)
        return _onward(pending)
    account = {
        "id": session.id,
        "name": session.subject.name,
        "email": session.subject.email,
        "initials": session.subject.initials,
        "signed_in": True,
    }
    page = _page("login/choose.html", form, pending, accounts=[account])
    return (page, 400) if request.method == "POST" else page


@bp.route("/logout", methods=["GET", "POST"])
def logout() -> Answer:
    """Ask, and end the session."""
    session, form = current_session(), PlainForm()
    if session is None:
        return redirect(url_for("login.logged_out"), 303)
    if request.method == "POST" and form.validate_on_submit():
        end_session("logout")
        response = redirect(url_for("login.logged_out"), 303)
        response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        return response
    page = render_template("login/logout.html", form=form, person=session.subject)
    return (page, 400) if request.method == "POST" else page


@bp.get("/logged-out")
def logged_out() -> Answer:
    """The end, with a way back to the application that asked."""
    client = services.clients.find(request.args.get("client_id", ""))
    return_to = None
    if client and client.is_active and (home := client.home_uri or _origin_of(client.redirect_uris)):
        return_to = {"name": client.name, "url": home}
    return render_template("login/logged_out.html", return_to=return_to)


def _pending() -> Pending | None:
    """The stored request the page is for; its languages decide how the page is written."""
    if not (interaction_id := request.args.get("interaction", "")):
        return None
    pending = services.authorization.pending(interaction_id)
    g.ui_locales = pending.request.ui_locales
    g.is_popup = pending.request.display == "popup"
    return pending


def _has_moved_on(pending: Pending | None) -> bool:
    """Whether logging in is no longer what is needed: another tab did it, or the person went back."""
    session = current_session()
    if session is None or "switch" in request.args:
        return False
    return pending is None or services.authorization.pending_step(pending, session) is not Step.LOGIN


def _onward(pending: Pending | None) -> Response:
    target = url_for("oauth.resume", interaction=pending.id) if pending else url_for("portal.home")
    return redirect(target, 303)


def _logged_in(user_id: str, pending: Pending | None, *, remember: bool) -> Response:
    session_id = begin_session(user_id, remember=remember)
    if pending:
        services.interactions.record_login(pending.id, session_id)
    return _onward(pending)


def _count_attempt(email: str) -> None:
    """Each account and each address has its own count (five a minute unless configured otherwise)."""
    limit = services.settings.limits.login
    services.rate_limits.hit("login_address", limit, caller().ip_address)
    services.rate_limits.hit("login_account", limit, email.strip().lower())


def _likely_email(pending: Pending | None) -> str:
    """Whose e-mail to fill in: the hinted one, else that of the person who only has to prove to be there."""
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
        return _("You used %(app)s with another account. Log in with that one.", app=pending.client.name)
    return _("Log in once more, so that %(app)s knows it is you.", app=pending.client.name)


def _refused(template: str, form: LoginForm | RegisterForm, pending: Pending | None, refusal: PortalError) -> Answer:
    form.form_errors.append(_(refusal.message))
    headers = {"Retry-After": str(refusal.retry_after)} if isinstance(refusal, TooManyAttempts) else {}
    return _page(template, form, pending), refusal.status, headers


def _page(template: str, form: object, pending: Pending | None, **context: object) -> str:
    return render_template(
        template,
        form=form,
        asking=asking_application(pending) if pending else None,
        interaction_id=pending.id if pending else None,
        **context,
    )


def _origin_of(uris: tuple[str, ...]) -> str | None:
    return origin(uris[0]) if uris else None
