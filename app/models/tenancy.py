"""Roles with what they permit, groups, and who holds which role where."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Json


class Permission(Base):
    """Something that can be permitted; roles carry no permission that is not declared here."""

    __tablename__ = "permissions"

    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    sentence_en: Mapped[str]
    sentence_ko: Mapped[str]
    is_builtin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class Role(Identified, Base):
    """A named set of permissions; ``manage:`` scopes need the permission of their name.

    ``name_key`` is by which two names are one (:mod:`app.services.tenancy.names`); rows of older code have none.
    """

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name_key: Mapped[str | None] = mapped_column(sa.String(200), index=True, unique=True)
    permissions: Mapped[list[str]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime]


class Group(Identified, Base):
    """A group of people; one of kind ``workspace`` appears under the ``workspaces`` claim.

    ``allows_acting`` is whether administrators may see the portal as those do for whom it is the primary one.
    """

    __tablename__ = "groups"

    name: Mapped[str] = mapped_column(sa.String(100), unique=True)
    name_key: Mapped[str | None] = mapped_column(sa.String(200), index=True, unique=True)
    kind: Mapped[str] = mapped_column(sa.String(20), default="group")
    allows_acting: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    created_at: Mapped[datetime]


class Membership(Identified, Base):
    """The role a person holds in a group; one of a person's groups is primary.

    Whoever changes one moves the person's ``updated_at``: copies of what is said about the person are known by it.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "group_id"),
        # Who holds a role, however many.
        sa.Index("ix_memberships_role_user", "role_id", "user_id"),
        # How many are in a group, and who holds a role there.
        sa.Index("ix_memberships_group_role_user", "group_id", "role_id", "user_id"),
        sa.Index(
            "uq_memberships_primary",
            "user_id",
            unique=True,
            sqlite_where=sa.text("is_primary"),
            postgresql_where=sa.text("is_primary"),
        ),
    )

    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    group_id: Mapped[str] = mapped_column(sa.ForeignKey("groups.id", ondelete="CASCADE"))
    role_id: Mapped[str] = mapped_column(sa.ForeignKey("roles.id"))
    is_primary: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class Tenancy(Base):
    """One row. Whoever changes roles, groups or memberships locks it, so that one does at a time.

    ``version`` is another one whenever the name or the permissions of a role or the name of a group are, which stand in
    no person's row: copies of what is said about people are known by it as well.
    """

    __tablename__ = "tenancy"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(sa.BigInteger)
