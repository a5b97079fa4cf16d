"""Permissions, roles, and who may do what."""

from dataclasses import asdict

from app.api.inputs import row_id
from app.api.models import Done
from app.api.operations import Access, Routes
from app.api.service.rights_models import (
    Effects,
    Holder,
    HolderList,
    HoldersWanted,
    InPlaceOfRole,
    NewPermission,
    NewRole,
    Part,
    Permission,
    PermissionList,
    Role,
    RoleChange,
    RoleList,
    RoleReplacement,
    Why,
)
from app.api.service_token import Service
from app.errors import InvalidInput
from app.services.tenancy.changes import Change
from app.services.tenancy.role_changes import RoleName, RolePermissions, RoleRemoval
from app.wiring import services

routes = Routes("Service: roles")
SCOPES = ("admin:users",)
ONE_OF_BOTH = "Change the name or the permissions, one at a time."


@routes("GET", "/permissions", Access.SERVICE, scopes=SCOPES, answer=PermissionList)
def permissions(service: Service) -> PermissionList:
    """What can be permitted, with what it allows in the words of people."""
    return PermissionList(permissions=[Permission(**asdict(each)) for each in services.permissions.all()])


@routes("POST", "/permissions", Access.SERVICE, scopes=SCOPES, body=NewPermission, answer=Permission, status=201)
def declare_permission(service: Service, body: NewPermission) -> Permission:
    """Declare a permission; roles can carry it from now on."""
    made = services.permissions.declare(body.name, body.sentence_en, body.sentence_ko, service.caller)
    return Permission(**asdict(made))


@routes("DELETE", "/permissions/<permission>", Access.SERVICE, scopes=SCOPES, answer=Done, refusals=(404,))
def remove_permission(service: Service, permission: str) -> Done:
    """Remove a permission that no role carries."""
    services.permissions.remove(permission, service.caller)
    return Done(message="Permission removed")


@routes(
    "GET",
    "/permissions/<permission>/people",
    Access.SERVICE,
    scopes=SCOPES,
    query=HoldersWanted,
    answer=HolderList,
    refusals=(404,),
)
def who_may(service: Service, permission: str, query: HoldersWanted) -> HolderList:
    """Who may do something, by the role in the primary group or in one group; the newest account first."""
    name = services.permissions.get(permission).name
    group_id = services.groups.of(query.group_id).id if query.group_id else None
    page = services.rights.who(name, group_id=group_id, limit=query.limit, after=query.cursor)
    return HolderList(people=[Holder(**asdict(each)) for each in page.items], next=page.next)


@routes("GET", "/users/<user_id>/permissions/<permission>", Access.SERVICE, scopes=SCOPES, answer=Why, refusals=(404,))
def why_may(service: Service, user_id: str, permission: str) -> Why:
    """Why somebody may do something, or may not: the role in each of the person's groups."""
    found = services.rights.why(row_id(user_id), services.permissions.get(permission).name)
    return Why.model_validate(asdict(found))


@routes("GET", "/roles", Access.SERVICE, scopes=SCOPES, query=Part, answer=RoleList)
def roles(service: Service, query: Part) -> RoleList:
    """Roles, the newest first."""
    page = services.rights.roles(limit=query.limit, after=query.cursor)
    return RoleList(roles=[Role.model_validate(asdict(each)) for each in page.items], next=page.next)


@routes("POST", "/roles", Access.SERVICE, scopes=SCOPES, body=NewRole, answer=Role, status=201)
def create_role(service: Service, body: NewRole) -> Role:
    """Make a role."""
    return _shown(services.roles.create(body.name, body.permissions, service.caller).id)


@routes("GET", "/roles/<role_id>", Access.SERVICE, scopes=SCOPES, answer=Role, refusals=(404,))
def role(service: Service, role_id: str) -> Role:
    """One role."""
    return _shown(row_id(role_id))


@routes("PATCH", "/roles/<role_id>", Access.SERVICE, scopes=SCOPES, body=RoleChange, answer=Role, refusals=(404,))
def change_role(service: Service, role_id: str, body: RoleChange) -> Role:
    """Change what a role permits, or what it is called; it counts at the next request. Of `admin`, by `admin:full`."""
    change = _change(role_id, body)
    services.standing.make(change, service.caller, approve=service.require_full_if)
    return _shown(change.role_id)


@routes(
    "POST",
    "/roles/<role_id>/preview",
    Access.SERVICE,
    scopes=SCOPES,
    body=RoleChange,
    answer=Effects,
    refusals=(404,),
    is_question=True,
)
def preview_role(service: Service, role_id: str, body: RoleChange) -> Effects:
    """What such a change would do. Nothing is changed."""
    return previewed(_change(role_id, body))


@routes("DELETE", "/roles/<role_id>", Access.SERVICE, scopes=SCOPES, query=InPlaceOfRole, answer=Done, refusals=(404,))
def delete_role(service: Service, role_id: str, query: InPlaceOfRole) -> Done:
    """Remove a role. Where people hold it they get the one that is named, and are logged out if it was that of their
    primary group; more than 500 people are moved by the command only.
    """
    services.standing.make(_removal(role_id, query.replacement_id), service.caller, approve=service.require_full_if)
    return Done(message="Role deleted")


@routes(
    "POST",
    "/roles/<role_id>/deletion/preview",
    Access.SERVICE,
    scopes=SCOPES,
    body=RoleReplacement,
    answer=Effects,
    refusals=(404,),
    is_question=True,
)
def preview_role_deletion(service: Service, role_id: str, body: RoleReplacement) -> Effects:
    """What the removal of a role would do. Nothing is changed."""
    return previewed(_removal(role_id, body.replacement_id))


def previewed(change: Change) -> Effects:
    """What a change would do."""
    return Effects.model_validate(services.standing.preview(change).facts())


def _change(role_id: str, body: RoleChange) -> RoleName | RolePermissions:
    role, named = services.roles.of(row_id(role_id)), body.model_fields_set
    if ("name" in named) == bool(named - {"name"}):
        raise InvalidInput(ONE_OF_BOTH, "name")
    if body.name is not None:
        return RoleName(role.id, body.name)
    return RolePermissions.of(role.id, to=body.permissions, add=body.add, remove=body.remove)


def _removal(role_id: str, replacement_id: str | None) -> RoleRemoval:
    replacement = services.roles.of(replacement_id).id if replacement_id else None
    return RoleRemoval(services.roles.of(row_id(role_id)).id, replacement)


def _shown(role_id: str) -> Role:
    return Role.model_validate(asdict(services.rights.role(role_id)))
