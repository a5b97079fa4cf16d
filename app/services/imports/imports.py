"""Imports of people: a file is read once, a hundred rows at a time, each hundred a transaction of its own."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, islice
from typing import IO, Any

from app.errors import InvalidInput
from app.models import new_id
from app.services.foundation.environment import Caller, Clock, Database
from app.services.imports.judging import Action, Judge, Outcome, Seen, Verdict, is_primary, note
from app.services.imports.rows import COLUMNS
from app.services.imports.sheets import Form, Line, Sheet
from app.services.people.accounts import Accounts, Newcomer
from app.services.people.administration import Administration
from app.services.people.one_time_tokens import OneTimeTokens
from app.services.people.standing import Standing
from app.services.plans.catalogue import Plans
from app.services.plans.standings import Standings
from app.services.record.audit import Audit, Event
from app.services.tenancy.administrators import Administrators
from app.services.tenancy.groups import place
from app.services.tenancy.tenancy import Tenancy

ROWS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is done with a file: nothing in a rehearsal; whoever is there is changed only where that is wished for.

    ``allows_admins`` is for whoever may make administrators.
    """

    is_rehearsal: bool = False
    updates: bool = False
    allows_admins: bool = False


class Imports:
    """Takes people over from other systems."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        accounts: Accounts,
        administration: Administration,
        standing: Standing,
        standings: Standings,
        plans: Plans,
        tenancy: Tenancy,
        administrators: Administrators,
        tokens: OneTimeTokens,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.accounts = accounts
        self.administration = administration
        self.standing = standing
        self.standings = standings
        self.plans = plans
        self.tenancy = tenancy
        self.administrators = administrators
        self.tokens = tokens

    def begin(
        self,
        stream: IO[bytes],
        form: Form,
        caller: Caller,
        wishes: Wishes | None = None,
        *,
        after: int = 0,
        before: Mapping[Action, int] | None = None,
        seen: Seen | None = None,
    ) -> "Run":
        """An import that goes on as its outcomes are asked for; raises :class:`InvalidInput` for a file that is none.

        Commits after each :data:`ROWS_AT_ONCE` rows. A run that was cut short goes on by another one with the file:
        whoever is there by then is left alone. Or it goes on ``after`` the last row that was done, with the counts of
        ``before``; ``seen`` is what an earlier run has kept of the same file, so that it is not found out again.
        """
        return Run(
            self, Sheet(stream, form, COLUMNS), form, caller, wishes or Wishes(), after, before or {}, seen or Seen()
        )

    def do(self, lines: Sequence[Line], seen: Seen, caller: Caller, wishes: Wishes) -> list[Outcome]:
        """Judge rows, and do what that says unless it is a rehearsal; a transaction of its own. Commits."""
        names_groups = any("groups" in line.values for line in lines)
        if names_groups and not wishes.is_rehearsal:
            # Before any row of a person: see Tenancy.make, which waits for the same in this order.
            world = self.tenancy.begin()
            self.administrators.lock()
        else:
            world = self.tenancy.world()
        judge = Judge(
            self.db,
            world,
            self.plans,
            self.tokens,
            updates=wishes.updates,
            allows_admins=wishes.allows_admins,
        )
        verdicts = judge.judge(lines, seen, self.clock())
        if wishes.is_rehearsal:
            self.db.rollback()
            return [verdict.outcome for verdict in verdicts]
        # Rows of people who are there are locked in one order, whatever that of the file is.
        done = {id(each): self._done(each, caller) for each in sorted(verdicts, key=lambda each: each.user_id)}
        self.db.commit()
        return [done[id(verdict)] for verdict in verdicts]

    def finish(self, run: "Run", caller: Caller) -> None:
        """Put on record that a file was read to its end. Commits."""
        facts: dict[str, Any] = {"sha256": run.sha256, "format": run.form.value, "updates": run.wishes.updates}
        facts |= {action.value: run.counts[action] for action in Action}
        self.audit.record(Event.PEOPLE_IMPORTED, caller, **facts)
        self.db.commit()

    def _done(self, verdict: Verdict, caller: Caller) -> Outcome:
        outcome = verdict.outcome
        if outcome.action is Action.CREATED:
            return self._create(verdict, caller)
        if outcome.action is Action.UPDATED:
            self._update(verdict, caller)
        return outcome

    def _create(self, verdict: Verdict, caller: Caller) -> Outcome:
        row = verdict.row
        assert row is not None  # noqa: S101
        newcomer = Newcomer(
            email=row.email,
            name=row.name or "",
            password_hash=row.password_hash,
            email_verified=row.email_verified,
            locale=row.locale,
            timezone=row.timezone,
            picture=row.picture,
            is_active=not row.disabled,
            created_at=row.created_at,
            role=verdict.primary_role,
            external_id=row.external_id,
        )
        try:
            user_id = self.accounts.bring_in(newcomer, caller)
        except InvalidInput:
            # Somebody took the e-mail since it was looked for.
            return replace(verdict.outcome, action=Action.SKIPPED)
        for group, role in verdict.places:
            if not is_primary(group):
                place(self.db, user_id, group.id, role.id, self.clock())
                self.audit.record(Event.GROUP_JOINED, caller, user_id=user_id, group=group.name, role=role.name)
        if verdict.plan is not None:
            self.standings.put(user_id, verdict.plan, caller)
        return verdict.outcome

    def _update(self, verdict: Verdict, caller: Caller) -> None:
        """By the doors by which operators change an account."""
        for change in verdict.moves:
            self.standing.make(change, caller)
        if verdict.name is not None:
            self.administration.change(verdict.user_id, {"full_name": verdict.name}, caller)
        if verdict.plan is not None:
            self.standings.put(verdict.user_id, verdict.plan, caller)


class Run:
    """An import under way: iterating it does it, and gives the outcomes of each part as soon as they count.

    ``counts`` says how many rows became what so far, ``sha256`` is that of the file once all of it was read.
    """

    def __init__(
        self,
        imports: Imports,
        sheet: Sheet,
        form: Form,
        caller: Caller,
        wishes: Wishes,
        after: int,
        before: Mapping[Action, int],
        seen: Seen,
    ) -> None:
        self.form = form
        self.wishes = wishes
        self.counts: Counter[Action] = Counter(before)
        self._after = after
        self._seen = seen
        self._imports = imports
        self._sheet = sheet
        # What is on record of one run is found by one id, as what a request did is.
        self._caller = replace(caller, request_id=caller.request_id or new_id())

    @property
    def id(self) -> str:
        """By what it is found on record."""
        return self._caller.request_id

    @property
    def sha256(self) -> str:
        """Of what was read of the file so far."""
        return self._sheet.sha256

    def __iter__(self) -> Iterator[list[Outcome]]:
        """The outcomes, a part at a time; once."""
        seen, rows = self._seen, iter(self._sheet)
        if self._after:
            rows = dropwhile(lambda line: note(line, seen, self._after), rows)
        while lines := list(islice(rows, ROWS_AT_ONCE)):
            outcomes = self._imports.do(lines, seen, self._caller, self.wishes)
            self.counts.update(each.action for each in outcomes)
            seen.last = max(seen.last, lines[-1].number)
            yield outcomes
        if not self.wishes.is_rehearsal:
            self._imports.finish(self, self._caller)
