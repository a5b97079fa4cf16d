"""The protocol's routes, one short function each."""

from typing import cast

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug import Response as AnyResponse
from werkzeug.datastructures import MultiDict

from app.database import only_reads
from app.errors import ProtocolRefusal, TooManyAttempts
from app.oauth import end_session, responses, validation
from app.oauth import userinfo as bearer_token
from app.oauth.authorization_request import Draft
from app.oauth.errors import RefusedRequest, UnsafeRequest
from app.oauth.parameters import FORM, front_channel_values
from app.oauth.server import PortalAuthorizationServer
from app.services.clients.redirect_uris import origin
from app.services.clients.scopes import split
from app.services.grants.authorization import Pending
from app.services.grants.interactions import NO_PROGRESS, Refusal, Step
from app.web.forms import OpenForm
from app.web.protocol import refusals
from app.web.reach import reach_protocol
from app.web.security import answers_limits, over_limit
from app.web.sessions import session_for
from app.wiring import services

bp = Blueprint("oauth", __name__)
reach_protocol(bp)
TOO_MANY = ("temporarily_unavailable", "There were too many requests; try again later")
PAGES = {Step.LOGIN: "login.login", Step.SELECT_ACCOUNT: "login.choose", Step.CONSENT: "consent.consent"}


def server() -> PortalAuthorizationServer:
    """The authorization server of the current application."""
    return cast(PortalAuthorizationServer, current_app.extensions["authorization_server"])


@bp.route("/authorize", methods=["GET", "POST"])
@answers_limits
def authorize() -> AnyResponse:
    """Validate, decide, and answer at once or hand over to a page (OpenID Connect Core section 3.1.2.1)."""
    if request.method == "POST" and request.mimetype != FORM:
        abort(415)
    values = front_channel_values(request)
    # Errors are shown as the page they take the place of would have been.
    g.is_popup = values.get("display") == "popup"
    g.ui_locales = tuple(values.get("ui_locales", "").split()[:10])
    if limit := over_limit():
        return _too_many(values, limit)
    draft = Draft(values)
    try:
        asked = draft.checked()
    except RefusedRequest as refused:
        return responses.send_mistake(draft, refused)
    session = session_for(asked.hinted_user_id, asked.login_hint, is_silent=asked.is_silent)
    if request.method == "POST" and session is None:
        # A form on a page of another site comes without our cookie (SameSite=Lax); what it leads to comes with it.
        return redirect(url_for("oauth.resume", interaction=services.interactions.open(asked)), 303)
    decision = services.authorization.step(asked, draft.client, session)
    step = decision.step
    if isinstance(step, Refusal):
        return responses.send_error(asked, step.error, step.description)
    if step is Step.ISSUE and session is not None:
        return responses.send_code(asked, services.authorization.issue(asked, draft.client, session, decision.scopes))
    return _to_page(step, services.interactions.open(asked))


@bp.get("/authorize/resume")
@answers_limits
def resume() -> AnyResponse:
    """Go on with a stored request; login, account choice and consent return here and nowhere else."""
    pending = services.authorization.pending(request.args.get("interaction", ""))
    asked, is_untouched = pending.request, pending.interaction.progress == NO_PROGRESS
    if limit := over_limit():
        if not asked.is_silent:
            raise limit
        return responses.send_error(asked, *TOO_MANY)
    # A hint counts until a person has decided.
    login_hint = asked.login_hint if is_untouched else None
    session = session_for(asked.hinted_user_id, login_hint, is_silent=asked.is_silent)
    decision = services.authorization.pending_decision(pending, session)
    step = decision.step
    if asked.is_silent:
        # It came as a form; loaded again it is answered again, as a link with it would be, and never by a page.
        if isinstance(step, Refusal) or session is None:
            refusal = step if isinstance(step, Refusal) else Refusal("login_required", "The person has to log in")
            return responses.send_error(asked, refusal.error, refusal.description)
        new_code = services.authorization.issue(asked, pending.client, session, decision.scopes)
        return responses.send_code(asked, new_code)
    if services.authorization.is_over(pending):
        return _already_answered(pending)
    if isinstance(step, Refusal):
        services.interactions.answer(pending.id, None)
        return responses.send_error(pending.request, step.error, step.description)
    if step is Step.ISSUE and session is not None:
        code = services.authorization.answer(pending, session, decision.scopes)
        return responses.send_code(pending.request, code) if code else _already_answered(pending)
    return _to_page(step, pending.id)


@bp.post("/token")
def token() -> Response:
    """Exchange a grant for tokens (:rfc:`6749#section-3.2`)."""
    return server().respond("token", request).as_response()


@bp.post("/revoke")
def revoke() -> Response:
    """Revoke a token (:rfc:`7009#section-2`)."""
    return server().respond("revocation", request).as_response()


@bp.post("/introspect")
def introspect() -> Response:
    """Tell what a token is worth (:rfc:`7662#section-2`)."""
    return server().respond("introspection", request).as_response()


@bp.post("/token/validate")
def validate() -> Response:
    """Tell a backend in one word whether a token still counts."""
    return validation.answer(request)


@bp.route("/userinfo", methods=["GET", "POST"])
def userinfo() -> Response:
    """Claims of the person a bearer token stands for (OpenID Connect Core section 5.3)."""
    only_reads()
    client_id, token = None, ""
    try:
        token = bearer_token.presented(request)
        state = services.bearer.access(token)
        client_id = str(state.claims["client_id"])
        return jsonify(bearer_token.claims_of(state))
    except ProtocolRefusal as refusal:
        return bearer_token.refused(refusal, client_id, token)


@bp.route("/logout", methods=["GET", "POST"])
def logout() -> AnyResponse:
    """OpenID Connect RP-Initiated Logout 1.0 section 2."""
    return end_session.begin(front_channel_values(request), is_form=request.method == "POST")


@bp.get("/logout/resume")
def resume_logout() -> AnyResponse:
    """Go on with a request that came as a form from another site, now with the browser's cookie."""
    g.ui_locales = tuple(request.args.get("ui_locales", "").split()[:10])
    return end_session.decide(end_session.unsealed(request.args.get("request", "")))


@bp.post("/logout/confirm")
def confirm_logout() -> AnyResponse:
    """The person agreed to be logged out."""
    form = OpenForm()
    if not form.validate_on_submit():
        refusals.note("logout", "invalid_request", "The form of the question was not sent as it was shown")
        return make_response(end_session.question(request.form.get("request", ""), form), 400)
    return end_session.finish(end_session.unsealed(request.form.get("request", "")))


def _too_many(values: "MultiDict[str, str]", refusal: TooManyAttempts) -> AnyResponse:
    """A silent request hears of a limit by the protocol, for nobody would see a page; every other one is shown it."""
    if "none" not in split(" ".join(values.getlist("prompt"))):
        raise refusal
    try:
        draft = Draft(values)
    except UnsafeRequest:
        raise refusal from None
    return responses.send_error_of(draft, *TOO_MANY)


def _to_page(step: Step, interaction_id: str) -> AnyResponse:
    return redirect(url_for(PAGES[step], interaction=interaction_id), 303)


def _already_answered(pending: Pending) -> AnyResponse:
    """The application has had its answer; the person belongs there."""
    g.ui_locales = pending.request.ui_locales
    home = pending.client.home_uri or origin(pending.request.redirect_uri)
    page = render_template(
        "oauth/answered.html",
        asking_name=pending.client.name,
        home=home,
        popup=pending.request.display == "popup",
    )
    return make_response(page)
