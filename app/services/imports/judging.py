"""What a row leads to, before anything is written: who would be made, changed, left alone, or refused and why."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import User
from app.services.foundation.environment import Database
from app.services.imports.rows import Problem, Row, email_of, read
from app.services.imports.sheets import Line
from app.services.people.one_time_tokens import OneTimeTokens
from app.services.plans.catalogue import Plans
from app.services.plans.effective import FREE
from app.services.tenancy.administrators import ADMINISTERS
from app.services.tenancy.catalogue import ADMIN_ROLE, GROUP, MEMBER_ROLE, PRIMARY_GROUP
from app.services.tenancy.changes import Change
from app.services.tenancy.member_changes import Placement
from app.services.tenancy.world import GroupRecord, RoleRecord, World

TWICE = sentence("Row %(row)s has this e-mail already.")
MAY_RETURN = sentence("Another account may still return to this e-mail. Try again in a week.")
NO_PLAN = sentence("There is no such plan.")
NO_GROUP = sentence("There is no such group.")
NO_ROLE = sentence("There is no such role.")
GROUP_TWICE = sentence("The row names a group twice.")
MAKES_ADMINISTRATORS = sentence("An import makes nobody an administrator unless it is told so.")
ADMINISTRATOR = sentence("This account administers the platform. Change its groups by themselves.")
SUBSCRIBED = sentence("The plan of this account follows a subscription. Change it by itself.")
_user = cast(sa.Table, User.__table__)


class Action(enum.StrEnum):
    """What becomes of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    """Somebody has the e-mail already."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a row; ``changed`` names the columns in which an account is another one then."""

    row: int
    email: str
    action: Action
    changed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome, and what is to be written for it."""

    outcome: Outcome
    row: Row | None = None
    user_id: str = ""
    name: str | None = None
    plan: str | None = None
    places: tuple[tuple[GroupRecord, RoleRecord], ...] = ()
    moves: tuple[Change, ...] = ()

    @property
    def primary_role(self) -> str:
        """The role of somebody new in the platform's own group."""
        return next((role.name for group, role in self.places if is_primary(group)), MEMBER_ROLE)


@dataclass
class Seen:
    """The e-mails of the rows so far, up to ``last``: in as few bytes as it takes to know them again, and where."""

    rows: dict[bytes, int] = field(default_factory=dict)
    last: int = 0

    def before(self, email: str, row: int) -> int | None:
        """The row that had the e-mail, if one had; else it is this one from now on."""
        first = self.rows.setdefault(blake2b(email.encode(), digest_size=12).digest(), row)
        return None if first == row else first


def note(line: Line, seen: Seen, last: int) -> bool:
    """Remember the e-mail of a row that was done; answers whether it is one, being ``last`` or before it."""
    if line.number > last:
        return False
    if line.number > seen.last:
        if email := email_of(line.values):
            seen.before(email, line.number)
        seen.last = line.number
    return True


def is_primary(group: GroupRecord) -> bool:
    """Whether it is the group that new people join."""
    return group.name == PRIMARY_GROUP and group.kind == GROUP


class Judge:
    """Judges the rows of one transaction; what it looked up is as it is until that ends."""

    def __init__(
        self, db: Database, world: World, plans: Plans, tokens: OneTimeTokens, *, updates: bool, allows_admins: bool
    ) -> None:
        self._db = db
        self._world = world
        self._plans = plans.by_name()
        self._tokens = tokens
        self._updates = updates
        self._allows_admins = allows_admins
        self._groups: dict[str, GroupRecord | None] = {}
        self._restorable: set[str] = set()

    def judge(self, lines: Sequence[Line], seen: Seen, now: datetime) -> list[Verdict]:
        """A verdict for each row, in their order."""
        found = [(line, *_read(line, now)) for line in lines]
        emails = {email for _, _, email, _ in found if email}
        present, self._restorable = self._present(emails), self._tokens.restorable(emails)
        return [self._verdict(line, row, email, problems, seen, present) for line, row, email, problems in found]

    def _verdict(
        self,
        line: Line,
        row: Row | None,
        email: str,
        problems: Sequence[Problem],
        seen: Seen,
        present: Mapping[str, Any],
    ) -> Verdict:
        if email and (first := seen.before(email, line.number)) is not None:
            problems = [*problems, Problem("email", TWICE, {"row": first})]
        if row is None or problems:
            return _refused(line, email, problems)
        places, problems = self._places(row)
        if row.plan is not None and row.plan not in self._plans:
            problems.append(Problem("plan", NO_PLAN))
        if problems:
            return _refused(line, email, problems)
        if (person := present.get(email)) is not None:
            return self._of_present(line, row, places, person)
        if email in self._restorable:
            return _refused(line, email, [Problem("email", MAY_RETURN)])
        given = tuple((group, role or self._member()) for group, role in places)
        plan = None if row.plan == FREE else row.plan
        return Verdict(Outcome(line.number, email, Action.CREATED), row, plan=plan, places=given)

    def _of_present(
        self, line: Line, row: Row, places: Sequence[tuple[GroupRecord, RoleRecord | None]], person: Any
    ) -> Verdict:
        """Somebody who is there: left alone, or changed in name, plan and groups."""
        if not self._updates:
            return Verdict(Outcome(line.number, row.email, Action.SKIPPED))
        name = row.name if row.name is not None and row.name != person.full_name else None
        plan = row.plan if row.plan is not None and row.plan != person.plan else None
        wanted = [Placement(person.id, group.id, role.id if role else None) for group, role in places]
        moves = tuple(change for change in wanted if self._touches(change))
        problems = []
        if moves and person.administers:
            problems.append(Problem("groups", ADMINISTRATOR))
        if plan is not None and person.billing_subscription_id is not None:
            problems.append(Problem("plan", SUBSCRIBED))
        if problems:
            return _refused(line, row.email, problems)
        parts = {"name": name is not None, "plan": plan is not None, "groups": bool(moves)}
        changed = tuple(column for column, is_other in parts.items() if is_other)
        action = Action.UPDATED if changed else Action.UNCHANGED
        outcome = Outcome(line.number, row.email, action, changed)
        return Verdict(outcome, row, person.id, name=name, plan=plan, moves=moves)

    def _touches(self, change: Change) -> bool:
        touched = change.touched(self._world)
        return self._db.session.execute(sa.select(touched.c.user_id).limit(1)).first() is not None

    def _places(self, row: Row) -> tuple[list[tuple[GroupRecord, RoleRecord | None]], list[Problem]]:
        """The groups and roles that are meant, and what speaks against them."""
        found: list[tuple[GroupRecord, RoleRecord | None]] = []
        problems: list[Problem] = []
        for group_name, role_name in row.groups:
            group = self._group(group_name)
            role = self._world.role_meant(role_name) if role_name else None
            if group is None:
                problems.append(Problem("groups", NO_GROUP))
            elif role_name and role is None:
                problems.append(Problem("groups", NO_ROLE))
            elif role and role.name == ADMIN_ROLE and not self._allows_admins:
                problems.append(Problem("groups", MAKES_ADMINISTRATORS))
            elif any(group.id == other.id for other, _ in found):
                problems.append(Problem("groups", GROUP_TWICE))
            else:
                found.append((group, role))
        return found, problems

    def _group(self, name: str) -> GroupRecord | None:
        if name not in self._groups:
            self._groups[name] = self._world.group_called(name) if name else None
        return self._groups[name]

    def _member(self) -> RoleRecord:
        role_id = self._world.role_called(MEMBER_ROLE)
        if role_id is None:
            raise InvalidInput(NO_ROLE, "groups")
        return self._world.roles[role_id]

    def _present(self, emails: set[str]) -> dict[str, Any]:
        """Those who have one of the e-mails."""
        administers = sa.or_(ADMINISTERS, _user.c.is_staff).label("administers")
        columns = (_user.c.id, _user.c.email, _user.c.full_name, _user.c.plan, _user.c.billing_subscription_id)
        query = sa.select(*columns, administers).where(_user.c.email.in_(emails))
        return {row.email: row for row in self._db.session.execute(query)}


def _read(line: Line, now: datetime) -> tuple[Row | None, str, list[Problem]]:
    return (None, "", [Problem("", line.problem)]) if line.problem else read(line.values, now)


def _refused(line: Line, email: str, problems: Sequence[Problem]) -> Verdict:
    return Verdict(Outcome(line.number, email, Action.REFUSED, problems=tuple(problems)))
