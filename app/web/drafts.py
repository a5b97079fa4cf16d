"""What was typed into a form that could not be carried out, shown again to whoever typed it.

A form that is refused, sent after the session has ended, or left for another language keeps what was typed: sealed in
the store for half an hour, by an id in the browser's form session, for that page alone. It is shown to the person who
typed it and to nobody else, whoever is logged in by then. Passwords and what protects the form are never kept.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from flask import session as form_session
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from app.services.sessions.owners import is_marked_for, mark_of
from app.web.sessions import DRAFTS, FORM_SECRET, current_session, kept_drafts
from app.wiring import services

MOST = 4
"""Pages of one browser for which something is kept."""
NEVER_KEPT = frozenset({FORM_SECRET, "password", "current", "pasted", "next", "lang", "theme"})
SERIALIZER_SALT = "wtf-csrf-token"
"""Flask-WTF's own."""


@dataclass(frozen=True, slots=True)
class SentForm:
    """What a form's token says of the page the form stood on: ``mark`` of whose it was, ``age`` of that page.

    It ``is_of_this_browser`` as long as the secret of the browser's forms is the one it was made of.
    """

    mark: str
    age: timedelta
    is_of_this_browser: bool


def configure(app: Flask) -> None:
    """Keep what was typed into forms that are refused, and forget what was carried out."""
    app.after_request(_settle)


def sent_form() -> SentForm | None:
    """The form that was sent, however old; None where nothing signed came."""
    serializer = URLSafeTimedSerializer(current_app.config["WTF_CSRF_SECRET_KEY"], salt=SERIALIZER_SALT)
    try:
        secret, made_at = serializer.loads(request.form.get(FORM_SECRET, ""), return_timestamp=True)
    except BadData:
        return None
    own = hmac.compare_digest(str(secret), str(form_session.get(FORM_SECRET, "")))
    return SentForm(mark_of(str(secret)), services.clock() - made_at, own)


def keep_draft(path: str) -> bool:
    """Keep what was just sent, for the page at ``path``; answers whether there was anything to keep."""
    try:
        typed = {name: value for name, value in request.form.items() if name not in NEVER_KEPT and value}
    except RequestEntityTooLarge:
        return False
    if not typed or (sent := sent_form()) is None:
        return False
    # Shown to a person whom it names, or to nobody in particular where it was typed, and not where a form was sent to.
    if not (sent.mark or sent.is_of_this_browser):
        return False
    page = urlsplit(path).path
    forget_draft(page)
    if draft_id := services.drafts.keep(typed):
        kept = [*kept_drafts(form_session).items()][-MOST + 1 :]
        form_session[DRAFTS] = dict([*kept, (page, (draft_id, sent.mark))])
    return bool(draft_id)


def draft_of_this_page() -> MultiDict[str, str] | None:
    """What the person who is here typed into the form of this page and was not carried out."""
    draft_id, mark = kept_drafts(form_session).get(request.path, ("", ""))
    if not draft_id or not is_marked_for(mark, _person()):
        return None
    return MultiDict(services.drafts.read(draft_id)) or None


def forget_draft(path: str) -> None:
    """What was typed at ``path`` was carried out, or something else takes its place."""
    kept = kept_drafts(form_session)
    if path in kept:
        services.drafts.forget(kept.pop(path)[0])
        form_session[DRAFTS] = kept


def _person() -> str | None:
    session = current_session()
    return session.user_id if session else None


def _settle(response: Response) -> Response:
    # Programs read other answers; forms without a field of their own have nothing to keep.
    if request.method != "POST" or "typed_form" not in g:
        return response
    if response.status_code < 400:
        forget_draft(request.path)
    elif response.status_code < 500 and response.mimetype == "text/html":
        keep_draft(request.path)
    return response
