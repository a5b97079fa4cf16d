"""What :mod:`app.services.grants.refresh_tokens` asks of the database and writes to it."""

from typing import Any, cast

import sqlalchemy as sa

from app.models import RefreshToken, TokenFamily, UserSession
from app.services.foundation.statements import TOLD, Statement
from app.services.grants.consents import ASKS_CONSENT, covered_by_consent
from app.services.tokens.claims import SUBJECT_COLUMNS, groups_if_covered, with_subject

MOST_REPEATS = 2
_refresh = cast(sa.Table, RefreshToken.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_session = cast(sa.Table, UserSession.__table__)
_ROTATED = {
    "rotated_at": "now",
    "last_used_at": "now",
    "successor_hash": "next_hash",
    "client_ip": "ip",
    "user_agent": "agent",
}
"""What a rotation sets in the row of the token that is used, and the names of the values; besides the seal."""

_STATE = (
    sa.select(
        _refresh.c.id,
        _refresh.c.client_id,
        _refresh.c.family_id,
        _refresh.c.session_id,
        _refresh.c.expires_at,
        _refresh.c.revoked_at,
        _refresh.c.rotated_at,
        _refresh.c.client_ip,
        _refresh.c.user_agent,
        _refresh.c.rotation_count,
        _refresh.c.repeat_count,
        _refresh.c.successor_hash,
        _refresh.c.sealed_successor,
        _family.c.scope,
        _family.c.authenticated_at,
        _family.c.claims,
        _family.c.expires_at.label("family_expires_at"),
        _family.c.revoked_at.label("family_revoked_at"),
        _session.c.ended_at.label("session_ended_at"),
        _session.c.acted_by,
        covered_by_consent(_family.c.user_id, _family.c.client_id, ASKS_CONSENT),
        groups_if_covered(_family.c.scope),
        *SUBJECT_COLUMNS,
    )
    .select_from(
        with_subject(
            _refresh.join(_family, _family.c.id == _refresh.c.family_id).outerjoin(
                _session, _session.c.id == _family.c.session_id
            ),
            _family.c.user_id,
        )
    )
    .where(_refresh.c.token_hash == sa.bindparam("token_hash"))
)
LOOK = Statement(_STATE)
# The family is locked first by whoever adds to it or ends it; the token itself must be read as it is now.
FIND = Statement(_STATE.with_for_update(of=[_family, _refresh]))
INSERT = Statement(sa.insert(_refresh), [column.name for column in _refresh.columns])
NEXT = Statement(
    sa.select(
        _refresh.c.rotated_at,
        _refresh.c.access_jti,
        _refresh.c.access_issued_at,
        _refresh.c.access_expires_at,
        _refresh.c.expires_at,
    ).where(_refresh.c.token_hash == sa.bindparam("token_hash"))
)
REPEAT = Statement(
    sa.update(_refresh)
    .where(_refresh.c.id == sa.bindparam("row"), _refresh.c.repeat_count < MOST_REPEATS)
    .values(repeat_count=_refresh.c.repeat_count + 1)
)


def _rotation() -> Statement:
    """A rotation: what is set in the token that is used, if nobody came first, and in the one before it.

    The use ends the repeats of the token before it, whose sealed successor goes: kept longer, one old token and a copy
    of the database would lead from successor to successor to the living one.
    """
    this = _refresh.alias("this")
    is_unused = (
        sa.select(this.c.id)
        .select_from(this.join(_family, _family.c.id == this.c.family_id))
        .where(
            this.c.family_id == sa.bindparam("family"),
            this.c.rotation_count == sa.bindparam("generation"),
            this.c.rotated_at.is_(None),
            this.c.revoked_at.is_(None),
            _family.c.revoked_at.is_(None),
        )
        .exists()
    )
    is_this = _refresh.c.rotation_count == sa.bindparam("generation")
    sealed = sa.bindparam("sealed", type_=_refresh.c.sealed_successor.type)

    def of_this(column: str, value: str) -> sa.ColumnElement[Any]:
        # The one before keeps what it has.
        return sa.case((is_this, sa.bindparam(value, type_=_refresh.c[column].type)), else_=_refresh.c[column])

    before = sa.bindparam("before", type_=sa.Integer())
    return Statement(
        sa.update(_refresh)
        .where(
            _refresh.c.family_id == sa.bindparam("family"),
            _refresh.c.rotation_count.in_([sa.bindparam("generation"), before]),
            is_unused,
        )
        .values(
            **{column: of_this(column, value) for column, value in _ROTATED.items()},
            sealed_successor=sa.case((is_this, sealed), else_=sa.null()),
        )
    )


def _rotation_at_once(*more: sa.ColumnElement[bool]) -> sa.Insert:
    """A whole rotation as one statement of PostgreSQL: the lock of the family, the token if it is as it was, the next.

    Changes one row, or none when somebody came first; then the rules are asked, under lock. ``more`` is asked in each
    part.
    """
    family = (
        sa.select(_family.c.id)
        .where(_family.c.id == sa.bindparam("family"), _family.c.revoked_at.is_(None), *more)
        .with_for_update()
        .cte("family")
    )
    generation = sa.bindparam("generation", type_=sa.Integer())
    of_family = sa.update(_refresh).where(_refresh.c.family_id == family.c.id, *more)
    rotated = (
        of_family.where(
            _refresh.c.rotation_count == generation, _refresh.c.rotated_at.is_(None), _refresh.c.revoked_at.is_(None)
        )
        .values(
            **{column: sa.bindparam(value) for column, value in _ROTATED.items()},
            sealed_successor=sa.bindparam("sealed"),
        )
        .returning(_refresh.c.family_id)
        .cte("rotated")
    )
    before = of_family.where(_refresh.c.rotation_count == generation - 1).values(sealed_successor=sa.null())
    columns = list(_refresh.columns)
    row = (
        sa.select(*(sa.bindparam(f"new_{each.name}", type_=each.type) for each in columns))
        .select_from(rotated)
        .where(*more)
    )
    insert = sa.insert(_refresh).from_select([each.name for each in columns], row, include_defaults=False)
    return insert.add_cte(before.cte("before"))


ROTATE = _rotation()
ROTATE_AT_ONCE = Statement(_rotation_at_once(), telling=_rotation_at_once(TOLD))
