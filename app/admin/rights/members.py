"""Somebody in a group: joining it, another role there, leaving it. What a change would do is seen before it is made.

The address holds the change, so that the page that foresees it can be passed on; the form below it only says yes.
"""

from typing import Any

from flask_login import fresh_login_required

from app.admin.pages import Answer, PlainForm, asked, done, show
from app.admin.rights.foresight import foresee, sentences
from app.admin.rights.groups import bp, groups_desk
from app.errors import InvalidInput, NotFound, sentence
from app.languages import gettext as _
from app.services.foundation.powers import is_powerful
from app.services.oversight.directory import Wanted
from app.services.tenancy.member_changes import Displacement, Placement
from app.wiring import services

CHANGED = sentence("The change is made.")
NO_CHANGE = sentence("Choose a change first.")
NOWHERE = "-"
FEW = 10


@bp.get("/<uuid:group_id>/members/new")
def find_member(group_id: Any) -> str:
    """Find whoever is to join a group."""
    group, query = services.groups.of(str(group_id)), asked("q")
    page = services.directory.page(Wanted(search=query), limit=FEW) if query else None
    people = page.items if page else []
    places = services.tenancy.world().of([each.id for each in people])
    roles_here = {
        who: next((place.role.name for place in theirs if place.group.id == group.id), None)
        for who, theirs in places.items()
    }
    return show(
        "rights/find_member",
        group=group,
        query=query,
        people=people,
        roles_here=roles_here,
        has_more=page is not None and page.next is not None,
    )


@bp.route("/<uuid:group_id>/members/<uuid:user_id>", methods=["GET", "POST"])
@fresh_login_required
def member(group_id: Any, user_id: Any) -> Answer:
    """See what another role in the group would do to somebody, or none, and make it so."""
    group, person = services.groups.of(str(group_id)), services.directory.one(str(user_id)).entry
    form, foreseen = PlainForm(), None
    try:
        change = _change(person.id, group.id)
        if form.is_submitted() and form.validate():
            if change is None:
                raise InvalidInput(NO_CHANGE)
            services.standing.make(change, groups_desk.acting_on(person.id))
            return done(CHANGED, "admin_groups.group", group_id=group.id)
        foreseen = foresee(change) if change else None
    except (InvalidInput, NotFound) as refusal:
        form.form_errors.append(_(refusal.message))
    places = services.standing.places(person.id)
    return show(
        "rights/member",
        form,
        group=group,
        person=person,
        membership=next((each for each in places if each.group.id == group.id), None),
        others=[each.group for each in places if each.group.id != group.id],
        roles=[(each, is_powerful(each.permissions)) for each in services.roles.all()],
        chosen={name: asked(name) for name in ("role", "primary", "next")},
        foreseen=foreseen,
        sentences=sentences(),
        nowhere=NOWHERE,
    ), 400 if form.errors else 200


def _change(who: str, group_id: str) -> Placement | Displacement | None:
    """The change that the address asks for, None where it names no role."""
    if (role := asked("role")) is None:
        return None
    if role == NOWHERE:
        following = asked("next")
        return Displacement(who, group_id, services.groups.of(following).id if following else None)
    return Placement(who, group_id, services.roles.of(role).id, becomes_primary=asked("primary") == "yes")
