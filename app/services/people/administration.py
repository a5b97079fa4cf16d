"""What operators do to accounts. Whom it concerns is told by mail, for it is done without them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound
from app.models import User
from app.services.delivery.mail import Mail
from app.services.foundation.environment import NOBODY, Caller, Clock, Database
from app.services.foundation.person import UNKNOWN, Person, lock_person, person_at, person_of
from app.services.people.credentials import Credentials
from app.services.people.deletions import Deletions
from app.services.people.email_names import fold
from app.services.people.profiles import Profiles
from app.services.people.standing import Standing
from app.services.photos.photos import Photos
from app.services.plans.effective import ACTIVE
from app.services.plans.standings import Standings
from app.services.record.audit import Audit, Event
from app.services.sessions.sessions import Sessions
from app.services.tenancy.administrators import Administrators
from app.services.tenancy.groups import Groups
from app.services.tenancy.member_changes import Placement
from app.services.tenancy.roles import Roles

_user = cast(sa.Table, User.__table__)


class Administration:
    """Stops, lets in, changes and removes accounts; each raises :class:`NotFound` where there is none.

    ``who`` is the account's e-mail in any spelling, or its id.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        administrators: Administrators,
        credentials: Credentials,
        profiles: Profiles,
        photos: Photos,
        deletions: Deletions,
        sessions: Sessions,
        standing: Standing,
        roles: Roles,
        groups: Groups,
        standings: Standings,
        mail: Mail,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.administrators = administrators
        self.credentials = credentials
        self.profiles = profiles
        self.photos = photos
        self.deletions = deletions
        self.sessions = sessions
        self.standing = standing
        self.roles = roles
        self.groups = groups
        self.standings = standings
        self.mail = mail

    def disable(self, who: str, caller: Caller = NOBODY) -> bool:
        """Stop an account: its sessions and tokens end at once; answers whether it was active.

        Raises :class:`InvalidInput` for the last active administrator.
        """
        user_id = self._meant(who, caller).id
        # Before the account's own row: whoever counts administrators takes all of theirs, in one order.
        self.administrators.require_another(user_id)
        person = self._locked(user_id)
        if not person.is_active:
            return False
        self._update(user_id, is_active=False)
        self.sessions.end_everything(user_id, "account_disabled", caller)
        self.audit.record(Event.ACCOUNT_DISABLED, caller, user_id=user_id)
        self.mail.send("account_disabled", person)
        return True

    def enable(self, who: str, caller: Caller = NOBODY) -> bool:
        """Let a stopped account log in again; answers whether it was stopped. What ended stays ended."""
        person = self._locked(self._meant(who, caller).id)
        if person.is_active:
            return False
        self._update(person.id, is_active=True)
        self.audit.record(Event.ACCOUNT_ENABLED, caller, user_id=person.id)
        self.mail.send("account_enabled", person)
        return True

    def set_role(
        self,
        who: str,
        role: str,
        caller: Caller = NOBODY,
        group: str = "",
        approve: Callable[[bool], None] | None = None,
    ) -> bool:
        """Give a person another role, in the primary group or another one of theirs; answers whether it is another one.

        In the primary group, sessions and tokens of the old role end. Raises :class:`NotFound` for a group, and
        :class:`InvalidInput` for a role that there is not, and when the last active administrator would be none more;
        ``approve`` as in :meth:`Standing.make`.
        """
        return self.standing.make(self.role_change(who, role, group), caller, approve=approve).is_changed

    def role_change(self, who: str, role: str, group: str = "") -> Placement:
        """The change that :meth:`set_role` makes; raises as it does for what there is not."""
        user_id = self._known(who).id
        try:
            role_id = self.roles.get(role).id
        except NotFound:
            raise InvalidInput(f"Roles are {', '.join(each.name for each in self.roles.all())}.", "role") from None
        group_id = self.groups.get(group).id if group else None
        return Placement(user_id, group_id, role_id, joins=not group)

    def set_password(self, who: str, password: str, caller: Caller = NOBODY) -> None:
        """Give an account a new password; its sessions and tokens end."""
        person = self._meant(who, caller)
        hashed = self.credentials.hashed(password, person.email, person.name)
        self._replace_password(person, hashed, caller)

    def recover(self, who: str, password: str, caller: Caller = NOBODY, role: str = "") -> None:
        """Let somebody in again who is locked out, whatever keeps them out: active, staying, with a new password.

        With a ``role``, in the primary group.
        """
        person = self._meant(who, caller)
        # First of all: no transaction is open while it is made.
        hashed = self.credentials.hashed(password, person.email, person.name)
        if role:
            # Whoever changes one waits for others who do, and then for the person's row.
            self.set_role(person.id, role, caller)
        self._replace_password(person, hashed, caller)
        self.deletions.cancel(person.id, caller)
        self.enable(person.id, caller)

    def set_plan(
        self,
        who: str,
        plan: str,
        caller: Caller = NOBODY,
        *,
        status: str = ACTIVE,
        ends_at: datetime | None = None,
    ) -> bool:
        """Put an account on a plan, as :meth:`Standings.put` does; answers whether it followed a subscription."""
        return self.standings.put(self._meant(who, caller).id, plan, caller, status=status, ends_at=ends_at)

    def change(self, who: str, changes: Mapping[str, str], caller: Caller = NOBODY) -> None:
        """Change what people may change of themselves (:data:`app.services.people.profiles.RULES`), by the same rules.

        Raises :class:`InvalidFields`.
        """
        self.profiles.update(self._meant(who, caller).id, changes, caller)

    def remove_photo(self, who: str, caller: Caller = NOBODY) -> bool:
        """Take away the photo somebody uploaded; answers whether there was one."""
        return self.photos.remove(self._meant(who, caller).id, caller)

    def vouch(self, who: str, is_verified: bool, caller: Caller = NOBODY) -> None:
        """Say whether the address is known to be the person's."""
        person = self._meant(who, caller)
        if person.email_verified != is_verified:
            self._update(person.id, email_verified=is_verified)
            self.audit.record(Event.ACCOUNT_CHANGED, caller, user_id=person.id, changed="email_verified")

    def delete(self, who: str, caller: Caller = NOBODY) -> None:
        """Remove an account at once, without the days for taking it back. Commits.

        Raises :class:`InvalidInput` for the last active administrator.
        """
        self.deletions.delete(self._meant(who, caller).id, caller)

    def _replace_password(self, person: Person, hashed: str, caller: Caller) -> None:
        self.credentials.replace(person, hashed, "password_changed", caller)
        self.audit.record(Event.PASSWORD_SET, caller, user_id=person.id)
        self.mail.send("password_set", person)

    def _meant(self, who: str, caller: Caller) -> Person:
        """The same, of whom the caller's powers reach."""
        person = self._known(who)
        self.administrators.require_reach(caller, person.id)
        return person

    def _known(self, who: str) -> Person:
        # By its id where no address leads to an account: two were one, and the other one has it.
        if (person := person_at(self.db, fold(who)) or person_of(self.db, who)) is None:
            raise NotFound(UNKNOWN)
        return person

    def _locked(self, user_id: str) -> Person:
        """The person, whom nobody else changes before this transaction is over."""
        if (person := lock_person(self.db, user_id)) is None:
            raise NotFound(UNKNOWN)
        return person

    def _update(self, user_id: str, **values: object) -> None:
        self.db.session.execute(sa.update(_user).where(_user.c.id == user_id).values(updated_at=self.clock(), **values))
