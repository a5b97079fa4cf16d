"""Who may be acted as, and when it is over that an administrator acts as somebody.

It is asked at each request of a session in which somebody acts, so that nothing of it outlives what allowed it.
"""

from typing import Any, cast

import sqlalchemy as sa

from app.errors import sentence
from app.models import Group, Membership, Role, User, UserSession
from app.services.foundation.environment import Database
from app.services.foundation.powers import is_powerful
from app.services.foundation.texts import shown
from app.services.tenancy.administrators import ADMINISTERS

EXPIRED, DISABLED, ROLE_LOST, LEFT = "expired", "administrator_disabled", "administrator_role", "administrator_left"
ENDINGS = {"account_disabled": DISABLED, "role_changed": ROLE_LOST, "group_changed": ROLE_LOST}
"""Why it is over when a session of the administrator ends, where that is not for having left."""
REFUSALS: dict[str, str] = {
    "unknown": sentence("There is no such account."),
    "disabled": sentence("Nobody can act as somebody whose account is disabled or about to be deleted."),
    "administrator": sentence("Nobody can act as somebody who administers the platform or a part of it."),
    "group": sentence("The person's primary group does not allow that somebody acts as its people."),
}
"""Why somebody may not be acted as, by the code on record."""
_user = cast(sa.Table, User.__table__)
_session = cast(sa.Table, UserSession.__table__)
_membership = cast(sa.Table, Membership.__table__)
_group = cast(sa.Table, Group.__table__)
_role = cast(sa.Table, Role.__table__)


def against(db: Database, user_id: str) -> str | None:
    """What speaks against acting as this person, as a code of :data:`REFUSALS`; None for nothing."""
    columns = (_user.c.is_active, _user.c.deletes_at, sa.or_(ADMINISTERS, _user.c.is_staff).label("administers"))
    person = db.session.execute(sa.select(*columns).where(_user.c.id == user_id)).first()
    if person is None:
        return "unknown"
    if not person.is_active or person.deletes_at is not None:
        return "disabled"
    places = db.session.execute(
        sa.select(_membership.c.is_primary, _group.c.allows_acting, _role.c.permissions)
        .join(_group, _group.c.id == _membership.c.group_id)
        .join(_role, _role.c.id == _membership.c.role_id)
        .where(_membership.c.user_id == user_id)
    ).all()
    permitted = [name for place in places for name in place.permissions or ()]
    # A permission of any place counts here: another group may be the primary one tomorrow.
    if person.administers or is_powerful(permitted):
        return "administrator"
    return None if any(place.is_primary and place.allows_acting for place in places) else "group"


def administrator_of(db: Database, row: Any) -> tuple[str, str | None]:
    """Of a session in which somebody acts: what the administrator is called, and why it is over, if it is."""
    own = _session.alias("own")
    found = db.session.execute(
        sa.select(
            _user.c.full_name,
            _user.c.username,
            _user.c.is_active,
            ADMINISTERS.label("administers"),
            own.c.ended_at,
            own.c.id.label("own_id"),
        )
        .select_from(
            _user.outerjoin(own, sa.and_(own.c.id == row.acting_session_id, own.c.user_id == _user.c.id)),
        )
        .where(_user.c.id == row.acted_by)
    ).first()
    if found is None or not found.is_active:
        return "", DISABLED
    name = shown(found.full_name) or found.username
    if not found.administers:
        return name, ROLE_LOST
    return name, LEFT if found.own_id is None or found.ended_at is not None else None
