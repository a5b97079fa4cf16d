"""What is said about a person: in tokens, at userinfo, to the MAX backends. One statement finds it all."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa

from app.models import Group, Membership, Role, User
from app.services.foundation import initials
from app.services.foundation.environment import Clock, Database
from app.services.foundation.person import UNCHOSEN_LOCALE
from app.services.foundation.pictures import address, own_path
from app.services.foundation.statements import Statement, json_rows
from app.services.foundation.texts import shown
from app.services.plans.effective import PLAN_NOW
from app.services.tenancy.catalogue import ADMIN_ROLE, WORKSPACE

_user = cast(sa.Table, User.__table__)
_membership = cast(sa.Table, Membership.__table__)
_group = cast(sa.Table, Group.__table__)
_role = cast(sa.Table, Role.__table__)

SUBJECT_COLUMNS = (
    _user.c.id.label("subject_id"),
    _user.c.email,
    _user.c.email_verified,
    _user.c.username,
    _user.c.full_name,
    _user.c.avatar_url,
    _user.c.locale,
    _user.c.timezone,
    PLAN_NOW.label("plan"),
    _user.c.is_superuser,
    _user.c.is_active.label("subject_is_active"),
    _user.c.updated_at.label("subject_updated_at"),
    _group.c.id.label("group_id"),
    _group.c.name.label("group_name"),
    _role.c.id.label("role_id"),
    _role.c.name.label("role_name"),
    _role.c.permissions,
)
"""Whoever selects them says as ``plan_at`` when: which plan counts depends on it."""
PROFILE = ("name", "preferred_username", "picture", "locale", "zoneinfo", "updated_at")
ROLE = ("roles", "permissions", "is_admin", "group_id", "group_name", "role_id", "role_name", "subscription_plan")
EMAIL = ("email", "email_verified")
GROUPS = ("groups", "workspaces")
_BY_SCOPE = {
    "profile": (*PROFILE, *ROLE),
    "read:profile": (*PROFILE, *ROLE, *EMAIL),
    "email": EMAIL,
    "read:groups": GROUPS,
}
SUPPORTED = ("sub", *PROFILE, *EMAIL, *ROLE, *GROUPS)
FOR_USERINFO = ("openid", "profile", "email", "read:profile", "read:groups")
"""Scopes of which one at least opens userinfo."""
LISTS = frozenset({"permissions", *GROUPS})
"""Claims that can be long."""
OF_ACCESS_TOKENS = ("email", "is_admin", "group_id", "group_name", "role_id", "role_name")
"""What MAX backends read from an access token besides the id."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A person as tokens describe them; ``plan`` is the one that counts now."""

    id: str
    email: str
    email_verified: bool
    username: str
    full_name: str
    avatar_url: str | None
    locale: str
    timezone: str
    plan: str
    is_superuser: bool
    is_active: bool
    updated_at: int
    group_id: str | None
    group_name: str | None
    role_id: str | None
    role_name: str | None
    permissions: tuple[str, ...]

    @property
    def is_admin(self) -> bool:
        """Whether the person administers the platform."""
        return self.is_superuser or self.role_name == ADMIN_ROLE

    @property
    def name(self) -> str:
        """What to call the person."""
        return shown(self.full_name) or self.username

    @property
    def photo(self) -> str | None:
        """The path below which the portal serves the photo the person uploaded."""
        return own_path(self.avatar_url)

    @property
    def initials(self) -> str:
        """One or two characters that stand for the person."""
        return initials.of_person(self.name)


def with_subject(source: sa.FromClause, user_id: sa.ColumnElement[str]) -> sa.FromClause:
    """``source`` joined with the tables that :data:`SUBJECT_COLUMNS` need."""
    return (
        source.join(_user, _user.c.id == user_id)
        .outerjoin(_membership, sa.and_(_membership.c.user_id == _user.c.id, _membership.c.is_primary))
        .outerjoin(_group, _group.c.id == _membership.c.group_id)
        .outerjoin(_role, _role.c.id == _membership.c.role_id)
    )


def subject_from(row: Any) -> Subject:
    """The subject in a row that selected :data:`SUBJECT_COLUMNS`."""
    return Subject(
        id=row.subject_id,
        email=row.email,
        email_verified=row.email_verified,
        username=row.username,
        full_name=row.full_name,
        avatar_url=row.avatar_url,
        locale=row.locale,
        timezone=row.timezone,
        plan=row.plan,
        is_superuser=row.is_superuser,
        is_active=row.subject_is_active,
        group_id=row.group_id,
        updated_at=int(row.subject_updated_at.timestamp()),
        group_name=row.group_name,
        role_id=row.role_id,
        role_name=row.role_name,
        permissions=tuple(row.permissions or ()),
    )


def groups_if_covered(scope: sa.ColumnElement[str]) -> sa.ColumnElement[str | None]:
    """The column ``all_groups``, for :func:`groups_from`; NULL where ``scope`` does not cover groups."""
    group, membership = _group.alias("any_group"), _membership.alias("any_membership")
    found = (
        sa.select(json_rows(group.c.name, group.c.kind))
        .join(membership, membership.c.group_id == group.c.id)
        .where(membership.c.user_id == _user.c.id)
    )
    return sa.case((scope.contains("read:groups"), found.scalar_subquery())).label("all_groups")


def groups_from(row: Any) -> Sequence[tuple[str, str]] | None:
    """Name and kind of each group in a row that selected :func:`groups_if_covered`, None where it tells of none."""
    return [(name, kind) for name, kind in json.loads(row.all_groups)] if row.all_groups else None


_SUBJECT = sa.select(*SUBJECT_COLUMNS).select_from(
    _user.outerjoin(_membership, sa.and_(_membership.c.user_id == _user.c.id, _membership.c.is_primary))
    .outerjoin(_group, _group.c.id == _membership.c.group_id)
    .outerjoin(_role, _role.c.id == _membership.c.role_id)
)
_GROUPS = Statement(
    sa.select(_group.c.name, _group.c.kind)
    .join(_membership, _membership.c.group_id == _group.c.id)
    .where(_membership.c.user_id == sa.bindparam("user_id"))
)


class Claims:
    """Collects claims by what scopes cover (OpenID Connect Core section 5.4)."""

    def __init__(self, db: Database, clock: Clock, issuer: str) -> None:
        self.db = db
        self.clock = clock
        self.issuer = issuer

    def subject(self, user_id: str) -> Subject | None:
        """The person of that id."""
        row = self.db.session.execute(_SUBJECT.where(_user.c.id == user_id), {"plan_at": self.clock()}).first()
        return subject_from(row) if row else None

    def userinfo(
        self, subject: Subject, scopes: Iterable[str], groups: Sequence[tuple[str, str]] | None = None
    ) -> dict[str, Any]:
        """The userinfo answer: ``sub``, and what ``scopes`` cover; ``groups`` where they were read already."""
        covered = covered_by(tuple(scopes))
        values = {"sub": subject.id, **_values(subject, self.issuer)}
        if not covered.isdisjoint(GROUPS):
            named = sorted(_GROUPS.all(self.db, user_id=subject.id) if groups is None else groups)
            values["groups"] = [name for name, kind in named if kind != WORKSPACE]
            values["workspaces"] = [name for name, kind in named if kind == WORKSPACE]
        return {
            name: value for name, value in values.items() if value is not None and (name == "sub" or name in covered)
        }

    def by_scope(self, subject: Subject, scopes: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What each of ``scopes`` adds to the userinfo answer; ``openid`` stands for ``sub``."""
        answers = {scope: self.userinfo(subject, (scope,)) for scope in scopes}
        return {
            scope: {name: value for name, value in answer.items() if name != "sub" or scope == "openid"}
            for scope, answer in answers.items()
        }

    def for_id_token(
        self,
        subject: Subject,
        scopes: Iterable[str],
        requested: dict[str, Any] | None,
        groups: Sequence[tuple[str, str]] | None,
        *,
        is_lean: bool,
    ) -> dict[str, Any]:
        """What an ID token says of a person: all that ``scopes`` cover, for many libraries look nowhere else.

        A lean one has no more of it than the request's ``id_token`` member asked for (Core section 5.5).
        """
        if not is_lean:
            return self.userinfo(subject, scopes, groups)
        if not requested:
            return {}
        answer = self.userinfo(subject, scopes, groups)
        return {name: answer[name] for name in requested if name in answer}


@lru_cache(maxsize=512)
def covered_by(scopes: tuple[str, ...]) -> frozenset[str]:
    """The claims besides ``sub`` that scopes cover (Core section 5.4)."""
    return frozenset(claim for scope in scopes for claim in _BY_SCOPE.get(scope, ()))


def for_access_token(subject: Subject, scopes: tuple[str, ...], *, is_whole: bool) -> dict[str, Any]:
    """What MAX backends read from an access token, as far as ``scopes`` cover it; all of it if ``is_whole``."""
    covered = OF_ACCESS_TOKENS if is_whole else covered_by(scopes)
    said = {name: getattr(subject, name) for name in OF_ACCESS_TOKENS if name in covered}
    return {"type": "access", "user_id": subject.id, **said}


def _values(subject: Subject, issuer: str) -> dict[str, Any]:
    return {
        "name": subject.name,
        "preferred_username": subject.username,
        "picture": address(subject.avatar_url, issuer),
        "locale": subject.locale or UNCHOSEN_LOCALE,
        "zoneinfo": subject.timezone,
        "updated_at": subject.updated_at,
        "email": subject.email,
        "email_verified": subject.email_verified,
        "roles": [subject.role_name] if subject.role_name else [],
        "permissions": list(subject.permissions),
        "is_admin": subject.is_admin,
        "group_id": subject.group_id,
        "group_name": subject.group_name,
        "role_id": subject.role_id,
        "role_name": subject.role_name,
        "subscription_plan": subject.plan,
    }
