"""Access tokens that were ended before their time; what an access token is worth, and its end.

A token that is pasted comes in the body of a form, is read here and kept nowhere: what is known of it is in the answer,
with a mark that lets it be denied.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from flask import request
from flask_login import fresh_login_required
from itsdangerous import BadSignature, URLSafeTimedSerializer
from wtforms import TextAreaField

from app.admin.lists import PAGE, Filters, person_id
from app.admin.pages import Answer, asked, done, show
from app.admin.people.access import is_within_reach
from app.admin.record.sessions import reason
from app.admin.record.tokens import REVOKED, bp, tokens_desk
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.oversight.grants import Grant, WantedDenied, WantedGrants
from app.services.revocation.revocations import Denied
from app.services.tokens.tokens import ACCESS_TYPE, InvalidToken
from app.web.forms import Form
from app.wiring import services

NO_TOKEN = sentence("This is neither an access token of this portal nor the ID (jti) of one that it knows.")
ENTER = sentence("Paste an access token or its ID (jti).")
DENIED = sentence("The access token is denied from now on.")
WAS_DENIED = sentence("The access token was denied before, or has expired. Nothing was changed.")
TOO_LATE = sentence("This page was open for too long. Nothing was changed: look the token up once more.")
LOOKED_UP_SECONDS = 600
LONGEST_JTI = 64


class LookUpForm(Form):
    """An access token, or the id of one."""

    pasted = TextAreaField(_l("Access token or its ID (jti)"))

    @property
    def is_typed(self) -> bool:
        """It is not kept anywhere: it may be a token."""
        return False


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of an access token; the form that denies it brings ``mark``."""

    jti: str
    user_id: str | None
    client_id: str | None
    scope: str
    issued_at: datetime | None
    expires_at: datetime
    is_good: bool
    is_denied: bool
    grant: Grant | None
    mark: str


@bp.get("/denied")
def denied() -> Answer:
    """The denylist."""
    return _page(LookUpForm())


@bp.post("/denied")
def look_up() -> Answer:
    """What a pasted token is worth."""
    form = LookUpForm()
    if not form.validate():
        return _page(form, status=400)
    text = (form.pasted.data or "").strip()
    found = _found(text) if text else None
    if found is None:
        form.pasted.errors = [_(NO_TOKEN if text else ENTER)]
        return _page(form, status=400)
    return _page(form, found)


@bp.post("/denied/deny")
@fresh_login_required
def deny() -> Answer:
    """Deny a token that was looked up just now, until it expires."""
    form = LookUpForm()
    if not form.validate():
        return _page(form, status=400)
    try:
        token = _told(_serializer().loads(request.form.get("mark", ""), max_age=LOOKED_UP_SECONDS))
    except BadSignature:
        raise InvalidInput(TOO_LATE) from None
    caller = tokens_desk.acting_on(token.user_id) if token.user_id else tokens_desk.acting()
    is_news = services.revocations.deny(token, REVOKED, caller)
    return done(DENIED if is_news else WAS_DENIED, "admin_tokens.denied")


def _page(form: LookUpForm, found: Found | None = None, status: int = 200) -> Answer:
    filters, problems, page = Filters(person=None, client=None, jti=None), {}, None
    try:
        who = person_id(filters["person"]) if filters["person"] else None
    except InvalidInput as refusal:
        problems["person"] = _(refusal.message)
    else:
        try:
            wanted = WantedDenied(who, filters["client"], filters["jti"])
            page = services.grants.denied(wanted, limit=PAGE, after=asked("after"))
        except InvalidInput as refusal:
            problems[""] = _(refusal.message)
    ids = {each.user_id for each in page.items if each.user_id} if page else set()
    ids |= {found.user_id} if found and found.user_id else set()
    shown = show(
        "record/denied",
        form,
        page=page,
        filters=filters,
        problems=problems,
        found=found,
        reason=reason,
        names=services.directory.names(ids) if ids else {},
        is_within_reach=not (found and found.user_id) or is_within_reach(found.user_id),
    )
    return shown, 400 if problems else status


def _found(text: str) -> Found | None:
    try:
        claims = services.tokens.said_by(text)
    except InvalidToken:
        return _by_id(text) if len(text) <= LONGEST_JTI else None
    if claims["typ"] != ACCESS_TYPE:
        return None
    is_of_service = claims.get("sub") == claims.get("client_id")
    issued = datetime.fromtimestamp(claims["iat"], UTC)
    expires = datetime.fromtimestamp(claims["exp"], UTC)
    user_id = None if is_of_service else claims["sub"]
    return _described(
        Denied(claims["jti"], user_id, claims.get("client_id"), expires),
        claims.get("scope", ""),
        issued,
        _is_good(text),
    )


def _by_id(jti: str) -> Found | None:
    """Of the latest access token of a grant, or of one that is denied; others are known by themselves alone."""
    grants = services.grants.grants(WantedGrants(jti=jti), limit=1).items
    if grants:
        one = grants[0]
        token = Denied(jti, one.user_id, one.client_id, one.access_expires_at)
        is_good = one.ended_at is None and one.access_expires_at > services.clock()
        return _described(token, " ".join(one.scopes), None, is_good)
    listed = services.grants.denied(WantedDenied(jti=jti), limit=1).items
    if not listed:
        return None
    return _described(Denied(jti, listed[0].user_id, listed[0].client_id, listed[0].expires_at), "", None, False)


def _described(token: Denied, scope: str, issued_at: datetime | None, is_good: bool) -> Found:
    is_denied = services.revocations.is_denied(token.jti)
    grants = services.grants.grants(WantedGrants(jti=token.jti), limit=1).items
    told = {**asdict(token), "expires_at": token.expires_at.isoformat()}
    return Found(
        token.jti,
        token.user_id,
        token.client_id,
        scope,
        issued_at,
        token.expires_at,
        is_good and not is_denied,
        is_denied,
        grants[0] if grants else None,
        str(_serializer().dumps(told)),
    )


def _is_good(token: str) -> bool:
    try:
        services.bearer.access(token)
    except InvalidToken:
        return False
    return True


def _told(values: dict[str, Any]) -> Denied:
    return Denied(**{**values, "expires_at": datetime.fromisoformat(values["expires_at"])})


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services.settings.signing_secrets, salt="looked-up-token")
