"""Accounts: how they begin, who they are, and whether somebody knows their password."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.errors import InvalidFields, InvalidInput, NotFound, WrongCredentials, sentence
from app.models import User, new_id
from app.services.foundation.environment import NOBODY, Caller, Clock, Database
from app.services.foundation.person import UNKNOWN, Person, person_at, person_of
from app.services.foundation.texts import shown
from app.services.people.attempts import Attempts
from app.services.people.credentials import Credentials
from app.services.people.email_names import fold, normalised
from app.services.people.passwords import Passwords
from app.services.people.profiles import LONGEST_USERNAME, UNNAMED, given_username, require_name
from app.services.plans.effective import plan_at
from app.services.record.audit import Audit, Event
from app.services.tenancy.catalogue import ADMIN_ROLE, MEMBER_ROLE
from app.services.tenancy.groups import join

TAKEN = sentence("There is an account with this e-mail. Log in, or use another e-mail.")
HAS_ONE = sentence("Your account has a password by now. Change it instead.")
NOT_YOURS = sentence("This is not your password. Check it and try again.")
NOBODYS_HOST = "selfcheck.invalid"
"""Of accounts that are lent: no mail leads there, and nobody can register with it."""
_user = cast(sa.Table, User.__table__)


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """An account as lists show it; ``plan`` is what was set or paid for, ``effective_plan`` what counts now."""

    id: str
    email: str
    full_name: str
    is_active: bool
    is_admin: bool
    email_verified: bool
    plan: str
    effective_plan: str
    created_at: datetime
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody whom another system knew, each value as accounts keep it; None where nothing was said."""

    email: str
    name: str = ""
    password_hash: str | None = field(default=None, repr=False)
    email_verified: bool = False
    locale: str = ""
    timezone: str | None = None
    picture: str | None = None
    is_active: bool = True
    created_at: datetime | None = None
    role: str = MEMBER_ROLE
    """The one in the platform's own group."""
    external_id: str = ""
    """What the other system called the person; it goes on record."""


class Accounts:
    """Makes, finds and checks accounts."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        passwords: Passwords,
        credentials: Credentials,
        attempts: Attempts,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.passwords = passwords
        self.credentials = credentials
        self.attempts = attempts

    def authenticate(self, email: str, password: str, caller: Caller) -> str:
        """The id of the active person with these credentials; raises :class:`WrongCredentials`.

        An unknown account costs the same time and gives the same answer as a wrong password.
        """
        person = person_at(self.db, fold(email))
        if not self.credentials.matches(person, password) or person is None or not person.is_active:
            self.audit.record_refusal(
                Event.LOGIN_FAILED, caller, error="wrong_credentials", user_id=person.id if person else None
            )
            raise WrongCredentials
        values: dict[str, object] = {"last_login_at": self.clock()}
        if self.passwords.needs_rehash(cast(str, person.password_hash), password):
            values["password_hash"] = self.passwords.hash(password)
        self.db.session.execute(sa.update(_user).where(_user.c.id == person.id).values(**values))
        self.audit.record(Event.LOGIN_SUCCEEDED, caller, user_id=person.id)
        return person.id

    def confirm(self, user_id: str, password: str, caller: Caller) -> None:
        """Make sure that it is still this very person; raises :class:`WrongCredentials`."""
        person = self._person(user_id)
        if not self.credentials.matches(person, password) or not person.is_active:
            self.audit.record_refusal(Event.PASSWORD_CONFIRMED, caller, error="wrong_credentials", user_id=user_id)
            raise WrongCredentials(NOT_YOURS)
        self.audit.record(Event.PASSWORD_CONFIRMED, caller, user_id=user_id)

    def change_password(
        self, user_id: str, current: str, new: str, caller: Caller, *, keep_session_id: str | None
    ) -> None:
        """A person's own change: every other session and its tokens end, and the person is told by mail.

        Raises :class:`InvalidFields` (``"current"`` for a wrong present password, ``"password"`` for a weak new one,
        both if both are), ``TooManyAttempts`` after too many guesses at the present one.
        """
        person = self._person(user_id)
        with self.attempts.guess("password_change", person.email, caller):
            if not self.credentials.matches(person, current):
                self.audit.record_refusal(Event.PASSWORD_CHANGED, caller, error="wrong_credentials", user_id=user_id)
                raise InvalidFields({"current": NOT_YOURS, **self.weaknesses(user_id, new)})
        hashed = self.credentials.hashed(new, person.email, person.name)
        self.credentials.replace(person, hashed, "password_changed", caller, keep_session_id=keep_session_id)
        self.audit.record(Event.PASSWORD_CHANGED, caller, user_id=user_id)
        self.credentials.tell(person, caller)

    def weaknesses(self, user_id: str, new: str) -> dict[str, str]:
        """Why a password is none for this person, under ``"password"``; empty if it is one."""
        person = self._person(user_id)
        try:
            self.passwords.require_strength(new, person.email, person.name)
        except InvalidInput as refusal:
            return {refusal.field: refusal.message}
        return {}

    def problems(self, email: str, name: str, password: str) -> dict[str, str]:
        """All that speaks against these for an account of one's own, whoever has them: a sentence for each field."""
        return self._problems(
            lambda: require_name(name),
            lambda: normalised(email),
            lambda: self.passwords.require_strength(password, email, name),
        )

    @staticmethod
    def _problems(*rules: Callable[[], object]) -> dict[str, str]:
        """What each rule says against it, by the field it belongs to."""
        found = {}
        for require in rules:
            try:
                require()
            except InvalidInput as refusal:
                found[refusal.field] = refusal.message
        return found

    def register(self, email: str, name: str, password: str, language: str, caller: Caller) -> str:
        """Make an account for a person who asks for one; raises :class:`InvalidInput`. Answers its id."""
        if problems := self.problems(email, name, password):
            raise InvalidFields(problems)
        email, name = normalised(email), require_name(name)
        hashed = self.credentials.hashed(password, email, name)
        # Its former holder may still take it back (:meth:`EmailAddresses.restore`).
        if self.credentials.tokens.is_restorable(email):
            raise InvalidInput(TAKEN, "email")
        user_id = self._add(email, name, hashed, role=MEMBER_ROLE, locale=language)
        self.audit.record(Event.ACCOUNT_REGISTERED, caller, user_id=user_id)
        return user_id

    def register_without_password(
        self, email: str, name: str, language: str, caller: Caller, *, is_verified: bool, picture: str = ""
    ) -> str:
        """Make an account for a person who comes in by other means; raises :class:`InvalidInput`. Answers its id."""
        if problems := self._problems(lambda: require_name(name), lambda: normalised(email)):
            raise InvalidFields(problems)
        email, name = normalised(email), require_name(name)
        if self.credentials.tokens.is_restorable(email):
            raise InvalidInput(TAKEN, "email")
        user_id = self._add(
            email, name, None, role=MEMBER_ROLE, is_verified=is_verified, locale=language, avatar_url=picture or None
        )
        self.audit.record(Event.ACCOUNT_REGISTERED, caller, user_id=user_id)
        return user_id

    def has_password(self, user_id: str) -> bool:
        """Whether a password opens the account; raises :class:`NotFound`."""
        return self._person(user_id).password_hash is not None

    def set_first_password(self, user_id: str, new: str, caller: Caller, *, keep_session_id: str | None) -> None:
        """Give an account its first password, for who has just proven to be its person; the person is told by mail.

        Other sessions and their tokens end, as with every new password. Raises :class:`InvalidInput`
        (``"password"``) for a weak one, or where there is one by now: then it is to be changed.
        """
        person = self._person(user_id)
        hashed = self.credentials.hashed(new, person.email, person.name)
        if self._person(user_id).password_hash is not None:
            raise InvalidInput(HAS_ONE, "password")
        self.credentials.replace(person, hashed, "password_changed", caller, keep_session_id=keep_session_id)
        self.audit.record(Event.PASSWORD_CHANGED, caller, user_id=user_id)
        self.credentials.tell(person, caller)

    def create(
        self,
        email: str,
        password: str | None,
        *,
        name: str = "",
        is_admin: bool = False,
        is_verified: bool = False,
        locale: str = "",
        caller: Caller = NOBODY,
    ) -> str:
        """Make an account by an operator's hand; raises :class:`InvalidFields`. Answers its id.

        Without a password it is entered by a link in a mail (:meth:`PasswordResets.invite`).
        """
        rules: list[Callable[[], object]] = [lambda: require_name(name), lambda: normalised(email)]
        if password is not None:
            rules.append(lambda: self.passwords.require_strength(password, email, name))
        if problems := self._problems(*rules):
            raise InvalidFields(problems)
        email, name = normalised(email), require_name(name)
        if self.credentials.tokens.is_restorable(email):
            raise InvalidInput(TAKEN, "email")
        user_id = self._add(
            email,
            name,
            None if password is None else self.passwords.hash(password),
            role=ADMIN_ROLE if is_admin else MEMBER_ROLE,
            is_admin=is_admin,
            is_verified=is_verified,
            locale=locale,
        )
        self.audit.record(Event.ACCOUNT_CREATED, caller, user_id=user_id, is_admin=is_admin)
        return user_id

    def bring_in(self, newcomer: Newcomer, caller: Caller) -> str:
        """Make an account that another system had, with the password hash of there; nobody is mailed. Answers its id.

        Raises :class:`InvalidInput` where somebody has the e-mail, or may still return to it.
        """
        if self.credentials.tokens.is_restorable(newcomer.email):
            raise InvalidInput(TAKEN, "email")
        said = {"timezone": newcomer.timezone, "created_at": newcomer.created_at}
        user_id = self._add(
            newcomer.email,
            newcomer.name,
            newcomer.password_hash,
            role=newcomer.role,
            is_admin=newcomer.role == ADMIN_ROLE,
            is_verified=newcomer.email_verified,
            locale=newcomer.locale,
            avatar_url=newcomer.picture,
            # When the password was chosen is not known.
            password_changed_at=None,
            is_active=newcomer.is_active,
            **{column: value for column, value in said.items() if value is not None},
        )
        known = {"external_id": newcomer.external_id} if newcomer.external_id else {}
        self.audit.record(Event.ACCOUNT_IMPORTED, caller, user_id=user_id, **cast(dict[str, Any], known))
        return user_id

    def lend(self, name: str, password: str, until: datetime, caller: Caller) -> tuple[str, str]:
        """Make an account for a program, which goes by itself ``until`` then; answers its id and its e-mail."""
        email = f"{name}@{NOBODYS_HOST}"
        user_id = self._add(email, name, self.passwords.hash(password), role=MEMBER_ROLE)
        self.db.session.execute(sa.update(_user).where(_user.c.id == user_id).values(deletes_at=until))
        self.audit.record(Event.ACCOUNT_CREATED, caller, user_id=user_id, is_admin=False)
        return user_id, email

    def find(self, who: str) -> AccountSummary:
        """The account of that e-mail, in any spelling, or of that id; raises :class:`NotFound`."""
        found = self._summaries().where(_user.c.email == fold(who)), self._summaries().where(_user.c.id == who)
        for query in found:
            if row := self.db.session.execute(query).first():
                return _summary(row)
        raise NotFound(UNKNOWN)

    def at(self, user_id: str) -> AccountSummary | None:
        """The account of that id."""
        row = self.db.session.execute(self._summaries().where(_user.c.id == user_id)).first()
        return None if row is None else _summary(row)

    def has_accounts(self) -> bool:
        """Whether anybody has an account."""
        return self.db.session.execute(sa.select(_user.c.id).limit(1)).first() is not None

    def _summaries(self) -> "sa.Select[Any]":
        return sa.select(_user, plan_at(self.clock()).label("effective_plan"))

    def _add(
        self,
        email: str,
        name: str,
        password_hash: str | None,
        *,
        role: str,
        is_admin: bool = False,
        is_verified: bool = False,
        locale: str = "",
        avatar_url: str | None = None,
        **more: Any,
    ) -> str:
        now, user_id = self.clock(), new_id()
        person: dict[str, Any] = {
            "id": user_id,
            "email": email,
            "full_name": name,
            "password_hash": password_hash,
            "password_changed_at": now if password_hash else None,
            "avatar_url": avatar_url,
            "email_verified": is_verified,
            "is_staff": is_admin,
            "is_superuser": is_admin,
            "locale": locale,
            "created_at": now,
            "updated_at": now,
            **more,
        }
        # Another person may have taken the name or the e-mail a moment ago: a name is chosen anew, an e-mail is not.
        names = (self._free_username(email), self._long_username(email))
        if not any(self._inserted(person, name) for name in names):
            raise InvalidInput(TAKEN, "email")
        join(self.db, user_id, role, now)
        return user_id

    def _inserted(self, person: dict[str, Any], username: str) -> bool:
        try:
            with self.db.session.begin_nested():
                self.db.session.add(User(username=username, **person))
        except IntegrityError:
            return False
        return True

    def _free_username(self, email: str) -> str:
        name = given_username(email)
        if name is None or self.db.session.execute(sa.select(_user.c.id).where(_user.c.username == name)).first():
            return self._long_username(email)
        return name

    def _long_username(self, email: str) -> str:
        stem = (given_username(email) or UNNAMED)[: LONGEST_USERNAME - 9].rstrip("._-")
        return f"{stem}-{secrets.token_hex(4)}"

    def _person(self, user_id: str) -> Person:
        if (person := person_of(self.db, user_id)) is None:
            raise NotFound
        return person


def _summary(row: Any) -> AccountSummary:
    return AccountSummary(
        row.id,
        row.email,
        shown(row.full_name),
        row.is_active,
        row.is_superuser,
        row.email_verified,
        row.plan,
        row.effective_plan,
        row.created_at,
        row.last_login_at,
    )
