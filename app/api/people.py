"""A person as the API describes them."""

from collections.abc import Iterable

from app.api.models import User
from app.services.foundation.person import UNCHOSEN_LOCALE
from app.services.foundation.texts import shown
from app.services.people.profiles import Profile
from app.services.tokens.claims import Subject
from app.wiring import services

WITHIN_EMAIL = frozenset({"email", "read:profile"})


def described(subject: Subject, scopes: Iterable[str], profile: Profile | None = None) -> User:
    """The person, as far as ``scopes`` reach; ``profile`` saves looking it up."""
    held = set(scopes)
    profile = profile or services.profiles.get(subject.id)
    claims = services.claims.userinfo(subject, held)
    reads_email = bool(WITHIN_EMAIL & held)
    return User(
        id=subject.id,
        username=profile.username,
        full_name=shown(profile.full_name),
        email=profile.email if reads_email else None,
        email_verified=profile.email_verified if reads_email else None,
        avatar_url=profile.avatar_url,
        bio=profile.bio,
        locale=profile.locale or UNCHOSEN_LOCALE,
        timezone=profile.timezone,
        subscription_plan=subject.plan,
        is_admin=subject.is_admin,
        group_id=subject.group_id,
        group_name=subject.group_name,
        role_id=subject.role_id,
        role_name=subject.role_name,
        permissions=list(subject.permissions),
        groups=claims.get("groups"),
        workspaces=claims.get("workspaces"),
        created_at=profile.created_at,
        updated_at=profile.updated_at,
        last_login_at=profile.last_login_at,
    )
