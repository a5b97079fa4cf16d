"""The one door of sessions in which an administrator acts as somebody: looking is open, all else only if it is listed.

What a request of such a session may change stands in :data:`OPEN`, by endpoint; every other one that is not safe
(:rfc:`9110#section-9.2.1`) is refused and put on record. Some that are safe are refused as well: they prove who
somebody is, take data along, or lead to a form that nobody but the person may send. With tokens of such a session
nothing at all is changed (:func:`require_own`).
"""

from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any

from flask import Flask, request

from app.database import person
from app.errors import ActingForbids, sentence
from app.languages import gettext as _
from app.services.record.audit import Event
from app.web.error_pages import Action
from app.web.origins import reads_no_cookie
from app.web.security import call_by, caller
from app.web.sessions import current_session, holds_acting
from app.wiring import services

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PROTOCOL = ("authorize", "logout", "confirm_logout", "token", "revoke", "introspect", "validate", "userinfo")
"""The last five are asked by programs, with what proves them: no cookie is read there."""
OPEN = frozenset(
    {
        "acting.end",
        "portal.language",
        "portal.theme",
        # Logging out ends it all, as everywhere: what the administrator does as somebody, and the administrator's own.
        "login.logout",
        *(
            f"{protocol}.{name}"
            for protocol in ("oauth", "oauth_compatible")
            # The last five are asked by programs, with what proves them; no cookie is read there.
            for name in (
                "authorize",
                "logout",
                "confirm_logout",
                "token",
                "revoke",
                "introspect",
                "validate",
                "userinfo",
            )
        ),
    }
)
"""What changes something and may be done all the same."""
CLOSED = frozenset(
    {
        "account.delete",
        "account.email",
        "account.export",
        "account.export_file",
        "account.password",
        "consent.consent",
        "login.change_email",
        "login.choose",
        "login.confirm",
        "login.forgot",
        "login.login",
        "login.register",
        "login.reset",
        "login.restore_email",
        "login.verify",
    }
)
"""What is refused though it only shows something."""
CLOSED_ROOMS = frozenset({"admin", "social", "social_api", "social_compatible"})
CONSENT = sentence(
    "The person has not allowed this application yet, and nobody else can: it opens for you once they have."
)
PROOF = sentence("Only the person can prove to be there, so this stays closed while you act as somebody else.")
SENTENCES: Mapping[str, str] = {"consent.consent": CONSENT, "login.login": PROOF, "login.confirm": PROOF}


class ClosedToActing(ActingForbids):
    """The page says how to go on."""

    @property
    def actions(self) -> list[Action]:
        """Back to what may be seen."""
        return [Action(_("Go to the start page"), "/")]


def configure(app: Flask) -> None:
    """Put the door before every view, and the banner on every page."""
    app.before_request(_admit)
    app.context_processor(lambda: {"minutes_left": minutes_left})


def minutes_left(until: datetime) -> int:
    """How many minutes there are until then, the last one whole."""
    return max(1, ceil((until - services.clock()).total_seconds() / 60))


def is_open(endpoint: str, method: str) -> bool:
    """Whether a request may be made in a session in which somebody acts."""
    if endpoint in CLOSED or endpoint.partition(".")[0] in CLOSED_ROOMS:
        return False
    return method in SAFE or endpoint in OPEN


def require_own(claims: Mapping[str, Any]) -> None:
    """Raise :class:`ActingForbids` if a token of a session in which somebody acts would change anything."""
    if "act" in claims and request.method not in SAFE:
        user_id, by = str(claims["sub"]), str(claims["act"]["sub"])
        call_by(by, user_id)
        _refuse(user_id, str(claims.get("sid") or ""))


def _admit() -> None:
    if reads_no_cookie() or not holds_acting() or request.path.startswith("/static/"):
        return
    session = current_session()
    if session is None or session.acting is None:
        return
    call_by(session.acting.administrator_id, session.user_id)
    if request.endpoint and not is_open(request.endpoint, request.method):
        _refuse(session.user_id, session.id)


def _refuse(user_id: str, session_id: str) -> None:
    endpoint, refused = request.endpoint or "", Event.ACTING_REFUSED
    services.db.enter(person(user_id))
    named = {"user_id": user_id, "session": session_id}
    services.audit.record_refusal(refused, caller(), error="not_open", page=endpoint, **named)
    raise ClosedToActing(SENTENCES.get(endpoint))
