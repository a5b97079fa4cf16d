"""What an application would be told of a person: their tokens side by side, unsigned, and what is left out of them.

It shows what is personal, so that somebody looked goes on record, and its person sees that. As at the service API, what
is told of others is for whoever administers people as well, and reaches nobody that their powers do not; everybody else
who administers applications looks at their own.
"""

import json
from typing import Any

from flask import request
from flask_login import current_user

from app.admin.clients.client import scopes_of
from app.admin.clients.words import duration
from app.admin.pages import Answer, PlainForm, asked, desk, show
from app.errors import InvalidInput, NotFound, OutOfPower, sentence
from app.languages import current_language
from app.languages import gettext as _
from app.services.clients.clients import ClientRecord
from app.services.clients.scopes import SERVICE_PREFIX
from app.services.foundation.environment import Caller
from app.services.foundation.powers import CLIENTS, USERS
from app.services.oversight.directory import Wanted
from app.services.oversight.token_preview import Preview
from app.web.security import caller
from app.wiring import services

preview_desk = desk("admin_client_preview", "/clients", CLIENTS)
bp = preview_desk.bp
FEW = 10
OWN_ONLY = sentence("You do not administer people, so you see what would be told of yourself alone.")
OUT_OF_REACH = sentence("This person administers the portal. Only an administrator of the platform looks at that.")
NOTHING_CHOSEN = sentence("Choose at least one scope.")
REFUSED = {
    "invalid_client": sentence("The application is disabled. Enable it first."),
    "unauthorized_client": sentence("People do not log in to it: it lacks that grant, or an address after the login."),
    "login_required": sentence("The account is disabled, so its person cannot log in."),
    "invalid_scope": sentence("None of what is asked for is granted."),
}
"""Why nothing would be issued, by the error that the application gets."""
ACCESS_LIFE = sentence("Life of an access token")
REFRESH_LIFE = sentence("Life of an unused refresh token")
KINDS = (
    ("access_token", sentence("Access token"), sentence("None")),
    ("id_token", sentence("ID token"), sentence("None: openid is not granted.")),
    ("userinfo", sentence("Userinfo"), sentence("None: no scope is granted that userinfo answers.")),
)
"""What is shown side by side, by the name in a preview."""


@bp.get("/<client_id>/preview")
def preview(client_id: str) -> Answer:
    """Choose a person and scopes, and see what tokens would say."""
    client, form, query = services.clients.get(client_id), PlainForm(), asked("who")
    chosen, found, people = _chosen(client), None, []
    person = _named(query) if query else None
    try:
        if person:
            found = _seen(client_id, person.id, chosen)
        elif query:
            people = _people(query)
    except InvalidInput as refusal:
        form.form_errors.append(_(refusal.message))
    page = show(
        "clients/preview",
        form,
        client=client,
        who=query,
        person=person if found else None,
        people=people,
        scopes=[each for each in scopes_of(client) if not each.name.startswith(SERVICE_PREFIX)],
        chosen=chosen,
        preview=found,
        shown=_side_by_side(found) if found else (),
        lives=_lives(found) if found else (),
        refused=REFUSED,
        sees_people=current_user.powers.cover(USERS),
    )
    return (page, 400) if form.errors else page


def _side_by_side(preview: Preview) -> list[tuple[str, str, str | None, str]]:
    """Each kind: its name, its title, what it says, and what is said where there is none."""
    found = [(name, title, getattr(preview, name), otherwise) for name, title, otherwise in KINDS]
    return [
        (name, title, None if said is None else json.dumps(said, indent=2, ensure_ascii=False), otherwise)
        for name, title, said, otherwise in found
    ]


def _lives(preview: Preview) -> list[tuple[str, str]]:
    """How long tokens would live, in words."""
    if (lives := preview.lifetimes) is None:
        return []
    unused = [] if lives.refresh is None else [(REFRESH_LIFE, duration(lives.refresh))]
    return [(ACCESS_LIFE, duration(lives.access)), *unused]


def _chosen(client: ClientRecord) -> list[str]:
    """The scopes that the address names; before anything was chosen, all that there are for people."""
    if request.args:
        return [each for each in dict.fromkeys(request.args.getlist("scope")) if each and " " not in each]
    return [each for each in client.allowed_scopes if not each.startswith(SERVICE_PREFIX)]


def _named(query: str) -> Any:
    """Who is named whole and may be looked at by name; for whoever does not administer people, themself alone."""
    try:
        person = services.accounts.find(query)
    except NotFound:
        return None
    return person if current_user.powers.cover(USERS) or person.id == current_user.id else None


def _people(query: str) -> list[Any]:
    """Who could be meant; raises :class:`InvalidInput` for whoever may not look people up."""
    if not current_user.powers.cover(USERS):
        raise InvalidInput(OWN_ONLY)
    return list(services.directory.page(Wanted(search=query), limit=FEW).items)


def _seen(client_id: str, person_id: str, chosen: list[str]) -> Preview:
    """The preview; raises :class:`InvalidInput` where nothing was chosen or the person is out of reach."""
    if not chosen:
        raise InvalidInput(NOTHING_CHOSEN)
    try:
        looking = _looking(person_id)
    except OutOfPower:
        raise InvalidInput(OUT_OF_REACH) from None
    return services.token_previews.of(client_id, person_id, " ".join(chosen), looking, language=current_language())


def _looking(person_id: str) -> Caller:
    """Who looks; raises :class:`OutOfPower` where that may not be."""
    if person_id == current_user.id:
        return preview_desk.acting()
    return services.administrators.acting_on(person_id, current_user.id, caller(), USERS)
