"""What applications hold for people: one row for each login in an application, with its tokens; and their end."""

from typing import Any

from app.admin.lists import PAGE, Filters, person_id
from app.admin.pages import Answer, PlainForm, asked, desk, done, show
from app.admin.people.access import is_within_reach
from app.admin.record.sessions import reason, state_of
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.services.foundation.powers import USERS
from app.services.oversight.grants import State, WantedGrants
from app.wiring import services

tokens_desk = desk("admin_tokens", "/tokens", USERS)
bp = tokens_desk.bp
REVOKED = "revoked_by_administrator"
HAVE_ENDED = sentence("The tokens have ended. The application can neither use nor renew them.")
WERE_ENDED = sentence("The tokens were over before. Nothing was changed.")


@bp.get("")
def tokens() -> Answer:
    """Grants of which all that the address asks for holds, those that would last longest first."""
    filters, problems = Filters(person=None, client=None, session=None, jti=None, state=list(State)), {}
    page = None
    try:
        who = person_id(filters["person"]) if filters["person"] else None
    except InvalidInput as refusal:
        problems["person"] = _(refusal.message)
    else:
        wanted = WantedGrants(who, filters["client"], filters["session"], filters["jti"], state_of(filters))
        try:
            page = services.grants.grants(wanted, limit=PAGE, after=asked("after"))
        except InvalidInput as refusal:
            problems[""] = _(refusal.message)
    found = page.items if page else []
    shown = show(
        "record/tokens",
        page=page,
        filters=filters,
        problems=problems,
        names=services.directory.names({each.user_id for each in found}) if found else {},
    )
    return (shown, 400) if problems else shown


@bp.get("/<uuid:grant_id>")
def grant(grant_id: Any) -> str:
    """One grant."""
    return _page(str(grant_id), PlainForm())


@bp.post("/<uuid:grant_id>/revoke")
def revoke(grant_id: Any) -> Answer:
    """End every token of it."""
    form, own_id = PlainForm(), str(grant_id)
    if not form.validate_on_submit():
        return _page(own_id, form), 400
    who = services.grants.grant(own_id).user_id
    have_ended = services.revocations.end_family(own_id, REVOKED, tokens_desk.acting_on(who))
    return done(HAVE_ENDED if have_ended else WERE_ENDED, "admin_tokens.grant", grant_id=own_id)


def _page(own_id: str, form: PlainForm) -> str:
    found = services.grants.grant(own_id)
    return show(
        "record/token",
        form,
        grant=found,
        person=services.directory.names({found.user_id}).get(found.user_id),
        reason=reason(found.end_reason),
        now=services.clock(),
        is_within_reach=is_within_reach(found.user_id),
    )
