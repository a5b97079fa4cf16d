"""The consent page."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug import Response

from app.languages import current_language
from app.services.grants.authorization import Pending
from app.services.grants.interactions import Step, granted_scopes
from app.services.record.audit import Event
from app.services.sessions.sessions import ActiveSession
from app.web.forms import Form
from app.web.presentation import asking_application
from app.web.security import caller
from app.web.sessions import current_session
from app.wiring import services

bp = Blueprint("consent", __name__)


@bp.route("/consent", methods=["GET", "POST"])
def consent() -> Response | str | tuple[str, int]:
    """Ask, or take the answer."""
    pending, session = services.authorization.pending(request.args.get("interaction", "")), current_session()
    g.ui_locales = pending.request.ui_locales
    g.is_popup = pending.request.display == "popup"
    # Whoever is here by the back button or in a second tab goes where the request is by now.
    if session is None or services.authorization.pending_step(pending, session) is not Step.CONSENT:
        return _onward(pending)
    form = Form()
    decision = request.form.get("decision")
    if request.method == "POST" and form.validate_on_submit() and decision in {"allow", "deny"}:
        _record(pending, session, is_allowed=decision == "allow")
        return _onward(pending)
    page = _page(pending, session, form)
    return (page, 400) if request.method == "POST" else page


def _record(pending: Pending, session: ActiveSession, *, is_allowed: bool) -> None:
    if is_allowed:
        scopes = granted_scopes(pending.request, pending.client, session)
        services.consents.grant(session.user_id, pending.client, scopes, caller())
        services.interactions.record_consent(pending.id, session.id)
        return
    services.interactions.record_denial(pending.id, session.id)
    services.audit.record(Event.CONSENT_DENIED, caller(), user_id=session.user_id, client_id=pending.client.client_id)


def _page(pending: Pending, session: ActiveSession, form: Form) -> str:
    known = services.consents.find(session.user_id, pending.client.client_id)
    scopes = services.scopes.sentences(
        granted_scopes(pending.request, pending.client, session), current_language(), known.scopes if known else ()
    )
    return render_template(
        "consent/consent.html",
        form=form,
        asking=asking_application(pending),
        person=session.subject,
        scopes=scopes,
        interaction_id=pending.id,
    )


def _onward(pending: Pending) -> Response:
    return redirect(url_for("oauth.resume", interaction=pending.id), 303)
