"""Forgotten passwords, and first ones of who is invited: who proves to hold the mailbox sets a new one.

The request only queues the wish, so it does the same for every address there is; whether there is an account, and
whether it may be reset, is found out in the background.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import cast

import sqlalchemy as sa

from app.errors import InvalidInput, LinkGone, NotFound, TooManyAttempts, sentence
from app.models import User
from app.services.delivery.mail import Mail
from app.services.delivery.outbox import Due, Outbox
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.person import Person, person_at, person_of
from app.services.foundation.rate_limits import RateLimiter
from app.services.people.credentials import Credentials
from app.services.people.email_names import fold
from app.services.people.one_time_tokens import LIVES, SET_PASSWORD, OneTimeTokens, Proof, Purpose, mailed_link
from app.services.record.audit import Audit, Event

WISH = "password_reset"
WISH_LIFE = timedelta(minutes=30)
MAILS = "5/hour"
"""So many links are mailed to one account. The newest lives as long, so one that works is always in the mailbox."""
NO_MAIL = sentence("No mail leaves this portal, so nobody can be invited by one.")
HAS_WAY_IN = sentence("This account was used already. Mail a link for a new password instead.")
_user = cast(sa.Table, User.__table__)


class PasswordResets:
    """Takes wishes for a new password, and fulfils them: a courier (:mod:`app.server.background`) of its own wishes."""

    kinds = (WISH,)
    parallel = 1
    room = 1

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        outbox: Outbox,
        mail: Mail,
        tokens: OneTimeTokens,
        credentials: Credentials,
        limits: RateLimiter,
        issuer: str,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.outbox = outbox
        self.mail = mail
        self.tokens = tokens
        self.credentials = credentials
        self.limits = limits
        self.issuer = issuer
        self._attendants: list[Callable[[str, Caller], None]] = []

    def attend(self, action: Callable[[str, Caller], None]) -> None:
        """Have ``action`` called with the id of whoever proves the account's address for the first time by a reset.

        Somebody else may have made the account and waits for its person (pre-hijacking).
        """
        self._attendants.append(action)

    def request(self, email: str, language: str, interaction_id: str | None, caller: Caller) -> None:
        """Queue the wish for a link to set a new password, whoever's address it is."""
        content = {
            "email": fold(email),
            "language": language,
            "interaction": interaction_id,
            "ip_address": caller.ip_address,
            "user_agent": caller.user_agent,
        }
        self.outbox.add(WISH, content, life=WISH_LIFE)

    def prepare(self, due: Due) -> Callable[[], None] | None:
        """Mail the link, good for an hour, if the address is that of an active account; nothing for others."""
        content = due.content
        person = person_at(self.db, content["email"])
        if person is None or not person.is_active or not self._may_mail(person):
            return None
        token = self.tokens.issue(Purpose.RESET_PASSWORD, person.id, person.email)
        life = LIVES[Purpose.RESET_PASSWORD]
        self.mail.send(
            "reset_password",
            person,
            language=content["language"],
            life=life,
            link=mailed_link(self.issuer, Purpose.RESET_PASSWORD, token, content["interaction"]),
            expires_at=self.clock() + life,
        )
        caller = Caller(content["ip_address"], content["user_agent"])
        self.audit.record(Event.PASSWORD_RESET_REQUESTED, caller, user_id=person.id)
        return None

    def invite(self, user_id: str, caller: Caller) -> None:
        """Mail somebody whose account was made for them a link to set its first password, good for a week.

        A link that was mailed before is void. Raises :class:`NotFound`; :class:`InvalidInput` where no mail would
        arrive and for an account that has a password; ``TooManyAttempts`` after five within an hour.
        """
        person = person_of(self.db, user_id)
        if person is None or not person.is_active:
            raise NotFound
        if not self.mail.reaches(person.email):
            raise InvalidInput(NO_MAIL)
        if person.password_hash is not None:
            raise InvalidInput(HAS_WAY_IN)
        self.limits.hit("invitation_mail", MAILS, person.id)
        purpose = Purpose.ACCEPT_INVITATION
        token, life = self.tokens.issue(purpose, person.id, person.email), LIVES[purpose]
        link = mailed_link(self.issuer, purpose, token)
        self.mail.send("invitation", person, life=life, link=link, expires_at=self.clock() + life)
        self.audit.record(Event.ACCOUNT_INVITED, caller, user_id=person.id)

    def holder(self, token: str) -> str:
        """The e-mail of the account a link is for, without using it; raises :class:`LinkGone`."""
        return self._person_behind(self._peek(token)[1]).email

    def is_invitation(self, token: str) -> bool:
        """Whether a link is for a first password; raises :class:`LinkGone`."""
        return self._peek(token)[0] is Purpose.ACCEPT_INVITATION

    def reset(self, token: str, new: str, caller: Caller) -> Proof:
        """Set the new password of whoever holds the mailbox; answers who that is.

        Every session, token, code and known browser of the account ends, every other link is void, the address counts
        as proven; if it was not yet, logins of other providers end as well. Raises :class:`LinkGone`, also for an
        account that was disabled, and :class:`InvalidInput` for a weak password, which leaves the link good.
        """
        purpose, proof = self._peek(token)
        person = self._person_behind(proof)
        hashed = self.credentials.hashed(new, person.email, person.name)
        proof = self.tokens.take(token, purpose)
        person = self._person_behind(proof)
        self.credentials.replace(person, hashed, "password_reset", caller)
        self.tokens.void(person.id, Purpose.VERIFY_EMAIL)
        for act in self._attendants if not person.email_verified else []:
            act(person.id, caller)
        self.db.session.execute(sa.update(_user).where(_user.c.id == person.id).values(email_verified=True))
        self.audit.record(Event.PASSWORD_RESET, caller, user_id=person.id)
        self.credentials.tell(person, caller)
        return proof

    def _peek(self, token: str) -> tuple[Purpose, Proof]:
        """What a link is for and says; raises :class:`LinkGone`."""
        for purpose in SET_PASSWORD:
            with suppress(LinkGone):
                return purpose, self.tokens.peek(token, purpose)
        raise LinkGone

    def _person_behind(self, proof: Proof) -> Person:
        person = person_of(self.db, proof.user_id)
        if person is None or not person.is_active or person.email != proof.email:
            raise LinkGone
        return person

    def _may_mail(self, person: Person) -> bool:
        try:
            self.limits.hit("reset_mail", MAILS, person.id, must_count=False)
        except TooManyAttempts:
            return False
        return True
