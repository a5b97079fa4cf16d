"""Forms about groups, roles, permissions, plans and scopes."""

from collections.abc import Callable

from app.services.foundation.environment import NOBODY
from tests.relying_party import add_person
from tests.security.administration.offices import administrator, sent
from tests.security.changes import Form
from tests.security.parties import Parties


def about_group(path: str, **values: str) -> Callable[[Parties], Form]:
    """A form about a new group."""

    def make(parties: Parties) -> Form:
        browser = administrator(parties)
        parties.count += 1
        with parties.app.app_context():
            services = parties.app.extensions["services"]
            group = services.groups.create(f"Group {parties.count}", "group", NOBODY)
            services.db.commit()
        return Form(browser, f"/admin/groups/{group.id}/{path}", values)

    return make


def about_role(path: str, **values: str) -> Callable[[Parties], Form]:
    """A form about a new role."""

    def make(parties: Parties) -> Form:
        browser = administrator(parties)
        parties.count += 1
        with parties.app.app_context():
            services = parties.app.extensions["services"]
            role = services.roles.create(f"role-{parties.count}", [], NOBODY)
            services.db.commit()
        return Form(browser, f"/admin/roles/{role.id}/{path}", values)

    return make


def member(parties: Parties) -> Form:
    """The form that has somebody new be in a group."""
    browser = administrator(parties)
    parties.count += 1
    who = add_person(parties.app, f"person-{parties.count}@example.com")
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        group, role = services.groups.create(f"Group {parties.count}", "group", NOBODY), services.roles.get("member")
        services.db.commit()
    return Form(browser, f"/admin/groups/{group.id}/members/{who}?role={role.id}")


def permission(parties: Parties) -> Form:
    """The form that removes a permission that was declared just now."""
    browser = administrator(parties)
    parties.count += 1
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        made = services.permissions.declare(f"manage:n{parties.count}", "Manage it", "관리합니다", NOBODY)
        services.db.commit()
    return Form(browser, f"/admin/roles/permissions/{made.name}/remove")


def about_scope(path: str, **values: str) -> Callable[[Parties], Form]:
    """A form about a new scope."""

    def make(parties: Parties) -> Form:
        browser = administrator(parties)
        parties.count += 1
        with parties.app.app_context():
            services = parties.app.extensions["services"]
            made = services.scope_catalogue.add(f"read:n{parties.count}", "Read it", "확인합니다", NOBODY)
            services.db.commit()
        return Form(browser, f"/admin/scopes/{made.name}/{path}", values)

    return make


SAID = {"sentence_en": "See your invoices", "sentence_ko": "청구서를 확인합니다"}
DECLARED = {"permission": "manage:reports", "sentence_en": "Manage your reports", "sentence_ko": "보고서를 관리합니다"}
FORMS: dict[str, Callable[[Parties], Form]] = {
    "admin_groups.new_group": sent("/admin/groups/new", name="Made by its form", kind="group"),
    "admin_groups.rename": about_group("name", name="Renamed by its form"),
    "admin_groups.acting": about_group("acting?allowed=yes"),
    "admin_groups.delete": about_group("delete"),
    "admin_groups.member": member,
    "admin_roles.new_role": sent("/admin/roles/new", name="made-by-its-form"),
    "admin_roles.rename": about_role("name", name="renamed-by-its-form"),
    "admin_roles.delete": about_role("delete"),
    "admin_roles.carried": about_role("permissions", permissions="manage:teams", seen="", sure="y"),
    "admin_roles.new_permission": sent("/admin/roles/permissions/new", **DECLARED),
    "admin_roles.remove_permission": permission,
    "admin_plans.plan": sent("/admin/plans/pro?limit=2000"),
    "admin_scopes.new_scope": sent("/admin/scopes/new", name="read:invoices", **SAID),
    "admin_scopes.sentences": about_scope("sentences", **SAID),
    "admin_scopes.delete": about_scope("delete"),
}
