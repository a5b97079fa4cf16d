"""The e-mail address of an account: proving it, changing it, and taking a change back.

Nothing here happens by opening a link; the edge asks for a click first. What a link promises holds only while the
account is active, and only for the address the link was sent to.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.errors import InvalidInput, LinkGone, NotFound, sentence
from app.models import User
from app.services.delivery.mail import Mail
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.person import Person, person_at, person_of
from app.services.foundation.rate_limits import RateLimiter
from app.services.people.devices import Devices
from app.services.people.email_names import fold, normalised
from app.services.people.one_time_tokens import LIVES, SET_PASSWORD, OneTimeTokens, Proof, Purpose, mailed_link
from app.services.record.audit import Audit, Event
from app.services.sessions.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link would do: let ``email`` count, for a person who chose to read ``locale``, if any.

    Of a change ``can_be_undone`` by the old address, unless that was never proven.
    """

    email: str
    locale: str
    can_be_undone: bool


MAILS = "5/hour"
"""So many mails of one kind a person may have sent, and may be sent to one address."""
YOURS = sentence("This is the e-mail of your account already.")
OWN = sentence("This is the e-mail of the account already.")
TAKEN = sentence("Another account has this e-mail.")
MAY_RETURN = sentence("Another account had this e-mail and may still return to it.")
_user = cast(sa.Table, User.__table__)


class EmailAddresses:
    """Verifies, changes and restores addresses; ``issuer`` is where mailed links lead."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        tokens: OneTimeTokens,
        mail: Mail,
        limits: RateLimiter,
        sessions: Sessions,
        devices: Devices,
        issuer: str,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.tokens = tokens
        self.mail = mail
        self.limits = limits
        self.sessions = sessions
        self.devices = devices
        self.issuer = issuer

    def send_verification(self, user_id: str, language: str, interaction_id: str | None = None) -> None:
        """Mail a link that proves the person's address, good for a day; nothing when it is proven already.

        The link keeps the pending request. Raises ``TooManyAttempts`` after five within an hour.
        """
        person = person_of(self.db, user_id)
        if person is None or person.email_verified or not self.mail.is_possible:
            return
        self.limits.hit("verification_mail", MAILS, user_id)
        self._mail_link(Purpose.VERIFY_EMAIL, person, person.email, language, interaction_id)

    def offered(self, token: str, purpose: Purpose) -> Offer:
        """What a link would do, without doing it; raises :class:`LinkGone`."""
        proof = self.tokens.peek(token, purpose)
        person = self._active_behind(proof)
        if purpose is Purpose.VERIFY_EMAIL and person.email != proof.email:
            raise LinkGone
        return Offer(proof.email, person.chosen_locale, purpose is Purpose.CHANGE_EMAIL and person.email_verified)

    def verify(self, token: str, caller: Caller) -> str:
        """The person holds the mailbox: note it. Answers the person's id; raises :class:`LinkGone`."""
        proof = self.tokens.take(token, Purpose.VERIFY_EMAIL)
        changed = self.db.session.execute(
            sa.update(_user)
            .where(_user.c.id == proof.user_id, _user.c.email == proof.email, _user.c.is_active)
            .values(email_verified=True, updated_at=self.clock())
        )
        if cast(Any, changed).rowcount != 1:
            raise LinkGone
        self.audit.record(Event.EMAIL_VERIFIED, caller, user_id=proof.user_id)
        return proof.user_id

    def request_change(self, user_id: str, new_email: str, language: str, caller: Caller) -> None:
        """Mail a link to the new address, good for an hour; until it is used the old one counts.

        An address that is taken is answered alike, and its holder is told. Raises :class:`InvalidInput` for what is no
        address or the present one, ``TooManyAttempts`` after five within an hour.
        """
        new = normalised(new_email)
        person = self._active(user_id)
        if new == person.email:
            raise InvalidInput(YOURS, "email")
        self.limits.hit("change_mail", MAILS, user_id)
        self.limits.hit("change_mail_to", MAILS, new)
        self.audit.record(Event.EMAIL_CHANGE_REQUESTED, caller, user_id=user_id)
        with self.db.reaching_all():
            holder = person_at(self.db, new)
        if holder is None:
            self._mail_link(Purpose.CHANGE_EMAIL, person, new, language, email=new)
            return
        # Earlier links are void here too, and it costs the same.
        self.tokens.issue(Purpose.CHANGE_EMAIL, user_id, new)
        with self.db.reaching_all():
            self.mail.send("email_taken", holder)

    def change_in_flight(self, user_id: str) -> Proof | None:
        """The change that waits for the link in the mail to be opened, if one does."""
        return self.tokens.latest(user_id, Purpose.CHANGE_EMAIL)

    def change(self, token: str, caller: Caller) -> str:
        """The new address counts from now on, and the old one is told, with a link that undoes it for seven days.

        Answers the person's id; raises :class:`LinkGone`, and :class:`InvalidInput` when somebody took the address.
        """
        proof = self.tokens.take(token, Purpose.CHANGE_EMAIL)
        person = self._active_behind(proof)
        self._move(person, proof.email)
        # What was mailed to the old address is no proof any more.
        self.tokens.void(person.id, Purpose.VERIFY_EMAIL, *SET_PASSWORD)
        # An address that was never proven may be a stranger's, who must not be handed the account.
        if person.email_verified:
            self._tell_old(person, proof.email)
        self.audit.record(Event.EMAIL_CHANGED, caller, user_id=person.id)
        return person.id

    def restore(self, token: str, caller: Caller) -> str:
        """Undo a change: the old address counts again, every session, token and known browser of the account is gone.

        Answers the person's id; raises as :meth:`change` does. Whoever made the change may know the password: advise a
        new one.
        """
        proof = self.tokens.take(token, Purpose.RESTORE_EMAIL)
        person = self._active_behind(proof)
        self._move(person, proof.email)
        self.tokens.void(person.id, Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL, *SET_PASSWORD)
        # Links of later changes were sent to the intruder; those of earlier ones go on.
        self.tokens.void(person.id, Purpose.RESTORE_EMAIL, since=proof.created_at)
        self.sessions.end_everything(person.id, "email_restored", caller)
        self.devices.forget(person.id)
        self.audit.record(Event.EMAIL_RESTORED, caller, user_id=person.id)
        return person.id

    def assign(self, user_id: str, new_email: str, caller: Caller, *, is_verified: bool = False) -> str:
        """Give an account another address by an operator's hand; answers it as it is kept. Sessions go on.

        A proven old address is told, with the link that undoes it, as after a change of the person's own; links that
        were mailed before are void. Raises :class:`InvalidInput` for what is no address, the present one, or one that
        another account has or may still return to; :class:`NotFound`.
        """
        new = normalised(new_email)
        if (person := person_of(self.db, user_id)) is None:
            raise NotFound
        if new == person.email:
            raise InvalidInput(OWN, "email")
        if person_at(self.db, new):
            raise InvalidInput(TAKEN, "email")
        if self.tokens.is_restorable(new, except_by=user_id):
            raise InvalidInput(MAY_RETURN, "email")
        self._move(person, new, is_verified=is_verified)
        self.tokens.void(user_id, Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL, *SET_PASSWORD)
        # What is not in its one spelling is mailed to whoever has that, who is somebody else.
        if person.email_verified and fold(person.email) == person.email and self.mail.is_possible:
            self._tell_old(person, new)
        self.audit.record(Event.EMAIL_CHANGED, caller, user_id=user_id, is_verified=is_verified)
        return new

    def _tell_old(self, person: Person, new: str) -> None:
        """Tell the address that counted before, with the link that undoes the change."""
        old = person.email
        self._mail_link(Purpose.RESTORE_EMAIL, person, old, person.locale, old_email=old, new_email=new)

    def _mail_link(
        self,
        purpose: Purpose,
        person: Person,
        to: str,
        language: str,
        interaction_id: str | None = None,
        **values: Any,
    ) -> None:
        # Each change can be undone for itself: a second one does not take the first one's link away.
        token = self.tokens.issue(purpose, person.id, to, keeps_others=purpose is Purpose.RESTORE_EMAIL)
        life: timedelta = LIVES[purpose]
        self.mail.send(
            "email_changed" if purpose is Purpose.RESTORE_EMAIL else purpose.value,
            person,
            to=to,
            language=language,
            life=life,
            link=mailed_link(self.issuer, purpose, token, interaction_id),
            expires_at=self.clock() + life,
            **values,
        )

    def _move(self, person: Person, email: str, *, is_verified: bool = True) -> None:
        """Give the account an address, whose mailbox was just proven unless it is said otherwise."""
        changed = sa.update(_user).where(_user.c.id == person.id)
        try:
            with self.db.session.begin_nested():
                self.db.session.execute(
                    changed.values(email=email, email_verified=is_verified, updated_at=self.clock())
                )
        except IntegrityError:
            raise InvalidInput(
                sentence("Another account uses this e-mail by now, so nothing was changed."), "email"
            ) from None

    def _active_behind(self, proof: Proof) -> Person:
        try:
            return self._active(proof.user_id)
        except NotFound:
            raise LinkGone from None

    def _active(self, user_id: str) -> Person:
        person = person_of(self.db, user_id)
        if person is None or not person.is_active:
            raise NotFound
        return person
