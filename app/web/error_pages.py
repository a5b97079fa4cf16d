"""How refusals look: pages for people, JSON for programs. The only place a 4xx or 5xx answer is made."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Flask, Response, g, jsonify, make_response, render_template, request, url_for
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.database import UNAVAILABLE
from app.errors import (
    DEFECT,
    AdministratorsOnly,
    FormOfAnother,
    InvalidFields,
    InvalidInput,
    PortalError,
    ProtocolRefusal,
    TooManyAttempts,
    Unavailable,
    sentence,
)
from app.languages import gettext as _
from app.services.clients.differences import Span
from app.services.record.tally import Fact
from app.web.origins import is_page_of_api
from app.web.protocol import refusals
from app.web.protocol.paths import within_protocol
from app.web.security import page_at_hand
from app.web.sessions import current_session
from app.wiring import services

logger = logging.getLogger("portal.errors")
PAGES_OF_THE_PROTOCOL = frozenset({"authorize", "authorize/resume", "logout", "logout/resume", "logout/confirm"})

STATUS_MESSAGES = {
    400: sentence("This request could not be understood."),
    404: sentence("This page does not exist."),
    405: sentence("This page cannot be used in this way."),
    413: sentence("What was sent is too large."),
    415: sentence("What was sent has a form that is not understood here."),
}


@dataclass(frozen=True)
class Action:
    """A way on from an error page."""

    label: str
    href: str


@dataclass(frozen=True)
class Registered:
    """A registered value, what of it the received one has not, and what differs in words."""

    spans: tuple[Span, ...]
    differs_in: str = ""


@dataclass(frozen=True)
class Command:
    """Something to type at a terminal; a line may say when not to."""

    title: str
    text: str
    caution: str = ""


@dataclass(frozen=True)
class Explanation:
    """What only those read who may see what is registered: administrators, and whoever develops the application.

    ``received`` is the value of ``parameter`` beside the nearest of ``registered``; ``more`` others are not shown.
    ``register`` is where an administrator makes it one of them.
    """

    parameter: str = ""
    received: tuple[Span, ...] = ()
    registered: tuple[Registered, ...] = ()
    more: int = 0
    cause: str = ""
    commands: tuple[Command, ...] = ()
    register: Action | None = None


@dataclass(frozen=True)
class Developer:
    """What the developer of the asking application needs to mend a request.

    What was sent and ``fixes`` that hold for everybody are for everybody; an ``explanation`` is for those it names.
    """

    code: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    fixes: list[str] = field(default_factory=list)
    clause: str = ""
    explanation: Explanation | None = None


def register(app: Flask) -> None:
    """Install the handlers."""
    app.register_error_handler(PortalError, _refusal)
    app.register_error_handler(HTTPException, _http)
    for error in UNAVAILABLE:
        app.register_error_handler(error, _database)
    app.register_error_handler(ParseException, _broken_body)
    app.register_error_handler(Exception, _bug)


def answer(
    status: int,
    code: str,
    message: str,
    *,
    developer: Developer | None = None,
    actions: list[Action] | None = None,
    headers: dict[str, str] | None = None,
    title: str | None = None,
    fields: dict[str, str] | None = None,
    body: Mapping[str, object] | None = None,
) -> Response:
    """The error in the form the request wants; ``message`` is an English constant, as is what is said of ``fields``.

    Programs get ``body`` where a refusal has one of its own.
    """
    if wants_json() and body:
        response = jsonify(body)
    elif wants_json():
        named = [{"field": name, "message": problem} for name, problem in (fields or {}).items()]
        more = {"fields": named} if named else {}
        response = jsonify(error=code, error_description=message, request_id=g.get("request_id", ""), **more)
    else:
        _name_nobody_unless_known()
        page = render_template(
            "errors/error.html",
            status=status,
            title=title or _title(status),
            message=_(message),
            request_id=g.get("request_id", ""),
            developer=developer,
            actions=actions if actions is not None else [Action(_("Go to the start page"), "/")],
        )
        response = make_response(page)
    response.status_code = status
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def _name_nobody_unless_known() -> None:
    """Every page names who is logged in; one that says that the database does not answer must not need it for that."""
    if "names_nobody" in g:
        return
    try:
        current_session()
    except UNAVAILABLE:
        services.db.rollback()
        g.names_nobody = True


def wants_json() -> bool:
    """Whether the path belongs to programs."""
    within = within_protocol(request.path)
    if within is not None:
        return within not in PAGES_OF_THE_PROTOCOL
    return request.path.startswith(("/api/", "/.well-known/")) and not is_page_of_api()


def _refusal(error: PortalError) -> Response:
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyAttempts) else None
    if isinstance(error, Unavailable):
        headers = {"Retry-After": "5"}
    headers = getattr(error, "headers", headers)
    endpoint = refusals.endpoint_of(request.path)
    if endpoint or isinstance(error, ProtocolRefusal):
        reason, client_id = getattr(error, "reason", error.message), getattr(error, "client_id", None)
        refusals.note(endpoint or "api", error.code, reason, client_id)
    else:
        services.tally.count(Fact.DENIAL, "api" if wants_json() else "page", error.code)
    return answer(
        error.status,
        error.code,
        error.message,
        headers=headers,
        developer=getattr(error, "developer", None),
        actions=_ways_on(error),
        fields=_fields(error),
        body=getattr(error, "body", None),
    )


def _ways_on(error: PortalError) -> list[Action] | None:
    """Where to go from the page of a refusal, if anywhere in particular."""
    if isinstance(error, FormOfAnother):
        page = page_at_hand()
        interaction_id = request.args.get("interaction")
        choice = url_for("login.choose", interaction=interaction_id, next=None if interaction_id else page)
        return [Action(_("Choose the account"), choice), Action(_("Keep using this account"), page)]
    if isinstance(error, AdministratorsOnly):
        choice = url_for("login.choose", next=page_at_hand())
        return [Action(_("Go to the start page"), url_for("portal.home")), Action(_("Choose the account"), choice)]
    return getattr(error, "actions", None)


def _fields(error: PortalError) -> dict[str, str]:
    """What is wrong with which field."""
    if isinstance(error, InvalidFields):
        return error.problems
    return {error.field: error.message} if isinstance(error, InvalidInput) and error.field else {}


def _http(error: HTTPException) -> Response:
    # What goes wrong after a view, as a commit may, comes wrapped as an error of the server.
    if isinstance(original := getattr(error, "original_exception", None), UNAVAILABLE):
        return _database(original)
    if error.response is not None or (error.code or 500) < 400:
        return make_response(error.get_response())
    status = error.code or 500
    headers = {"Allow": ", ".join(sorted(error.valid_methods or []))} if isinstance(error, MethodNotAllowed) else None
    code, message = (
        "invalid_request" if status < 500 else "server_error",
        STATUS_MESSAGES.get(status, PortalError.message),
    )
    if endpoint := refusals.endpoint_of(request.path):
        refusals.note(endpoint, code, message)
    return answer(status, code, message, headers=headers)


def _broken_body(_: Exception) -> Response:
    """What the server says of chunks that are none, when the application reads them (:rfc:`9112#section-7.1`)."""
    return answer(400, "invalid_request", STATUS_MESSAGES[400])


def _database(error: Exception) -> Response:
    logger.error("database_unavailable", exc_info=error)
    services.db.rollback()
    g.names_nobody = True
    return answer(503, "temporarily_unavailable", Unavailable.message, headers={"Retry-After": "5"})


def _bug(error: Exception) -> Response:
    logger.exception("unexpected_error")
    services.db.rollback()
    return answer(500, "server_error", DEFECT)


def _title(status: int) -> str:
    if status == 404:
        return _("Page not found")
    if status == 409:
        return _("Another account is in use")
    if status == 429:
        return _("Too many attempts")
    return _("Something went wrong") if status >= 500 else _("This did not work")
