"""What people may do and where they belong, as those who run the portal change it: foreseen, then done, then told.

Every door goes through here. Whoever gets another role or another primary group is logged out, for what is out says
what the person was; whoever gets another role is told by mail, for it is done without them.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from app.errors import NotFound
from app.services.delivery.mail import Mail
from app.services.foundation.environment import NOBODY, Caller, Clock, Database
from app.services.foundation.person import UNKNOWN, person_of
from app.services.grants.scopes_at_stake import GrantEffects, scopes_at_stake
from app.services.sessions.sessions import Sessions
from app.services.tenancy.changes import Change
from app.services.tenancy.effects import Effects, effects_of, primary_moves
from app.services.tenancy.tenancy import Outcome, Tenancy
from app.services.tenancy.world import Place, World

ROLE_CHANGED, GROUP_CHANGED = "role_changed", "group_changed"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do to people, and to what applications hold for them."""

    effects: Effects
    grants: GrantEffects

    def facts(self) -> dict[str, Any]:
        """The same as plain values."""
        people = [{**asdict(each), "gains": each.gains, "losses": each.losses} for each in self.effects.listed]
        return {**asdict(self.effects), "listed": people, "grants": asdict(self.grants)}


class Standing:
    """Foresees and makes changes of roles, groups and memberships."""

    def __init__(self, db: Database, clock: Clock, tenancy: Tenancy, sessions: Sessions, mail: Mail) -> None:
        self.db = db
        self.clock = clock
        self.tenancy = tenancy
        self.sessions = sessions
        self.mail = mail

    def preview(self, change: Change, world: World | None = None) -> Preview:
        """What ``change`` would do; writes nothing. Raises :class:`app.errors.InvalidInput` as :meth:`make` would."""
        world = world or self.tenancy.world()
        self.tenancy.check(world, change)
        moved = primary_moves(change.touched(world))
        grants = scopes_at_stake(self.db, self.clock(), moved, world.roles, change.roles(world), are_over=change.moves)
        return Preview(effects_of(world, change), grants)

    def make(
        self,
        change: Change,
        caller: Caller = NOBODY,
        *,
        in_steps: bool = False,
        approve: Callable[[bool], None] | None = None,
    ) -> Outcome:
        """Make ``change``; raises :class:`app.errors.InvalidInput`. ``in_steps``: see :meth:`Tenancy.make`.

        ``approve`` is asked first, once nobody else can change anything, with whether it concerns administrators; of an
        administrator it is asked whether their powers go so far.
        """
        if caller.powers is not None:
            approve = caller.require_full_if
        if approve is not None:
            approve(self.tenancy.concerns_administrators(self.tenancy.begin(), change))
        outcome = self.tenancy.make(change, caller, in_steps=in_steps)
        for each in outcome.moved:
            self.sessions.end_everything(each.user_id, ROLE_CHANGED if each.is_other_role else GROUP_CHANGED, caller)
            if (person := person_of(self.db, each.user_id)) is None:
                continue
            if each.is_other_role:
                self.mail.send(ROLE_CHANGED, person, role=each.role)
            else:
                self.mail.send("primary_group_changed", person, group=each.group)
        return outcome

    def places(self, user_id: str) -> tuple[Place, ...]:
        """Where somebody is; raises :class:`NotFound` where there is no such person."""
        if person_of(self.db, user_id) is None:
            raise NotFound(UNKNOWN)
        return self.tenancy.world().of([user_id])[user_id]
