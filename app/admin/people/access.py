"""Where somebody is logged in, by what, and which applications act for them; each can be ended."""

from dataclasses import dataclass
from typing import Any

from flask_login import current_user, fresh_login_required
from wtforms import HiddenField

from app.admin.pages import Answer, PlainForm, asked, done, show
from app.admin.people.listing import bp, people_desk
from app.errors import LastWayIn, NotFound, sentence
from app.languages import current_language
from app.languages import gettext as _
from app.services.identities.identities import LinkedIdentity
from app.services.oversight.directory import Entry
from app.services.sessions.user_agents import UNKNOWN, device_name
from app.web.forms import Form
from app.web.presentation import application
from app.web.providers import provider_title
from app.wiring import services

ENDED = "ended_by_administrator"
PAGE = 20
SESSION_ENDED = sentence("The session has ended. Applications on that device lose their access now.")
APP_REMOVED = sentence("The access is removed. What the application held is void now.")
UNLINKED = sentence("The link is removed. That account no longer opens this one.")
NO_LINK = sentence("There is no such link any more.")


class UnlinkForm(Form):
    """Says what was shown: that a way to log in remains, or that none does."""

    leaves_none = HiddenField()


@dataclass(frozen=True, slots=True)
class ShownIdentity:
    """An identity at a provider; ``is_last`` if nobody could log in without it."""

    identity: LinkedIdentity
    title: str
    is_last: bool


@bp.get("/<uuid:user_id>/access")
def access(user_id: Any) -> str:
    """Sessions, applications, identities."""
    return _page(str(user_id), PlainForm())


@bp.post("/<uuid:user_id>/sessions/<uuid:session_id>/end")
def end_session(user_id: Any, session_id: Any) -> Answer:
    """End one of the person's sessions and all that came of it."""
    form, who = PlainForm(), str(user_id)
    if not form.validate_on_submit():
        return _page(who, form), 400
    services.sessions.end_own(who, str(session_id), ENDED, people_desk.acting_on(who))
    return done(SESSION_ENDED, "admin_people.access", user_id=who)


@bp.post("/<uuid:user_id>/apps/<client_id>/remove")
def remove_app(user_id: Any, client_id: str) -> Answer:
    """End the consent and every token of one application."""
    form, who = PlainForm(), str(user_id)
    if not form.validate_on_submit():
        return _page(who, form), 400
    services.connected_apps.remove(who, client_id, people_desk.acting_on(who))
    return done(APP_REMOVED, "admin_people.access", user_id=who)


@bp.route("/<uuid:user_id>/identities/<uuid:identity_id>/unlink", methods=["GET", "POST"])
@fresh_login_required
def unlink(user_id: Any, identity_id: Any) -> Answer:
    """See what would remain to log in, and end the link."""
    form, who, own_id = UnlinkForm(), str(user_id), str(identity_id)
    entry = services.directory.one(who).entry
    shown = next((each for each in _identities(entry) if each.identity.id == own_id), None)
    if shown is None:
        raise NotFound(NO_LINK)
    if not form.is_submitted():
        return _unlinking(form, entry, shown)
    if not form.validate():
        return _unlinking(form, entry, shown), 400
    provider, caller = shown.identity.provider, people_desk.acting_on(who)
    try:
        services.identities.remove(
            who, provider, caller, identity_id=own_id, may_leave_none=form.leaves_none.data == "yes"
        )
    except LastWayIn:
        form.form_errors.append(_("Meanwhile it became the last way to log in. Look again at what would remain."))
        return _unlinking(form, entry, shown), 409
    return done(UNLINKED, "admin_people.access", user_id=who)


def _unlinking(form: UnlinkForm, person: Entry, shown: ShownIdentity) -> str:
    form.leaves_none.data = "yes" if shown.is_last else ""
    others = [each for each in _identities(person) if each.identity.id != shown.identity.id]
    return show("people/unlink", form, person=person, shown=shown, others=others, can_mail=services.mail.is_possible)


def _page(who: str, form: PlainForm) -> str:
    entry, after = services.directory.one(who).entry, asked("after")
    sessions = services.sessions.page(who, limit=PAGE, after=after)
    return show(
        "people/access",
        form,
        person=entry,
        sessions=[(each, device(each.device_name, each.user_agent)) for each in sessions.items],
        total=sessions.total,
        next=sessions.next,
        is_first=after is None,
        apps=_apps(who),
        identities=_identities(entry),
        is_within_reach=is_within_reach(who),
    )


def is_within_reach(who: str) -> bool:
    """Whether whoever is here may change something about that person."""
    return current_user.powers.is_full or not services.administrators.has_powers(who)


def device(name: str, user_agent: str) -> str:
    """A device in words of the reader's language."""
    found = name or device_name(user_agent)
    return _(UNKNOWN) if found == UNKNOWN else found


def _apps(who: str) -> list[dict[str, Any]]:
    found = services.connected_apps.of(who)
    names = {scope for each in found for scope in each.scopes}
    sentences = {each.name: each.sentence for each in services.scopes.sentences(names, current_language())}
    return [
        {
            "app": application(each.client),
            "since": each.since,
            "used_at": each.used_at,
            "scopes": [sentences.get(name, name) for name in each.scopes],
        }
        for each in found
    ]


def _identities(person: Entry) -> list[ShownIdentity]:
    linked = services.identities.of(person.id)
    open_ways = [each.id for each in linked if each.provider in services.identities.providers]
    return [
        ShownIdentity(each, provider_title(each.provider), not person.has_password and not {*open_ways} - {each.id})
        for each in linked
    ]
