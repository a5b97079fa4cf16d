"""What can be done to many people, one by one: what speaks against it is asked before and, by the same rule, then."""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import Membership, User
from app.services.delivery.mail import Mail
from app.services.foundation.environment import Caller, Database
from app.services.foundation.powers import is_powerful
from app.services.people.administration import Administration
from app.services.people.password_resets import PasswordResets
from app.services.people.standing import Standing
from app.services.plans.catalogue import Plans
from app.services.sessions.sessions import Sessions
from app.services.tenancy.administrators import ADMINISTERS, Administrators, has_role_among
from app.services.tenancy.catalogue import ADMIN_ROLE
from app.services.tenancy.member_changes import Placement
from app.services.tenancy.tenancy import Tenancy

ENDED = "ended_by_administrator"
BEYOND = sentence("This person administers the portal, which is beyond your part.")
YOURSELF = sentence("This is you.")
SO_ALREADY = sentence("It is so already.")
DISABLED = sentence("The account is disabled.")
NO_MAIL = sentence("No mail would arrive.")
SUBSCRIBED = sentence("The plan of this account follows a subscription. Change it by itself.")
NO_PLAN = sentence("Choose a plan.")
NO_PLACE = sentence("Choose a group and a role.")
_user = cast(sa.Table, User.__table__)
# By another name: the conditions of administrators ask the table itself.
_place = cast(sa.Table, Membership.__table__).alias("place")


class Deed(enum.StrEnum):
    """What is done to each."""

    DISABLE = "disable"
    ENABLE = "enable"
    LOG_OUT = "log-out"
    RESET = "reset"
    VERIFY = "verify"
    PLAN = "plan"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done; ``plan`` for :attr:`Deed.PLAN`, group and role (their ids) for :attr:`Deed.PLACE`."""

    deed: Deed
    plan: str = ""
    group_id: str = ""
    role_id: str = ""

    def facts(self) -> dict[str, str]:
        """The same as plain values."""
        return {"deed": self.deed.value, "plan": self.plan, "group_id": self.group_id, "role_id": self.role_id}


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody, as far as it matters; ``role_id`` is the one in the group of the wish."""

    id: str
    email: str
    locale: str
    is_active: bool
    is_verified: bool
    has_powers: bool
    plan: str
    is_subscribed: bool
    role_id: str | None
    is_primary: bool


class Deeds:
    """Foresees and does them."""

    def __init__(
        self,
        db: Database,
        administrators: Administrators,
        administration: Administration,
        sessions: Sessions,
        password_resets: PasswordResets,
        standing: Standing,
        plans: Plans,
        tenancy: Tenancy,
        mail: Mail,
    ) -> None:
        self.db = db
        self.administrators = administrators
        self.administration = administration
        self.sessions = sessions
        self.password_resets = password_resets
        self.standing = standing
        self.plans = plans
        self.tenancy = tenancy
        self.mail = mail

    def require(self, wish: Wish, caller: Caller) -> None:
        """Raise :class:`InvalidInput` where it names what there is not, ``OutOfPower`` where it goes too far."""
        if wish.deed is Deed.PLAN:
            if not wish.plan:
                raise InvalidInput(NO_PLAN, "plan")
            self.plans.require(wish.plan)
        if wish.deed is Deed.PLACE:
            world = self.tenancy.world()
            role = world.roles.get(wish.role_id)
            if role is None or world.group(wish.group_id) is None:
                raise InvalidInput(NO_PLACE, "group")
            caller.require_full_if(role.name == ADMIN_ROLE or is_powerful(role.permissions))

    def targets(self, user_ids: Collection[str], wish: Wish) -> dict[str, Target]:
        """Those of the people who are there, by id."""
        powerful = has_role_among(self.administrators.powerful_roles())
        in_group = sa.and_(_place.c.user_id == _user.c.id, _place.c.group_id == wish.group_id)
        query = (
            sa.select(
                *(_user.c[name] for name in ("id", "email", "locale", "is_active", "email_verified", "plan")),
                sa.or_(ADMINISTERS, _user.c.is_staff, powerful).label("has_powers"),
                _user.c.billing_subscription_id.is_not(None).label("is_subscribed"),
                _place.c.role_id,
                _place.c.is_primary,
            )
            .select_from(_user.outerjoin(_place, in_group))
            .where(_user.c.id.in_(user_ids))
        )
        return {row.id: _target(row) for row in self.db.session.execute(query)}

    def against(self, target: Target, wish: Wish, caller: Caller) -> str | None:
        """What speaks against doing it to somebody, None for nothing."""
        is_own, deed = target.id == caller.actor, wish.deed
        is_so = {
            Deed.DISABLE: not target.is_active,
            Deed.ENABLE: target.is_active,
            Deed.VERIFY: target.is_verified,
            Deed.PLAN: target.plan == wish.plan,
            Deed.PLACE: target.role_id is not None and target.role_id == wish.role_id,
        }
        found = (
            (caller.powers is not None and not caller.powers.is_full and target.has_powers, BEYOND),
            (is_own and deed in {Deed.DISABLE, Deed.LOG_OUT}, YOURSELF),
            (deed is Deed.PLAN and target.is_subscribed, SUBSCRIBED),
            (is_so.get(deed, False), SO_ALREADY),
            (deed is Deed.RESET and not target.is_active, DISABLED),
            (deed is Deed.RESET and not self.mail.reaches(target.email), NO_MAIL),
        )
        return next((reason for holds, reason in found if holds), None)

    def do(self, target: Target, wish: Wish, caller: Caller) -> None:
        """Do it to somebody; raises what the service raises that does it to one."""
        if wish.deed is Deed.DISABLE:
            self.administration.disable(target.id, caller)
        elif wish.deed is Deed.ENABLE:
            self.administration.enable(target.id, caller)
        elif wish.deed is Deed.LOG_OUT:
            self.sessions.end_everything(target.id, ENDED, caller)
        elif wish.deed is Deed.RESET:
            self.password_resets.request(target.email, target.locale, None, caller)
        elif wish.deed is Deed.VERIFY:
            self.administration.vouch(target.id, is_verified=True, caller=caller)
        elif wish.deed is Deed.PLAN:
            self.administration.set_plan(target.id, wish.plan, caller)
        else:
            self.standing.make(Placement(target.id, wish.group_id, wish.role_id), caller)


def _target(row: Any) -> Target:
    return Target(
        row.id,
        row.email,
        row.locale,
        row.is_active,
        row.email_verified,
        bool(row.has_powers),
        row.plan,
        bool(row.is_subscribed),
        row.role_id,
        bool(row.is_primary),
    )
