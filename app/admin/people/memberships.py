"""In which groups somebody is with which role: what a change would do is seen before it is made.

The address holds the change, so that the page that foresees it can be passed on; the form below it only says yes.
"""

from typing import Any

from app.admin.pages import Answer, PlainForm, asked, done, show
from app.admin.people.listing import bp, people_desk
from app.errors import InvalidInput, NotFound, sentence
from app.languages import gettext as _
from app.services.oversight.directory import Entry
from app.services.people.standing import Preview
from app.services.tenancy.member_changes import Displacement, Placement
from app.wiring import services

CHANGED = sentence("The change is made.")
ANOTHER = sentence("Only the group that is changed here can become the primary one.")
NOWHERE = "-"
MOST = 200
Change = Placement | Displacement


@bp.route("/<uuid:user_id>/groups", methods=["GET", "POST"])
def groups(user_id: Any) -> Answer:
    """Choose a group and a role there, see what it does, and do it."""
    who, form, preview = str(user_id), PlainForm(), None
    entry = services.directory.one(who).entry
    try:
        change = _change(who)
        if form.is_submitted() and change is not None and form.validate():
            services.standing.make(change, people_desk.acting_on(who))
            return done(CHANGED, "admin_people.person", user_id=who)
        preview = services.standing.preview(change) if change else None
    except (InvalidInput, NotFound) as refusal:
        form.form_errors.append(_(refusal.message))
    return _page(entry, form, preview), 400 if form.errors else 200


def _page(entry: Entry, form: PlainForm, preview: Preview | None) -> str:
    return show(
        "people/groups",
        form,
        person=entry,
        groups=services.rights.group_names(MOST),
        roles=services.rights.role_names(MOST),
        chosen={name: asked(name) for name in ("group", "role", "next")},
        preview=preview,
        nowhere=NOWHERE,
    )


def _change(who: str) -> Change | None:
    """The change that the address asks for, None where it names no group and role."""
    if (group := asked("group")) is None or (role := asked("role")) is None:
        return None
    group_id, following = services.groups.get(group).id, asked("next")
    next_id = services.groups.get(following).id if following else None
    if role == NOWHERE:
        return Displacement(who, group_id, next_id)
    if next_id not in {None, group_id}:
        raise InvalidInput(ANOTHER, "next")
    return Placement(who, group_id, services.roles.get(role).id, becomes_primary=next_id == group_id)
