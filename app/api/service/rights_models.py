"""What the service API reads and answers about permissions, roles, groups and who is where."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.api.models import Answer, Body
from app.api.service.answers import GroupOfAccount
from app.api.service.asked import Cursor, Filter, Limit, PersonId, Search, Text, Texts

Next = Annotated[str | None, Field(description="The `cursor` of the next part; null at the end.")]
Names = Annotated[list[str], Field(description="Names of permissions.")]


class Part(Filter):
    """Which part of the list."""

    limit: Limit = 50
    cursor: Cursor = None


class GroupsWanted(Part):
    """Which groups, and which part of the list."""

    search: Annotated[Search | None, Field(description="A part of the name.")] = None
    kind: Literal["group", "workspace"] | None = None


class MembersWanted(Part):
    """Which members, and which part of the list."""

    search: Annotated[
        Search | None, Field(description="A part of an e-mail or a name; an id, or that at a provider, whole.")
    ] = None


class HoldersWanted(Part):
    """By the role in which group; without one, in the primary group."""

    group_id: PersonId | None = None


class InPlaceOfRole(Filter):
    """What its holders get."""

    replacement_id: Annotated[PersonId | None, Field(description="The role that the holders of this one get.")] = None


class InPlaceOfGroup(Filter):
    """What takes the place of a primary group."""

    primary_group_id: Annotated[
        PersonId | None, Field(description="The primary group then, for whom this one is it.")
    ] = None


class NewPermission(Body):
    """A permission to declare."""

    name: Text
    sentence_en: Annotated[Text, Field(description="What it allows, in English.")]
    sentence_ko: Annotated[Text, Field(description="What it allows, in Korean.")]


class NewRole(Body):
    """A role to make."""

    name: Text
    permissions: Texts


class RoleChange(Body):
    """What becomes of a role: another name, or other permissions; not both at once."""

    name: Text | None = None
    permissions: Annotated[list[Text] | None, Field(max_length=100, description="These and no others.")] = None
    add: Annotated[list[Text], Field(default_factory=list, max_length=100, description="These as well.")]
    remove: Annotated[list[Text], Field(default_factory=list, max_length=100, description="These no more.")]


class RoleReplacement(Body):
    """What the holders of a role that is to go get."""

    replacement_id: PersonId | None = None


class NewGroup(Body):
    """A group to make."""

    name: Text
    kind: Literal["group", "workspace"] = "group"


class GroupChange(Body):
    """Another name for a group, or whether administrators may act as its people; one of both."""

    name: Text | None = None
    allows_acting: bool | None = None


class GroupReplacement(Body):
    """What takes the place of a group that is somebody's primary one."""

    primary_group_id: PersonId | None = None


class MembershipChange(Body):
    """How somebody is in a group."""

    role: Annotated[
        Text | None, Field(description="The role there; when left out, the one the person has there, or member.")
    ] = None
    is_primary: Annotated[
        bool, Field(description="Make it the primary group. The primary group stays it until another one is.")
    ] = False


class Permission(Answer):
    """Something that can be permitted."""

    name: str
    sentence_en: str
    sentence_ko: str
    is_builtin: bool


class PermissionList(Answer):
    """All permissions, by name."""

    permissions: list[Permission]


class Role(Answer):
    """A role, what it permits, and how many people hold it in some group."""

    id: str
    name: str
    permissions: list[str]
    is_builtin: bool
    holders: int
    created_at: datetime


class RoleList(Answer):
    """Some of the roles, the newest first."""

    roles: list[Role]
    next: Next


class Group(Answer):
    """A group or workspace, and how many people are in it."""

    id: str
    name: str
    kind: str
    members: int
    created_at: datetime
    allows_acting: bool


class GroupList(Answer):
    """Some of the groups, the newest first."""

    groups: list[Group]
    next: Next


class Member(Answer):
    """Somebody in a group, and the role there."""

    user_id: str
    email: str
    name: str
    is_active: bool
    role: str
    is_primary: bool
    joined_at: datetime


class MemberList(Answer):
    """Some of the members, the newest account first."""

    members: list[Member]
    next: Next


class Places(Answer):
    """Where somebody is."""

    user_id: str
    groups: list[GroupOfAccount]


class Holder(Answer):
    """Somebody who may do something, by a role in a group."""

    user_id: str
    email: str
    name: str
    role: str
    group: str


class HolderList(Answer):
    """Some of those who may do something, the newest account first."""

    people: list[Holder]
    next: Next


class Reason(Answer):
    """One of somebody's places, and whether its role carries the permission."""

    group: str
    kind: str
    role: str
    is_primary: bool
    carries: bool


class Why(Answer):
    """Whether somebody may do something, and by which role it is or is not so."""

    permission: str
    is_allowed: bool
    is_active: bool
    reasons: list[Reason]


class Standing(Answer):
    """What is said of a person; the permissions are those of the role in the primary group."""

    group: str | None
    role: str | None
    permissions: list[str]
    groups: list[str]
    workspaces: list[str]
    is_admin: bool


class PlaceEffect(Answer):
    """What becomes of somebody's place in a group."""

    group: str
    role_before: str | None
    role_after: str | None
    gains: Names
    losses: Names


class PersonEffect(Answer):
    """One person whom a change concerns."""

    user_id: str
    email: str
    before: Standing
    after: Standing
    places: list[PlaceEffect]
    gains: Names
    losses: Names
    is_logged_out: bool


class ScopeEffect(Answer):
    """In how many grants of a client a scope stops counting, or counts again."""

    client_id: str
    scope: str
    grants: int


class GrantEffects(Answer):
    """What becomes of what applications hold."""

    ended: Annotated[dict[str, int], Field(description="How many grants of each client end.")]
    stop: list[ScopeEffect]
    count_again: list[ScopeEffect]


class Effects(Answer):
    """What a change would do. Counts are of everybody; of people the first 50 by e-mail are told one by one."""

    people: int
    listed: list[PersonEffect]
    gains: Annotated[dict[str, int], Field(description="By permission, how many people gain it.")]
    losses: Annotated[dict[str, int], Field(description="By permission, how many people lose it.")]
    logged_out: int
    administrators_come: list[str]
    administrators_go: list[str]
    grants: GrantEffects
