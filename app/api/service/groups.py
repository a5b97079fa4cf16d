"""Groups and workspaces, and who is in them."""

from dataclasses import asdict

from app.api.inputs import row_id
from app.api.models import Done
from app.api.operations import Access, Routes
from app.api.service.answers import GroupOfAccount
from app.api.service.rights_models import (
    Effects,
    Group,
    GroupChange,
    GroupList,
    GroupReplacement,
    GroupsWanted,
    InPlaceOfGroup,
    Member,
    MemberList,
    MembershipChange,
    MembersWanted,
    NewGroup,
    Places,
)
from app.api.service.roles import previewed
from app.api.service_token import Service
from app.errors import InvalidInput, NotFound
from app.services.tenancy.changes import Change
from app.services.tenancy.group_changes import GroupActing, GroupName, GroupRemoval
from app.services.tenancy.member_changes import Displacement, Placement
from app.wiring import services

routes = Routes("Service: groups")
SCOPES = ("admin:users",)
ONE_AT_A_TIME = "Send either a name or allows_acting."


@routes("GET", "/groups", Access.SERVICE, scopes=SCOPES, query=GroupsWanted, answer=GroupList)
def groups(service: Service, query: GroupsWanted) -> GroupList:
    """Groups and workspaces, the newest first."""
    page = services.rights.groups(search=query.search, kind=query.kind, limit=query.limit, after=query.cursor)
    return GroupList(groups=[Group(**asdict(each)) for each in page.items], next=page.next)


@routes("POST", "/groups", Access.SERVICE, scopes=SCOPES, body=NewGroup, answer=Group, status=201)
def create_group(service: Service, body: NewGroup) -> Group:
    """Make a group or a workspace, without members."""
    return _shown(services.groups.create(body.name, body.kind, service.caller).id)


@routes("GET", "/groups/<group_id>", Access.SERVICE, scopes=SCOPES, answer=Group, refusals=(404,))
def group(service: Service, group_id: str) -> Group:
    """One group."""
    return _shown(row_id(group_id))


@routes("PATCH", "/groups/<group_id>", Access.SERVICE, scopes=SCOPES, body=GroupChange, answer=Group, refusals=(404,))
def change_group(service: Service, group_id: str, body: GroupChange) -> Group:
    """Call a group something else, or say whether administrators may act as those whose primary group it is.

    Claims say so at the next request; who acts as somebody stops within a minute where it is not allowed any more.
    """
    change = _change(group_id, body)
    services.standing.make(change, service.caller)
    return _shown(row_id(group_id))


@routes(
    "POST",
    "/groups/<group_id>/preview",
    Access.SERVICE,
    scopes=SCOPES,
    body=GroupChange,
    answer=Effects,
    refusals=(404,),
    is_question=True,
)
def preview_group(service: Service, group_id: str, body: GroupChange) -> Effects:
    """What such a change would do. Nothing is changed."""
    return previewed(_change(group_id, body))


@routes(
    "DELETE", "/groups/<group_id>", Access.SERVICE, scopes=SCOPES, query=InPlaceOfGroup, answer=Done, refusals=(404,)
)
def delete_group(service: Service, group_id: str, query: InPlaceOfGroup) -> Done:
    """Remove a group. Whoever is in it leaves it; for whom it is the primary group, the one that is named is then, and
    they are logged out. More than 500 people are moved by the command only.
    """
    services.standing.make(_removal(group_id, query.primary_group_id), service.caller, approve=service.require_full_if)
    return Done(message="Group deleted")


@routes(
    "POST",
    "/groups/<group_id>/deletion/preview",
    Access.SERVICE,
    scopes=SCOPES,
    body=GroupReplacement,
    answer=Effects,
    refusals=(404,),
    is_question=True,
)
def preview_group_deletion(service: Service, group_id: str, body: GroupReplacement) -> Effects:
    """What the removal of a group would do. Nothing is changed."""
    return previewed(_removal(group_id, body.primary_group_id))


@routes(
    "GET",
    "/groups/<group_id>/members",
    Access.SERVICE,
    scopes=SCOPES,
    query=MembersWanted,
    answer=MemberList,
    refusals=(404,),
)
def members(service: Service, group_id: str, query: MembersWanted) -> MemberList:
    """Who is in a group, the newest account first."""
    page = services.rights.members(_known(group_id), search=query.search, limit=query.limit, after=query.cursor)
    return MemberList(members=[Member(**asdict(each)) for each in page.items], next=page.next)


@routes(
    "PUT",
    "/groups/<group_id>/members/<user_id>",
    Access.SERVICE,
    scopes=SCOPES,
    body=MembershipChange,
    answer=Places,
    refusals=(404,),
)
def put_member(service: Service, group_id: str, user_id: str, body: MembershipChange) -> Places:
    """Have somebody be in a group with a role. What concerns an administrator, or makes one, needs `admin:full`.

    Whoever gets another role in the primary group, or another primary group, is logged out.
    """
    change = _placement(group_id, user_id, body)
    services.standing.make(change, service.caller, approve=service.require_full_if)
    return _places(change.user_id)


@routes(
    "POST",
    "/groups/<group_id>/members/<user_id>/preview",
    Access.SERVICE,
    scopes=SCOPES,
    body=MembershipChange,
    answer=Effects,
    refusals=(404,),
    is_question=True,
)
def preview_member(service: Service, group_id: str, user_id: str, body: MembershipChange) -> Effects:
    """What such a change would do. Nothing is changed."""
    return previewed(_placement(group_id, user_id, body))


@routes(
    "DELETE",
    "/groups/<group_id>/members/<user_id>",
    Access.SERVICE,
    scopes=SCOPES,
    query=InPlaceOfGroup,
    answer=Places,
    refusals=(404,),
)
def remove_member(service: Service, group_id: str, user_id: str, query: InPlaceOfGroup) -> Places:
    """Have somebody not be in a group. If it is the primary one, another one has to be named that is it then."""
    change = _displacement(group_id, user_id, query.primary_group_id)
    services.standing.make(change, service.caller, approve=service.require_full_if)
    return _places(change.user_id)


@routes(
    "POST",
    "/groups/<group_id>/members/<user_id>/removal/preview",
    Access.SERVICE,
    scopes=SCOPES,
    body=GroupReplacement,
    answer=Effects,
    refusals=(404,),
    is_question=True,
)
def preview_member_removal(service: Service, group_id: str, user_id: str, body: GroupReplacement) -> Effects:
    """What the removal of a member would do. Nothing is changed."""
    return previewed(_displacement(group_id, user_id, body.primary_group_id))


def _known(group_id: str) -> str:
    return services.groups.of(row_id(group_id)).id


def _change(group_id: str, body: GroupChange) -> Change:
    if body.name is not None and body.allows_acting is None:
        return GroupName(_known(group_id), body.name)
    if body.allows_acting is not None and body.name is None:
        return GroupActing(_known(group_id), body.allows_acting)
    raise InvalidInput(ONE_AT_A_TIME)


def _person(user_id: str) -> str:
    return services.directory.one(row_id(user_id)).entry.id


def _removal(group_id: str, heir_id: str | None) -> GroupRemoval:
    return GroupRemoval(_known(group_id), _known(heir_id) if heir_id else None)


def _placement(group_id: str, user_id: str, body: MembershipChange) -> Placement:
    person, group = _person(user_id), _known(group_id)
    try:
        role_id = services.roles.get(body.role).id if body.role is not None else None
    except NotFound as unknown:
        raise InvalidInput(unknown.message, "role") from None
    return Placement(person, group, role_id, becomes_primary=body.is_primary)


def _displacement(group_id: str, user_id: str, next_id: str | None) -> Displacement:
    return Displacement(_person(user_id), _known(group_id), _known(next_id) if next_id else None)


def _shown(group_id: str) -> Group:
    return Group(**asdict(services.rights.group(group_id)))


def _places(user_id: str) -> Places:
    found = services.directory.one(user_id).groups
    return Places(user_id=user_id, groups=[GroupOfAccount(**asdict(each)) for each in found])
