"""Token families: how one begins, and when one is alive, so that some application can still use or renew its tokens."""

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.models import RefreshToken, TokenFamily
from app.services.foundation.environment import Database
from app.services.foundation.statements import Statement
from app.services.tokens.tokens import AccessGrant

_family = cast(sa.Table, TokenFamily.__table__)
_refresh = cast(sa.Table, RefreshToken.__table__)
_BEGIN = Statement(sa.insert(_family), [column.name for column in _family.columns])


def begin_family(
    db: Database, family_id: str, grant: AccessGrant, expires_at: datetime, claims: dict[str, Any] | None = None
) -> None:
    """Add the family of a first access token; it and whatever is renewed of it is over at ``expires_at``."""
    _BEGIN.run_later(
        db,
        id=family_id,
        client_id=grant.client.client_id,
        user_id=grant.subject.id,
        session_id=grant.session_id,
        scope=grant.scope,
        authenticated_at=grant.authenticated_at,
        claims=claims,
        access_jti=grant.jti,
        access_expires_at=grant.expires_at,
        created_at=grant.issued_at,
        expires_at=expires_at,
        revoked_at=None,
        revoke_reason=None,
    )


def is_living(now: datetime) -> sa.ColumnElement[bool]:
    """The condition of families of which some token is still good ``now``."""
    can_refresh = (
        sa.exists()
        .where(
            _refresh.c.family_id == _family.c.id,
            _refresh.c.revoked_at.is_(None),
            _refresh.c.rotated_at.is_(None),
            _refresh.c.expires_at > now,
        )
        .correlate(_family)
    )
    return sa.and_(
        _family.c.revoked_at.is_(None),
        _family.c.expires_at > now,
        sa.or_(_family.c.access_expires_at > now, can_refresh),
    )
