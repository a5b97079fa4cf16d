"""Permissions: what each allows, who may do it, declaring one and removing it again."""

from wtforms import StringField

from app.admin.lists import PAGE
from app.admin.pages import Answer, PlainForm, asked, done, show
from app.admin.rights.foresight import sentence_of
from app.admin.rights.roles import bp, roles_desk
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.web.forms import Form, put_beside
from app.wiring import services

DECLARED = sentence("The permission is declared. Roles can carry it from now on.")
REMOVED = sentence("The permission is no longer declared.")


class NewPermissionForm(Form):
    """A permission to declare."""

    permission = StringField(_l("Name"))
    sentence_en = StringField(_l("What it allows, in English"))
    sentence_ko = StringField(_l("What it allows, in Korean"))


@bp.route("/permissions/new", methods=["GET", "POST"])
def new_permission() -> Answer:
    """Declare a permission, with what it allows in both languages."""
    form = NewPermissionForm()
    if form.validate_on_submit():
        english, korean = form.sentence_en.data or "", form.sentence_ko.data or ""
        try:
            made = services.permissions.declare(form.permission.data or "", english, korean, roles_desk.acting())
            return done(DECLARED, "admin_roles.permission", name=made.name)
        except InvalidInput as refusal:
            put_beside(form, refusal, "permission")
    return show("rights/new_permission", form), 400 if form.is_submitted() else 200


@bp.get("/permissions/<name>")
def permission(name: str) -> str:
    """What a permission allows, which roles carry it, and who may do it."""
    return _page(name, PlainForm())


@bp.post("/permissions/<name>/remove")
def remove_permission(name: str) -> Answer:
    """Remove a permission that no role carries."""
    form = PlainForm()
    if not form.validate_on_submit():
        return _page(name, form), 400
    try:
        services.permissions.remove(name, roles_desk.acting())
    except InvalidInput as refusal:
        form.form_errors.append(_(refusal.message))
        return _page(name, form), 400
    return done(REMOVED, "admin_roles.roles")


def _page(name: str, form: PlainForm) -> str:
    found = services.permissions.get(name)
    return show(
        "rights/permission",
        form,
        permission=found,
        sentence=sentence_of(found),
        roles=[each for each in services.roles.all() if found.name in each.permissions],
        page=services.rights.who(found.name, limit=PAGE, after=asked("after")),
    )
