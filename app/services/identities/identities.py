"""Links between accounts and identities at providers: who comes in by which one, new links, and their ends."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.errors import AnswerGone, IdentityTaken, LastWayIn, NotFound
from app.models import Identity, User, UserSession, new_id
from app.services.delivery.mail import Mail
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.person import Person, lock_person, person_of
from app.services.foundation.sealing import Sealer
from app.services.identities.answers import ProviderAnswers
from app.services.identities.farewells import Farewells
from app.services.identities.profiles import ProviderProfile
from app.services.record.audit import Audit, Event
from app.services.sessions.sessions import Sessions

_identity = cast(sa.Table, Identity.__table__)
_session = cast(sa.Table, UserSession.__table__)
_user = cast(sa.Table, User.__table__)


@dataclass(frozen=True, slots=True)
class LinkedIdentity:
    """An identity as its owner sees it; ``provider`` may be one that is not configured any more."""

    id: str
    user_id: str
    provider: str
    email: str
    email_verified: bool
    name: str
    created_at: datetime
    last_used_at: datetime


class Identities:
    """Finds, links and unlinks identities; ``providers`` are those that people can come in with."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        sealer: Sealer,
        sessions: Sessions,
        mail: Mail,
        answers: ProviderAnswers,
        farewells: Farewells,
        providers: Sequence[str],
        link: str,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.sealer = sealer
        self.sessions = sessions
        self.mail = mail
        self.answers = answers
        self.farewells = farewells
        self.providers = frozenset(providers)
        self.link = link

    def find(self, profile: ProviderProfile) -> LinkedIdentity | None:
        """The link of this very identity; its e-mail decides nothing."""
        row = self.db.session.execute(sa.select(_identity).where(*_is(profile))).first()
        return _shown(row) if row else None

    def is_linked(self, provider: str, subject: str) -> bool:
        """Whether some account is linked with that identity now."""
        it = (_identity.c.provider == provider, _identity.c.subject == subject)
        return self.db.session.execute(sa.select(_identity.c.id).where(*it).limit(1)).first() is not None

    def of(self, user_id: str) -> list[LinkedIdentity]:
        """A person's identities, the oldest link first."""
        theirs = sa.select(_identity).where(_identity.c.user_id == user_id)
        return [_shown(row) for row in self.db.session.execute(theirs.order_by(_identity.c.created_at, _identity.c.id))]

    def come_in(
        self, identity: LinkedIdentity, profile: ProviderProfile, tokens: dict[str, Any], caller: Caller
    ) -> None:
        """The identity's person logs in by it: keep what the provider says of it now. The account's e-mail stays.

        Raises :class:`AnswerGone` when the link has ended a moment ago; it cannot end before this login is there.
        """
        # The person first and then the link, as whoever ends it takes them: else each could wait for the other.
        now = self.clock()
        self.db.session.execute(sa.update(_user).where(_user.c.id == identity.user_id).values(last_login_at=now))
        self._keep(identity.id, profile, tokens)
        self.audit.record(Event.LOGIN_SUCCEEDED, caller, user_id=identity.user_id, provider=profile.provider)

    def confirm(
        self, identity: LinkedIdentity, profile: ProviderProfile, tokens: dict[str, Any], caller: Caller
    ) -> None:
        """The person has proven once more to hold the identity; raises as :meth:`come_in` does."""
        self._keep(identity.id, profile, tokens)
        self.audit.record(Event.IDENTITY_CONFIRMED, caller, user_id=identity.user_id, provider=profile.provider)

    def add(
        self, user_id: str, profile: ProviderProfile, tokens: dict[str, Any], caller: Caller, *, is_new: bool = False
    ) -> LinkedIdentity:
        """Link an identity with an account; one that is linked with it already stays so.

        The person is told by mail, unless the account ``is_new`` and came of this very identity.

        Raises :class:`IdentityTaken` when it is linked with another account, be it since a moment ago.
        """
        person = self._active(user_id)
        self.answers.hold(profile)
        now = self.clock()
        try:
            with self.db.session.begin_nested():
                self.db.session.execute(
                    sa.insert(_identity).values(
                        id=new_id(),
                        user_id=user_id,
                        provider=profile.provider,
                        issuer=profile.issuer,
                        subject=profile.subject,
                        sealed_tokens="",
                        created_at=now,
                        **self._said(profile),
                    )
                )
        except IntegrityError:
            return self._linked_already(user_id, profile, tokens)
        # What waits elsewhere about this identity was offered to somebody who had no account.
        self.answers.void(profile.provider, profile.issuer, profile.subject)
        linked = self._found(profile)
        self._keep(linked.id, profile, tokens)
        self.audit.record(Event.IDENTITY_LINKED, caller, user_id=user_id, provider=profile.provider)
        if not is_new:
            self.mail.send("identity_linked", person, by=caller, provider=profile.provider, link=self.link)
        return linked

    def remove(
        self,
        user_id: str,
        provider: str,
        caller: Caller,
        *,
        identity_id: str = "",
        keep_session_id: str | None = None,
        may_leave_none: bool = False,
    ) -> int:
        """End a person's links with a provider, or one of them; sessions that came of it end, but for one.

        Answers how many ways to log in are left. Raises :class:`NotFound`, and :class:`LastWayIn` when there would be
        none, unless that is meant.
        """
        person = self._locked(user_id)
        theirs = self.of(user_id)
        ended = [each for each in theirs if each.provider == provider and identity_id in ("", each.id)]
        if not ended:
            raise NotFound
        left = sum(each not in ended and each.provider in self.providers for each in theirs)
        left += person.password_hash is not None
        if not left and not may_leave_none:
            raise LastWayIn
        for each in ended:
            self._end(each, caller, "identity_unlinked", keep_session_id=keep_session_id)
        self.mail.send("identity_unlinked", person, by=caller, provider=provider, link=self.link)
        return left

    def end_unproven(self, user_id: str, caller: Caller) -> None:
        """End what was linked before the account's address was proven: whoever proves it need not have linked it."""
        person = self._locked(user_id)
        theirs = self.of(user_id)
        for each in theirs:
            self._end(each, caller, "address_proven")
        for provider in dict.fromkeys(each.provider for each in theirs):
            self.mail.send("identity_unlinked", person, by=caller, provider=provider, link=self.link)

    def end_from_outside(self, provider: str, subject: str, caller: Caller) -> bool:
        """The provider says that somebody ended the link there; answers whether there was one.

        It cannot be refused: an account that has no other way in is entered by a link in a mail.
        """
        row = self.db.session.execute(
            sa.select(_identity).where(_identity.c.provider == provider, _identity.c.subject == subject)
        ).first()
        if row is None:
            return False
        person = person_of(self.db, row.user_id)
        self._end(_shown(row), caller, "identity_unlinked_outside", tells_provider=False)
        if person:
            self.mail.send("identity_ended", person, provider=provider, link=self.link)
        return True

    def leave_all(self, user_id: str) -> None:
        """The account ends: tell the providers, and keep nothing."""
        theirs = sa.select(_identity).where(_identity.c.user_id == user_id)
        for row in self.db.session.execute(theirs).all():
            self.farewells.queue(row.provider, row.subject, row.sealed_tokens)
        self.db.session.execute(sa.delete(_identity).where(_identity.c.user_id == user_id))

    def _end(
        self,
        identity: LinkedIdentity,
        caller: Caller,
        reason: str,
        *,
        keep_session_id: str | None = None,
        tells_provider: bool = True,
    ) -> None:
        row = self.db.session.execute(
            sa.delete(_identity)
            .where(_identity.c.id == identity.id)
            .returning(_identity.c.issuer, _identity.c.subject, _identity.c.sealed_tokens)
        ).first()
        if row is None:
            return
        # A proof that was under way must not bring back what was just ended.
        self.answers.void(identity.provider, row.issuer, row.subject)
        came_of_it = sa.select(_session.c.id).where(
            _session.c.user_id == identity.user_id,
            _session.c.identity_id == identity.id,
            _session.c.ended_at.is_(None),
        )
        for session_id in self.db.session.scalars(came_of_it).all():
            if session_id != keep_session_id:
                self.sessions.end(session_id, reason, caller)
        if tells_provider:
            self.farewells.queue(identity.provider, row.subject, row.sealed_tokens)
        self.audit.record(
            Event.IDENTITY_UNLINKED, caller, user_id=identity.user_id, provider=identity.provider, reason=reason
        )

    def _linked_already(self, user_id: str, profile: ProviderProfile, tokens: dict[str, Any]) -> LinkedIdentity:
        linked = self.find(profile)
        if linked is None or linked.user_id != user_id:
            raise IdentityTaken
        self._keep(linked.id, profile, tokens)
        return linked

    def _keep(self, identity_id: str, profile: ProviderProfile, tokens: dict[str, Any]) -> None:
        values = self._said(profile)
        if tokens:
            # A provider gives a refresh token once, and none at later logins.
            kept = self.farewells.opened(self._sealed_tokens(identity_id))
            values["sealed_tokens"] = self.sealer.seal(json.dumps({**kept, **tokens}).encode())
        kept_row = sa.update(_identity).where(_identity.c.id == identity_id).values(**values).returning(_identity.c.id)
        if self.db.session.execute(kept_row).first() is None:
            raise AnswerGone

    def _sealed_tokens(self, identity_id: str) -> str:
        query = sa.select(_identity.c.sealed_tokens).where(_identity.c.id == identity_id)
        return str(self.db.session.scalar(query) or "")

    def _said(self, profile: ProviderProfile) -> dict[str, Any]:
        return {
            "email": profile.email,
            "email_verified": profile.email_verified,
            "profile": {"name": profile.name, "picture": profile.picture},
            "last_used_at": self.clock(),
        }

    def _found(self, profile: ProviderProfile) -> LinkedIdentity:
        return _shown(self.db.session.execute(sa.select(_identity).where(*_is(profile))).one())

    def _active(self, user_id: str) -> Person:
        person = person_of(self.db, user_id)
        if person is None or not person.is_active:
            raise NotFound
        return person

    def _locked(self, user_id: str) -> Person:
        """Held until the transaction ends: of two who take away a way in at once, the second one sees what is left."""
        person = lock_person(self.db, user_id)
        if person is None:
            raise NotFound
        return person


def _is(profile: ProviderProfile) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _identity.c.provider == profile.provider,
        _identity.c.issuer == profile.issuer,
        _identity.c.subject == profile.subject,
    )


def _shown(row: Any) -> LinkedIdentity:
    return LinkedIdentity(
        row.id,
        row.user_id,
        row.provider,
        row.email,
        row.email_verified,
        row.profile.get("name", ""),
        row.created_at,
        row.last_used_at,
    )
