"""Roles and what they permit: all of them side by side, one of them, and what another permission would do."""

from dataclasses import dataclass
from typing import Any

from flask_login import current_user, fresh_login_required
from wtforms import BooleanField, HiddenField, SelectMultipleField, StringField

from app.admin.lists import PAGE
from app.admin.pages import Answer, PlainForm, asked, desk, done, show
from app.admin.rights.foresight import Foreseen, foresee, sentence_of, sentences
from app.admin.rights.groups import NameForm
from app.errors import InvalidInput, NotFound, sentence
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.foundation.powers import PREFIX, USERS, is_powerful
from app.services.oversight.directory import Sort, Wanted
from app.services.oversight.rights import ListedRole
from app.services.tenancy.catalogue import ADMIN_ACCESS, ADMIN_ROLE
from app.services.tenancy.role_changes import RoleName, RolePermissions, RoleRemoval
from app.web.forms import Form, put_beside
from app.wiring import services

roles_desk = desk("admin_roles", "/roles", USERS)
bp = roles_desk.bp
CREATED = sentence("The role is there. Nobody holds it yet.")
CHANGED = sentence("The role permits this from now on.")
RENAMED = sentence("The role has its new name.")
DELETED = sentence("The role is deleted.")
OF_ADMIN = sentence("It belongs to the role admin, and to it alone.")
BEYOND = sentence("Only an administrator of the platform gives or takes this.")
UNDECLARED = sentence("Not declared any more. Once taken away it cannot be given again.")
REPLACEMENT = "replacement"
FEW, SIDE_BY_SIDE = 10, 8


class PermissionsForm(Form):
    """Which permissions a role is to carry, and which it carried when that was shown, parted by spaces.

    Whatever somebody else changed in between stays as they left it. ``sure`` says that the effect was seen.
    """

    permissions = SelectMultipleField(_l("Permissions"), choices=[], validate_choice=False)
    seen = HiddenField()
    sure = BooleanField()


class NewRoleForm(Form):
    """A role to make."""

    name = StringField(_l("Name"))
    permissions = SelectMultipleField(_l("Permissions"), choices=[], validate_choice=False)


@dataclass(frozen=True, slots=True)
class Option:
    """A permission that a role can carry; ``locked`` says why whoever is here neither gives nor takes it."""

    name: str
    sentence: str
    locked: str = ""


@bp.get("")
def roles() -> str:
    """Roles and permissions, side by side."""
    page = services.rights.roles(limit=SIDE_BY_SIDE, after=asked("after"))
    columns = sorted(page.items, key=lambda each: (not each.is_builtin, each.name))
    return show("rights/roles", page=page, columns=columns, permissions=_by_kind(_options()))


@bp.route("/new", methods=["GET", "POST"])
def new_role() -> Answer:
    """Make a role that nobody holds."""
    form = NewRoleForm()
    if form.validate_on_submit():
        try:
            made = services.roles.create(form.name.data or "", form.permissions.data or [], roles_desk.acting())
            return done(CREATED, "admin_roles.role", role_id=made.id)
        except InvalidInput as refusal:
            put_beside(form, refusal, "name", permission="permissions")
    options = _by_kind(_options())
    return show("rights/new_role", form, options=options), 400 if form.is_submitted() else 200


@bp.get("/<uuid:role_id>")
def role(role_id: Any) -> str:
    """What a role permits, and who holds it."""
    found = services.rights.role(str(role_id))
    holders = services.directory.page(Wanted(role=found.id), limit=FEW, sort=Sort.EMAIL)
    return show(
        "rights/role",
        role=found,
        permissions=[each for each in _options(found) if each.name in found.permissions],
        holders=holders,
        is_within_reach=_is_within_reach(found),
    )


@bp.get("/<uuid:role_id>/people")
def holders(role_id: Any) -> str:
    """Everybody who holds a role in some group."""
    found = services.rights.role(str(role_id))
    page = services.directory.page(Wanted(role=found.id), limit=PAGE, after=asked("after"), sort=Sort.EMAIL)
    return show("rights/holders", role=found, page=page)


@bp.route("/<uuid:role_id>/permissions", methods=["GET", "POST"])
@fresh_login_required
def carried(role_id: Any) -> Answer:
    """Choose what a role permits, see what that would do, and do it."""
    found, form, foreseen = services.rights.role(str(role_id)), PermissionsForm(), None
    if not form.is_submitted() and not form.is_draft:
        form.permissions.data, form.seen.data = list(found.permissions), " ".join(found.permissions)
    if form.is_submitted() and form.validate():
        try:
            change = _change(found, form)
            if form.sure.data:
                services.standing.make(change, roles_desk.acting())
                return done(CHANGED, "admin_roles.role", role_id=found.id)
            foreseen = foresee(change)
        except InvalidInput as refusal:
            put_beside(form, refusal, "permissions")
    return _choice(found, form, foreseen), 400 if form.errors else 200


@bp.route("/<uuid:role_id>/name", methods=["GET", "POST"])
def rename(role_id: Any) -> Answer:
    """Call a role something else."""
    found, form = services.rights.role(str(role_id)), NameForm()
    if not form.is_submitted() and not form.is_draft:
        form.name.data = found.name
    if form.validate_on_submit():
        try:
            services.standing.make(RoleName(found.id, form.name.data or ""), roles_desk.acting())
            return done(RENAMED, "admin_roles.role", role_id=found.id)
        except InvalidInput as refusal:
            put_beside(form, refusal, "name")
    return show("rights/rename_role", form, role=found), 400 if form.is_submitted() else 200


@bp.route("/<uuid:role_id>/delete", methods=["GET", "POST"])
@fresh_login_required
def delete(role_id: Any) -> Answer:
    """See what the removal of a role does to whoever holds it, and remove it."""
    found, form, foreseen = services.rights.role(str(role_id)), PlainForm(), None
    other, is_other_needed = asked("replacement"), False
    try:
        change = RoleRemoval(found.id, services.roles.of(other).id if other else None)
        if form.is_submitted() and form.validate():
            services.standing.make(change, roles_desk.acting())
            return done(DELETED, "admin_roles.roles")
        foreseen = foresee(change)
    except (InvalidInput, NotFound) as refusal:
        is_other_needed = other is None and isinstance(refusal, InvalidInput) and refusal.field == REPLACEMENT
        if form.is_submitted() or not is_other_needed:
            form.form_errors.append(_(refusal.message))
    others = [(each, is_powerful(each.permissions)) for each in services.roles.all() if each.id != found.id]
    return show(
        "rights/delete_role",
        form,
        role=found,
        others=others,
        chosen=other,
        is_other_asked=is_other_needed or other is not None,
        foreseen=foreseen,
        sentences=sentences(),
    ), 400 if form.errors else 200


def _choice(role: ListedRole, form: PermissionsForm, foreseen: Foreseen | None) -> str:
    return show(
        "rights/carried",
        form,
        role=role,
        options=_by_kind(_options(role)),
        foreseen=foreseen,
        sentences=sentences(),
        is_within_reach=_is_within_reach(role),
    )


def _change(role: ListedRole, form: PermissionsForm) -> RolePermissions:
    """What was chosen, beside what was shown. A box that is locked is never sent, and means nothing by that."""
    chosen, seen = set(form.permissions.data or ()), set((form.seen.data or "").split())
    locked = {each.name for each in _options(role) if each.locked}
    return RolePermissions.of(role.id, add=chosen - seen, remove=seen - chosen - locked)


def _options(role: ListedRole | None = None) -> list[Option]:
    """All permissions by name; with a role, those too that it carries from a time when nothing was declared."""
    declared = [Option(each.name, sentence_of(each), _locked(each.name)) for each in services.permissions.all()]
    known = {each.name for each in declared}
    more = [Option(name, _(UNDECLARED)) for name in (role.permissions if role else ()) if name not in known]
    return sorted([*declared, *more], key=lambda each: each.name)


def _locked(name: str) -> str:
    if name == ADMIN_ACCESS:
        return _(OF_ADMIN)
    return _(BEYOND) if name.startswith(PREFIX) and not current_user.powers.is_full else ""


def _is_within_reach(role: ListedRole) -> bool:
    return current_user.powers.is_full or not (role.name == ADMIN_ROLE or is_powerful(role.permissions))


def _by_kind(options: list[Option]) -> dict[str, list[Option]]:
    """By what stands before the first colon."""
    found: dict[str, list[Option]] = {}
    for each in options:
        found.setdefault(each.name.partition(":")[0], []).append(each)
    return found
