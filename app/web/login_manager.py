"""Who is there, for views and templates: Flask-Login over the portal's own session.

``current_user`` is whoever the session cookie names (:mod:`app.web.sessions`: the cookie is opaque, a row the truth), a
:class:`SignedIn` or Flask-Login's anonymous user. ``@login_required`` leads to the login page and back, and
``@fresh_login_required`` does so for a proof once more, unless it was given a short while ago. Neither of the
cookies Flask-Login could use is read or written: the session is the portal's, and so is what remembers it. Programs
prove themselves in other ways and never come here.
"""

from flask import Flask, g, redirect, request, url_for
from flask import session as form_session
from flask_login import LoginManager, UserMixin, user_loaded_from_request
from werkzeug import Request, Response

from app.errors import sentence
from app.languages import prefer
from app.services.foundation.powers import powers_by
from app.services.sessions.policy import ActiveSession
from app.web.cookies import cookie_name
from app.web.drafts import keep_draft
from app.web.security import page_at_hand, safe_path
from app.web.sessions import current_session
from app.wiring import services

NOTICE = "login_notice"
ENDED = sentence("Your session has ended. Log in again to go on.")
ENDED_BEFORE = sentence("Your session had ended, so nothing was changed. Log in and try again.")
ENDED_WHILE_TYPING = sentence("Your session had ended. Log in: what you typed is still there.")


class SignedIn(UserMixin):
    """A person who is logged in, and the session that says so."""

    def __init__(self, session: ActiveSession) -> None:
        self.session = session
        self.id = session.user_id
        self.name = session.subject.name
        self.email = session.subject.email
        self.email_verified = session.subject.email_verified
        self.initials = session.subject.initials
        self.photo = session.subject.photo
        self.is_admin = session.subject.is_admin
        self.powers = powers_by(session.subject.permissions, is_full=session.subject.is_admin)
        self.acting = session.acting


class PortalLoginManager(LoginManager):
    """Flask-Login without its two cookies."""

    def init_app(self, app: Flask, add_context_processor: bool = False) -> None:
        """Bind to ``app``; its hook that writes a remember cookie after every response is left out."""
        app.login_manager = self  # type: ignore[attr-defined]
        self.session_protection = None
        self.request_loader(signed_in)
        self.unauthorized_handler(lead_to_login)
        self.needs_refresh_handler(lead_to_confirmation)
        user_loaded_from_request.connect(follow_preferences, app)

    def _load_user(self) -> None:
        """Ask the request loader alone: a remember cookie some other application set on this host decides nothing."""
        self._update_request_context_with_user(self._load_user_from_request(request))


def signed_in(_: Request) -> SignedIn | None:
    """The person whose session the request's cookie names; pages that must not need the database name nobody."""
    if "names_nobody" in g or request.path.startswith("/static/"):
        return None
    session = current_session()
    return SignedIn(session) if session else None


def follow_preferences(_: Flask, user: SignedIn) -> None:
    """Show pages in the person's language and zone, unless the page at hand is for somebody in particular."""
    prefer(user.session.subject.locale, user.session.subject.timezone)


def lead_to_login() -> Response:
    """To the login page, which says why, and from there to the page at hand with what was typed into it."""
    page = page_at_hand()
    if request.method == "POST":
        form_session[NOTICE] = ENDED_WHILE_TYPING if keep_draft(page) else ENDED_BEFORE
    elif has_dead_session():
        form_session[NOTICE] = ENDED
    return redirect(url_for("login.login", next=page), 303)


def lead_to_confirmation() -> Response:
    """To the page that asks for a proof once more, and from there to the page at hand with what was typed into it."""
    page = page_at_hand()
    if request.method == "POST":
        keep_draft(page)
    return redirect(url_for("login.confirm", next=safe_path(page)), 303)


def has_dead_session() -> bool:
    """Whether the browser still holds the cookie of a session that is over."""
    return bool(request.cookies.get(cookie_name(services.settings))) and current_session() is None
