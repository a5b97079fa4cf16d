"""Authorization responses: query, fragment, form_post and web_message, always with ``iss`` (:rfc:`9207#section-2`)."""

from urllib.parse import urlencode, urlsplit

from flask import make_response, redirect, render_template, request
from werkzeug import Response

from app.oauth import explained
from app.oauth.authorization_request import Draft
from app.oauth.errors import RefusedRequest
from app.services.clients.redirect_uris import origin
from app.services.grants.interactions import AuthorizationRequest
from app.web.protocol import explanations, refusals
from app.web.protocol.topics import AUTHORIZATION
from app.web.security import allow_framing
from app.wiring import services


def send_code(to: AuthorizationRequest, code: str) -> Response:
    """The successful answer."""
    return _send(to.redirect_uri, to.response_mode, {"code": code}, to.state)


def send_error(to: AuthorizationRequest, error: str, description: str) -> Response:
    """The error answer of a validated request."""
    return _send_error(to, to.client_id, error, description)


def send_error_of(draft: Draft, error: str, description: str) -> Response:
    """The error answer of a request of which only the redirect URI is known to be good."""
    return _send_error(draft, draft.client.client_id, error, description)


def send_mistake(draft: Draft, refused: RefusedRequest) -> Response:
    """The same where its developer has something to mend: with the address of a page that says what.

    :rfc:`6749#section-4.1.2.1`: ``error_uri``. It goes to the application, so who is logged in here decides nothing.
    """
    client = draft.client
    told_id = client.client_id if explained.is_developed(client) else ""
    uri = explanations.address(refused.error, refused.description, refused.cause, told_id, AUTHORIZATION)
    return _send_error(draft, client.client_id, refused.error, refused.description, error_uri=uri)


def with_parameters(uri: str, values: dict[str, str]) -> str:
    """``uri`` with ``values`` added to its query."""
    separator = "&" if urlsplit(uri).query else "" if uri.endswith("?") else "?"
    return f"{uri}{separator}{urlencode(values)}"


def _send_error(
    to: AuthorizationRequest | Draft, client_id: str, error: str, description: str, **more: str
) -> Response:
    """RFC 6749 section 4.1.2.1: everything but a bad client or redirect URI is told to the client."""
    refusals.note("authorize", error, description, client_id)
    said = {"error": error, "error_description": description, **more}
    return _send(to.redirect_uri, to.response_mode, said, to.state)


def _send(redirect_uri: str, response_mode: str, values: dict[str, str], state: str | None) -> Response:
    answer = {**values, "iss": services.settings.issuer}
    if state is not None:
        answer["state"] = state
    # A redirect after a form is 303, so that no browser sends what was typed along (RFC 9700 section 4.12).
    if response_mode == "form_post":
        return make_response(render_template("oauth/form_post.html", action=redirect_uri, fields=answer))
    target = origin(redirect_uri)
    if response_mode == "web_message" and target:
        allow_framing(target)
        return make_response(
            render_template(
                "oauth/web_message.html",
                target_origin=target,
                fallback=with_parameters(redirect_uri, answer),
                message={"type": "authorization_response", "response": answer},
            )
        )
    # Multiple Response Type Encoding Practices section 2.1; a registered redirect URI has no fragment of its own.
    is_fragment = response_mode == "fragment"
    location = f"{redirect_uri}#{urlencode(answer)}" if is_fragment else with_parameters(redirect_uri, answer)
    return redirect(location, 303 if request.method == "POST" else 302)
