"""What operators do to accounts. Whom it concerns is told by mail, for it is done without them."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound
from app.models import Group, Membership, Role, User, new_id
from app.services.delivery.mail import Mail
from app.services.foundation.environment import NOBODY, Caller, Clock, Database
from app.services.foundation.person import Person, lock_person, person_at, person_of
from app.services.people.administrators import Administrators
from app.services.people.credentials import Credentials
from app.services.people.deletions import Deletions
from app.services.people.email_names import fold
from app.services.people.profiles import Profiles
from app.services.photos.photos import Photos
from app.services.record.audit import Audit, Event
from app.services.sessions.sessions import Sessions
from app.services.tokens.claims import ADMIN_ROLE

PLANS = ("free", "pro", "studio", "enterprise")
PRIMARY_GROUP = "MAX"
UNKNOWN = "There is no account of that e-mail or id."
_user = cast(sa.Table, User.__table__)
_membership = cast(sa.Table, Membership.__table__)
_group = cast(sa.Table, Group.__table__)
_role = cast(sa.Table, Role.__table__)


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
        self.mail = mail

    def disable(self, who: str, caller: Caller = NOBODY) -> bool:
        """Stop an account: its sessions and tokens end at once; answers whether it was active.

        Raises :class:`InvalidInput` for the last active administrator.
        """
        user_id = self._known(who).id
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
        person = self._locked(self._known(who).id)
        if person.is_active:
            return False
        self._update(person.id, is_active=True)
        self.audit.record(Event.ACCOUNT_ENABLED, caller, user_id=person.id)
        self.mail.send("account_enabled", person)
        return True

    def set_role(self, who: str, role: str, caller: Caller = NOBODY) -> bool:
        """Give a person another role in the platform's own group; answers whether it is another one.

        Sessions and tokens of the old role end. Raises :class:`InvalidInput` for a role that there is not, and when the
        last active administrator would be none any more.
        """
        role_id = self.db.session.scalar(sa.select(_role.c.id).where(_role.c.name == role))
        if role_id is None:
            raise InvalidInput(f"Roles are {', '.join(self.roles())}.", "role")
        user_id, is_admin = self._known(who).id, role == ADMIN_ROLE
        if not is_admin:
            self.administrators.require_another(user_id)
        person = self._locked(user_id)
        if self._holds(person.id, role_id, role):
            return False
        self._update(person.id, is_superuser=is_admin, is_staff=is_admin)
        join(self.db, person.id, role, self.clock())
        self.sessions.end_everything(person.id, "role_changed", caller)
        self.audit.record(Event.ROLE_SET, caller, user_id=person.id, role=role)
        self.mail.send("role_changed", person, role=role)
        return True

    def roles(self) -> list[str]:
        """The names of all roles."""
        return list(self.db.session.scalars(sa.select(_role.c.name).order_by(_role.c.name)))

    def set_password(self, who: str, password: str, caller: Caller = NOBODY) -> None:
        """Give an account a new password; its sessions and tokens end."""
        person = self._known(who)
        hashed = self.credentials.hashed(password, person.email, person.name)
        self.credentials.replace(person, hashed, "password_changed", caller)
        self.audit.record(Event.PASSWORD_SET, caller, user_id=person.id)
        self.mail.send("password_set", person)

    def recover(self, who: str, password: str, caller: Caller = NOBODY) -> None:
        """Let somebody in again who is locked out, whatever keeps them out: active, staying, with a new password."""
        self.set_password(who, password, caller)
        person = self._known(who)
        self.deletions.cancel(person.id, caller)
        self.enable(who, caller)

    def set_plan(self, who: str, plan: str, caller: Caller = NOBODY) -> None:
        """Put an account on a plan."""
        if plan not in PLANS:
            raise InvalidInput(f"Plans are {', '.join(PLANS)}.", "plan")
        person = self._known(who)
        self._update(person.id, plan=plan, plan_status="active", plan_started_at=self.clock())
        self.audit.record(Event.PLAN_SET, caller, user_id=person.id, plan=plan)

    def change(self, who: str, changes: Mapping[str, str], caller: Caller = NOBODY) -> None:
        """Change what people may change of themselves (:data:`app.services.people.profiles.RULES`), by the same rules.

        Raises :class:`InvalidFields`.
        """
        self.profiles.update(self._known(who).id, changes, caller)

    def remove_photo(self, who: str, caller: Caller = NOBODY) -> bool:
        """Take away the photo somebody uploaded; answers whether there was one."""
        return self.photos.remove(self._known(who).id, caller)

    def vouch(self, who: str, is_verified: bool, caller: Caller = NOBODY) -> None:
        """Say whether the address is known to be the person's."""
        person = self._known(who)
        if person.email_verified != is_verified:
            self._update(person.id, email_verified=is_verified)
            self.audit.record(Event.ACCOUNT_CHANGED, caller, user_id=person.id, changed="email_verified")

    def delete(self, who: str, caller: Caller = NOBODY) -> None:
        """Remove an account at once, without the days for taking it back. Commits.

        Raises :class:`InvalidInput` for the last active administrator.
        """
        self.deletions.delete(self._known(who).id, caller)

    def _holds(self, user_id: str, role_id: str, role: str) -> bool:
        held = self.db.session.scalar(
            sa.select(_membership.c.role_id).where(_membership.c.user_id == user_id, _membership.c.is_primary)
        )
        is_superuser = self.db.session.scalar(sa.select(_user.c.is_superuser).where(_user.c.id == user_id))
        return held == role_id and is_superuser == (role == ADMIN_ROLE)

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


def join(db: Database, user_id: str, role: str, now: datetime) -> None:
    """Give a person this role in the platform's own group, if group and role were seeded."""
    group_id = db.session.scalar(sa.select(_group.c.id).where(_group.c.name == PRIMARY_GROUP))
    role_id = db.session.scalar(sa.select(_role.c.id).where(_role.c.name == role))
    if not group_id or not role_id:
        return
    of_person = _membership.c.user_id == user_id
    changed = db.session.execute(
        sa.update(_membership).where(of_person, _membership.c.is_primary).values(role_id=role_id)
    )
    if not cast(sa.CursorResult[object], changed).rowcount:
        row = {"user_id": user_id, "group_id": group_id, "role_id": role_id, "is_primary": True, "created_at": now}
        db.session.execute(sa.insert(_membership).values(id=new_id(), **row))
