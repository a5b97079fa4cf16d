"""What the steps share: the request that waits, how a step is shown, and what one step leaves for the next."""

from flask import g, redirect, render_template, request, url_for
from flask import session as form_session
from werkzeug import Response

from app.errors import InteractionGone, PortalError, TooManyAttempts
from app.languages import gettext as _
from app.services.grants.authorization import Pending
from app.web.devices import admit_device
from app.web.forms import Form
from app.web.login_manager import NOTICE
from app.web.presentation import asking_application
from app.web.security import safe_path
from app.web.sessions import begin_session
from app.wiring import services

TYPED_EMAIL = "typed_email"
Answer = Response | str | tuple[str, int] | tuple[str, int, dict[str, str]]


def page(template: str, form: Form | None, pending: Pending | None, **context: object) -> str:
    """A step, with the application that asks on top."""
    return render_template(
        template,
        form=form,
        asking=asking_application(pending) if pending else None,
        interaction_id=pending.id if pending else None,
        next_path=own_next(),
        **context,
    )


def refused(
    template: str, form: Form, pending: Pending | None, refusal: PortalError, **context: object
) -> tuple[str, int, dict[str, str]]:
    """The step once more, with what speaks against going on."""
    form.form_errors.append(_(refusal.message))
    headers = {"Retry-After": str(refusal.retry_after)} if isinstance(refusal, TooManyAttempts) else {}
    return page(template, form, pending, **context), refusal.status, headers


def waiting_request() -> Pending | None:
    """The stored request the page is for; its languages decide how the page is written."""
    if not (interaction_id := request.args.get("interaction", "")):
        return None
    pending = services.authorization.pending(interaction_id)
    g.ui_locales = pending.request.ui_locales
    g.is_popup = pending.request.display == "popup"
    return pending


def kept_request(interaction_id: str | None = None) -> Pending | None:
    """The request a step on the side was opened from; one that is over by now takes nothing from the step."""
    if not (interaction_id := interaction_id or request.args.get("interaction", "")):
        return None
    try:
        pending = services.authorization.pending(interaction_id)
    except InteractionGone:
        return None
    g.ui_locales = pending.request.ui_locales
    # A link in a mail opens a window of its own.
    g.is_popup = pending.request.display == "popup" and "token" not in request.values
    return pending


def onward(pending: Pending | None, next_path: str | None = None) -> Response:
    """On with the request that waits, else to the page somebody came from, else to the start."""
    target = url_for("oauth.resume", interaction=pending.id) if pending else next_path or url_for("portal.home")
    return redirect(target, 303)


def logged_in(
    user_id: str,
    pending: Pending | None,
    *,
    remember: bool = False,
    identity_id: str | None = None,
    next_path: str | None = None,
) -> Response:
    """Begin the session of somebody who has just proven who they are, and go on with what they wanted."""
    session_id = begin_session(user_id, remember=remember, identity_id=identity_id)
    admit_device(user_id)
    if pending:
        services.interactions.record_login(pending.id, session_id)
    return onward(pending, next_path)


def login_address(pending: Pending | None, *, switch: bool = False) -> str:
    """Where the person logs in, on behalf of the application that waits."""
    interaction_id = pending.id if pending else None
    return url_for("login.login", interaction=interaction_id, next=own_next(), switch=1 if switch else None)


def own_next() -> str | None:
    """The page of the portal from which somebody was led to log in, if there is one to go back to."""
    path = safe_path(request.args.get("next"))
    return None if path == "/" else path


def leave_for_login(email: str, notice: str = "") -> None:
    """Have the login page say ``notice`` (an English constant) once, with this e-mail filled in."""
    form_session[TYPED_EMAIL] = email
    if notice:
        form_session[NOTICE] = notice


def left_email() -> str:
    """The e-mail that was left for the step to come, which still finds it."""
    return str(form_session.get(TYPED_EMAIL, ""))


def take_email() -> str:
    """The e-mail that was left for this step, once."""
    return str(form_session.pop(TYPED_EMAIL, ""))


def take_notice() -> str | None:
    """The sentence that was left for the login page, once."""
    notice = form_session.pop(NOTICE, None)
    return _(notice) if notice else None
