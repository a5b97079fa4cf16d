"""People, and the groups and roles their claims come from."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Json


class Role(Identified, Base):
    """A named set of permissions; ``manage:`` scopes need the permission of their name."""

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(sa.String(64), unique=True)
    permissions: Mapped[list[str]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime]


class Group(Identified, Base):
    """A group of people; one of kind ``workspace`` appears under the ``workspaces`` claim."""

    __tablename__ = "groups"

    name: Mapped[str] = mapped_column(sa.String(100), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(20), default="group")
    created_at: Mapped[datetime]


class User(Identified, Base):
    """A person with an account. ``email`` is unique, in the one spelling of :mod:`app.services.people.email_names`."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    username: Mapped[str] = mapped_column(sa.String(64), unique=True)
    full_name: Mapped[str] = mapped_column(sa.String(200), default="")
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[datetime | None]
    email_verified: Mapped[bool] = mapped_column(default=False)
    avatar_url: Mapped[str | None]
    bio: Mapped[str] = mapped_column(default="")
    locale: Mapped[str] = mapped_column(sa.String(16), default="ko")
    timezone: Mapped[str] = mapped_column(sa.String(64), default="Asia/Seoul")
    plan: Mapped[str] = mapped_column(sa.String(20), default="free")
    plan_status: Mapped[str] = mapped_column(sa.String(20), default="active")
    plan_started_at: Mapped[datetime | None]
    plan_ends_at: Mapped[datetime | None]
    quota_used: Mapped[int] = mapped_column(default=0)
    quota_resets_at: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    is_staff: Mapped[bool] = mapped_column(default=False)
    is_superuser: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]
    deletion_requested_at: Mapped[datetime | None]
    deletes_at: Mapped[datetime | None] = mapped_column(index=True)


class Membership(Identified, Base):
    """The role a person holds in a group; one of a person's groups is primary.

    Whoever changes one moves the person's ``updated_at``: copies of what is said about the person are known by it.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "group_id"),
        sa.Index(
            "uq_memberships_primary",
            "user_id",
            unique=True,
            sqlite_where=sa.text("is_primary"),
            postgresql_where=sa.text("is_primary"),
        ),
    )

    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    group_id: Mapped[str] = mapped_column(sa.ForeignKey("groups.id", ondelete="CASCADE"), index=True)
    role_id: Mapped[str] = mapped_column(sa.ForeignKey("roles.id"))
    is_primary: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
