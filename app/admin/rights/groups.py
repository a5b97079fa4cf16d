"""Groups and workspaces: found, made, called something else, removed."""

from typing import Any

from flask_login import fresh_login_required
from wtforms import StringField

from app.admin.lists import PAGE, YES_NO, Filters
from app.admin.pages import Answer, PlainForm, asked, desk, done, show
from app.admin.rights.foresight import foresee, sentences
from app.errors import InvalidInput, NotFound, sentence
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.foundation.powers import USERS
from app.services.tenancy.catalogue import GROUP, KINDS, PRIMARY_GROUP
from app.services.tenancy.group_changes import GroupActing, GroupName, GroupRemoval
from app.web.forms import Form, put_beside
from app.wiring import services

groups_desk = desk("admin_groups", "/groups", USERS)
bp = groups_desk.bp
CREATED = sentence("The group is there. Nobody is in it yet.")
RENAMED = sentence("The group has its new name.")
DELETED = sentence("The group is deleted.")
ALLOWED = sentence("Administrators may act as these people from now on.")
FORBIDDEN = sentence("Administrators may not act as these people any more.")
HEIR = "primary_group_id"
MOST = 200


class NewGroupForm(Form):
    """A group to make."""

    name = StringField(_l("Name"))
    kind = StringField(_l("Kind"), default=GROUP)


class NameForm(Form):
    """What a group or role is called."""

    name = StringField(_l("Name"))


@bp.get("")
def groups() -> str:
    """Groups and workspaces, the newest first."""
    filters = Filters(q=None, kind=KINDS)
    page = services.rights.groups(search=filters["q"], kind=filters["kind"], limit=PAGE, after=asked("after"))
    return show("rights/groups", page=page, filters=filters)


@bp.route("/new", methods=["GET", "POST"])
def new_group() -> Answer:
    """Make a group without members."""
    form = NewGroupForm()
    if form.validate_on_submit():
        try:
            made = services.groups.create(form.name.data or "", form.kind.data or "", groups_desk.acting())
            return done(CREATED, "admin_groups.group", group_id=made.id)
        except InvalidInput as refusal:
            put_beside(form, refusal, "name")
    return show("rights/new_group", form), 400 if form.is_submitted() else 200


@bp.get("/<uuid:group_id>")
def group(group_id: Any) -> str:
    """A group, and who is in it."""
    found, roles = services.rights.group(str(group_id)), services.roles.all()
    filters = Filters(q=None, role=[each.id for each in roles])
    members = services.rights.members(
        found.id, search=filters["q"], role_id=filters["role"], limit=PAGE, after=asked("after")
    )
    return show(
        "rights/group",
        group=found,
        page=members,
        roles=roles,
        filters=filters,
        is_own=found.name == PRIMARY_GROUP,
    )


@bp.route("/<uuid:group_id>/name", methods=["GET", "POST"])
def rename(group_id: Any) -> Answer:
    """Call a group something else."""
    found, form = services.rights.group(str(group_id)), NameForm()
    if not form.is_submitted() and not form.is_draft:
        form.name.data = found.name
    if form.validate_on_submit():
        try:
            services.standing.make(GroupName(found.id, form.name.data or ""), groups_desk.acting())
            return done(RENAMED, "admin_groups.group", group_id=found.id)
        except InvalidInput as refusal:
            put_beside(form, refusal, "name")
    return show("rights/rename_group", form, group=found), 400 if form.is_submitted() else 200


@bp.route("/<uuid:group_id>/acting", methods=["GET", "POST"])
@fresh_login_required
def acting(group_id: Any) -> Answer:
    """See what it means that administrators may act as the people of a group, or may no more, and make it so."""
    found, form = services.rights.group(str(group_id)), PlainForm()
    if (is_allowed := YES_NO.get(asked("allowed") or "")) is None:
        raise NotFound
    change = GroupActing(found.id, is_allowed)
    if form.validate_on_submit():
        services.standing.make(change, groups_desk.acting())
        return done(ALLOWED if is_allowed else FORBIDDEN, "admin_groups.group", group_id=found.id)
    people = services.rights.of_primary_group(found.id)
    page = show("rights/acting", form, group=found, is_allowed=is_allowed, people=people)
    return page, 400 if form.errors else 200


@bp.route("/<uuid:group_id>/delete", methods=["GET", "POST"])
@fresh_login_required
def delete(group_id: Any) -> Answer:
    """See what the removal of a group does to whoever is in it, and remove it."""
    found, form, foreseen = services.rights.group(str(group_id)), PlainForm(), None
    heir, is_heir_needed = asked("primary"), False
    try:
        change = GroupRemoval(found.id, services.groups.get(heir).id if heir else None)
        if form.is_submitted() and form.validate():
            services.standing.make(change, groups_desk.acting())
            return done(DELETED, "admin_groups.groups")
        foreseen = foresee(change)
    except (InvalidInput, NotFound) as refusal:
        is_heir_needed = heir is None and isinstance(refusal, InvalidInput) and refusal.field == HEIR
        if form.is_submitted() or not is_heir_needed:
            form.form_errors.append(_(refusal.message))
    return show(
        "rights/delete_group",
        form,
        group=found,
        sentences=sentences(),
        foreseen=foreseen,
        heir=heir or PRIMARY_GROUP,
        is_heir_asked=is_heir_needed or heir is not None,
        names=[name for name in services.rights.group_names(MOST) if name != found.name],
    ), 400 if form.errors else 200
