"""The consent page."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug import Response

from app.consent.question import Question, question
from app.languages import gettext as _
from app.services.grants.authorization import Pending
from app.services.grants.interactions import Step
from app.services.record.audit import Event
from app.services.sessions.policy import ActiveSession
from app.web.forms import Form
from app.web.presentation import asking_application
from app.web.reach import reach_protocol
from app.web.security import caller
from app.web.sessions import current_session
from app.wiring import services

bp = Blueprint("consent", __name__)
reach_protocol(bp)


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
    if request.method != "POST":
        return _page(pending, session, form, question(pending, session))
    ticked = request.form.getlist("optional")
    asked = question(pending, session, ticked)
    if form.validate_on_submit() and _is_decided(form, pending, session, asked, ticked):
        return _onward(pending)
    return _page(pending, session, form, asked), 400


def _is_decided(form: Form, pending: Pending, session: ActiveSession, asked: Question, ticked: list[str]) -> bool:
    """Whether the answer could be put on record; else the form says why not."""
    decision = request.form.get("decision")
    if decision == "deny":
        services.interactions.record_denial(pending.id, session.id)
        services.audit.record(
            Event.CONSENT_DENIED, caller(), user_id=session.user_id, client_id=pending.client.client_id
        )
        return True
    if decision != "allow":
        return False
    if request.form.get("shown", asked.shown) != asked.shown:
        form.form_errors.append(_("What the application asks for has changed. Please look at it again."))
        return False
    allowed = asked.allowed(ticked)
    if not allowed:
        form.form_errors.append(_("Tick at least one of these, or choose Deny."))
        return False
    declined = asked.optional.difference(allowed)
    services.consents.grant(session.user_id, pending.client, allowed, caller(), declined)
    services.interactions.record_consent(pending.id, session.id)
    return True


def _page(pending: Pending, session: ActiveSession, form: Form, asked: Question) -> str:
    return render_template(
        "consent/consent.html",
        form=form,
        asking=asking_application(pending),
        client=pending.client,
        person=session.subject,
        asked=asked,
        interaction_id=pending.id,
    )


def _onward(pending: Pending) -> Response:
    return redirect(url_for("oauth.resume", interaction=pending.id), 303)
