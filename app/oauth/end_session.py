"""RP-initiated logout: a hint of a session of this browser ends it all at once, anything else asks first."""

from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import g, make_response, redirect, render_template, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug import Response
from werkzeug.datastructures import MultiDict

from app.errors import sentence
from app.languages import gettext as _
from app.oauth import explained
from app.oauth.errors import LOCALHOST, Clause, UnsafeRequest
from app.oauth.parameters import LONGEST_VALUE, read
from app.oauth.responses import with_parameters
from app.services.clients.clients import ClientRecord
from app.services.clients.registration import AddressKind
from app.services.sessions.policy import ActiveSession
from app.services.tokens.tokens import InvalidToken
from app.web.cookies import clear_all
from app.web.error_pages import Action
from app.web.forms import Form, OpenForm
from app.web.presentation import application
from app.web.sessions import end_session, open_sessions
from app.wiring import services

CONFIRM_SECONDS = 86400


@dataclass(frozen=True)
class LogoutRequest:
    """A validated logout request.

    ``redirect_uri`` is registered for the client, or absent; ``hinted_user_id`` is whom an ID token of ours was about,
    ``hinted_session_id`` the session it came of.
    """

    client_id: str | None = None
    redirect_uri: str | None = None
    state: str | None = None
    hinted_user_id: str | None = None
    hinted_session_id: str | None = None

    def is_of(self, session: ActiveSession) -> bool:
        """Whether the ID token belongs to this very session of this very person."""
        return (self.hinted_session_id, self.hinted_user_id) == (session.id, session.user_id)


def begin(values: "MultiDict[str, str]", *, is_form: bool) -> Response:
    """Log out at once, or ask."""
    g.ui_locales = tuple(values.get("ui_locales", "").split()[:10])
    given = _parameters(values)
    hint = _hint(given.get("id_token_hint"))
    client = _client(given, hint)
    wanted = LogoutRequest(
        client.client_id if client else None,
        _redirect_uri(given.get("post_logout_redirect_uri"), client, values),
        given.get("state"),
        str(hint["sub"]) if hint else None,
        str(hint["sid"]) if hint and "sid" in hint else None,
    )
    if is_form and hint and not open_sessions():
        # A form on a page of another site comes without our cookie (SameSite=Lax); what it leads to comes with it.
        return redirect(
            url_for("oauth.resume_logout", request=_sealed(wanted), ui_locales=given.get("ui_locales")), 303
        )
    return decide(wanted)


def decide(wanted: LogoutRequest) -> Response:
    """Log out at the hint of a session of this browser, or when nobody is logged in; ask in all other cases."""
    sessions = open_sessions()
    if not sessions:
        return finish(wanted) if wanted.hinted_user_id or not wanted.redirect_uri else _ask(wanted)
    # Section 2: an ID token that does not belong to a session of this browser may have been put into a link by anybody
    # who came by it: one of a session that ended, of the same person on another device, of somebody else.
    return finish(wanted) if any(wanted.is_of(each) for each in sessions) else _ask(wanted)


def finish(wanted: LogoutRequest) -> Response:
    """End the sessions of this browser and lead back to the client, when there is a registered way."""
    end_session("logout")
    client = _active(wanted.client_id)
    if client and wanted.redirect_uri and client.has_post_logout_redirect_uri(wanted.redirect_uri):
        state = {"state": wanted.state} if wanted.state else {}
        target = with_parameters(wanted.redirect_uri, state) if state else wanted.redirect_uri
    else:
        target = url_for("login.logged_out") + (f"?{urlencode({'client_id': client.client_id})}" if client else "")
    response = redirect(target, 303)
    clear_all(response)
    return response


def question(sealed: str, form: Form) -> str:
    """The page that asks whether to log out."""
    wanted = unsealed(sealed)
    client = _active(wanted.client_id)
    return render_template(
        "oauth/end_session.html",
        form=form,
        sealed_request=sealed,
        asking=application(client, wanted.redirect_uri) if client else None,
        people=[session.subject for session in open_sessions()],
        confirm_url=url_for("oauth.confirm_logout"),
    )


def unsealed(sealed: str) -> LogoutRequest:
    """The request a form carried; an empty one when it was changed or is too old."""
    try:
        return LogoutRequest(**_serializer().loads(sealed, max_age=CONFIRM_SECONDS))
    except (BadSignature, TypeError):
        return LogoutRequest()


def _ask(wanted: LogoutRequest) -> Response:
    return make_response(question(_sealed(wanted), OpenForm()))


def _sealed(wanted: LogoutRequest) -> str:
    return str(_serializer().dumps(asdict(wanted)))


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services.settings.signing_secrets, salt="end-session")


def _parameters(values: "MultiDict[str, str]") -> dict[str, str]:
    try:
        return read(values.items(multi=True))
    except InvalidRequestError as error:
        raise UnsafeRequest(
            "invalid_request",
            sentence("The application asked to log you out in a way we cannot check, so nothing was changed."),
            "The parameters of the request cannot be read",
            facts={"error_description": error.description},
            fixes=[_("Send each parameter once, as UTF-8 text of at most %(count)d characters.", count=LONGEST_VALUE)],
            clause=Clause.LOGOUT,
            actions=_ways_on(),
        ) from None


def _hint(token: str | None) -> dict[str, object] | None:
    """Section 2: an expired ID token is as good a hint; one we did not sign is none."""
    if token is None:
        return None
    try:
        return services.tokens.read_id_token_hint(token)
    except InvalidToken:
        raise UnsafeRequest(
            "invalid_request",
            sentence("The application asked to log you out in a way we cannot check, so nothing was changed."),
            "The id_token_hint is not an ID token of this server",
            facts={"id_token_hint": _("not an ID token of this server")},
            fixes=[_("Send the ID token exactly as it was issued.")],
            clause=Clause.LOGOUT,
            actions=_ways_on(),
        ) from None


def _client(given: dict[str, str], hint: dict[str, object] | None) -> ClientRecord | None:
    named, hinted = given.get("client_id"), str(hint["aud"]) if hint else None
    if named and hinted and named != hinted:
        raise UnsafeRequest(
            "invalid_request",
            sentence("The application asked to log you out in a way we cannot check, so nothing was changed."),
            "The client_id differs from the one the ID token was issued to",
            facts={"client_id": named},
            client_id=named,
            fixes=[_("Send the client_id the ID token was issued to, or leave it out.")],
            clause=Clause.LOGOUT,
            actions=_ways_on(),
        )
    return _active(named or hinted)


def _active(client_id: str | None) -> ClientRecord | None:
    """The client of that id, unless it was stopped: nobody is led back to one that was."""
    client = services.clients.find(client_id) if client_id else None
    return client if client and client.is_active else None


def _redirect_uri(uri: str | None, client: ClientRecord | None, values: "MultiDict[str, str]") -> str | None:
    """Section 3: exactly a registered URI; anything else is never redirected to."""
    if uri is None:
        return None
    if client is None or not client.has_post_logout_redirect_uri(uri):
        raise UnsafeRequest(
            "invalid_request",
            sentence("The application asked to go on to an address that is not registered, so nothing was changed."),
            "The post_logout_redirect_uri is not registered for the client",
            facts={"post_logout_redirect_uri": uri, "client_id": client.client_id if client else _("(missing)")},
            client_id=client.client_id if client else None,
            fixes=[
                *explained.localhost_fix(uri, client, client.post_logout_redirect_uris if client else (), _(LOCALHOST)),
                explained.mending(uri, _("Register exactly this URI as a post-logout redirect URI of the client.")),
                _("Send id_token_hint or client_id with it."),
            ],
            clause=Clause.AFTER_LOGOUT,
            explanation=explained.address(AddressKind.POST_LOGOUT, client, [uri], values) if client else None,
            actions=_ways_on(),
        )
    return uri


def _ways_on() -> list[Action]:
    """The person wanted to be logged out, and can be."""
    start = Action(_("Go to the start page"), url_for("portal.home"))
    return [Action(_("Log out"), url_for("login.logout")), start] if open_sessions() else [start]
