"""Token families: when one is alive, so that some application can still use or renew its tokens."""

from datetime import datetime
from typing import cast

import sqlalchemy as sa

from app.models import RefreshToken, TokenFamily

_family = cast(sa.Table, TokenFamily.__table__)
_refresh = cast(sa.Table, RefreshToken.__table__)


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
