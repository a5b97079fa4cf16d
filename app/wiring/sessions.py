"""SessionsRoom: single sign-on sessions."""

from datetime import timedelta
from functools import cached_property

from app.services.sessions.acting import ActingSessions
from app.services.sessions.copies import SessionCopies
from app.services.sessions.drafts import Drafts
from app.services.sessions.policy import SessionPolicy
from app.services.sessions.sessions import Sessions
from app.services.sessions.sign_outs import SignOuts
from app.settings import Settings
from app.wiring.assertions import AssertionsRoom


class SessionsRoom(AssertionsRoom):
    """Builds the services of :mod:`app.services.sessions`."""

    @cached_property
    def sessions(self) -> Sessions:
        copies = SessionCopies(self.denylist.store, self.sealer, self.clock) if self.denylist.store else None
        policy = _session_policy(self.settings)
        return Sessions(self.db, self.clock, self.audit, self.revocations, self.logout_notices, policy, copies)

    @cached_property
    def acting(self) -> ActingSessions:
        usual = timedelta(minutes=self.settings.session.acting_minutes)
        return ActingSessions(self.db, self.clock, self.audit, self.sessions, self.mail, usual, self.settings.issuer)

    @cached_property
    def sign_outs(self) -> SignOuts:
        return SignOuts(self.db, self.sessions, self.mail)

    @cached_property
    def drafts(self) -> Drafts:
        return Drafts(self.store, self.sealer)


def _session_policy(settings: Settings) -> SessionPolicy:
    session = settings.session
    return SessionPolicy(
        idle=timedelta(seconds=session.idle_seconds),
        absolute=timedelta(hours=session.absolute_hours),
        remembered=timedelta(days=session.remember_days),
    )
