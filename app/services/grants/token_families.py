"""Token families: how one begins. When one is alive is said in :mod:`app.services.revocation.families`."""

from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.models import TokenFamily
from app.services.foundation.environment import Caller, Database
from app.services.foundation.statements import Statement
from app.services.tokens.tokens import AccessGrant

_family = cast(sa.Table, TokenFamily.__table__)
_BEGIN = Statement(sa.insert(_family), [column.name for column in _family.columns])


def as_actor(caller: Caller, acted_by: str | None) -> Caller:
    """Who goes on record for what is done with a grant: of one in which somebody acts, that administrator.

    Where they are is not kept with the person they act as.
    """
    return replace(caller.unlocated(), actor=acted_by) if acted_by else caller


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
