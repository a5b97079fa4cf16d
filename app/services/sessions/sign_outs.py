"""Logging a person out in many places at once, which the person is told by mail."""

from app.services.delivery.mail import Mail
from app.services.foundation.environment import Caller, Database
from app.services.foundation.person import person_of
from app.services.sessions.sessions import Sessions


class SignOuts:
    """Ends sessions by the wish of the person they belong to."""

    def __init__(self, db: Database, sessions: Sessions, mail: Mail) -> None:
        self.db = db
        self.sessions = sessions
        self.mail = mail

    def elsewhere(self, user_id: str, session_id: str, reason: str, caller: Caller) -> int:
        """End every session but that one, with all that hangs on them; answers how many."""
        ended = self.sessions.end_all(user_id, reason, caller, except_id=session_id)
        if ended:
            self._tell(user_id, ended, caller)
        return ended

    def everywhere(self, user_id: str, reason: str, caller: Caller) -> int:
        """End every session and every token; answers how many sessions. To end the one at hand alone is no news."""
        ended = self.sessions.end_everything(user_id, reason, caller)
        if ended > 1:
            self._tell(user_id, ended, caller)
        return ended

    def _tell(self, user_id: str, ended: int, caller: Caller) -> None:
        if person := person_of(self.db, user_id):
            self.mail.send("sessions_ended", person, by=caller, count=str(ended))
