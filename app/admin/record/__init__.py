"""What is on record and what is open: the audit log, sessions, tokens. For ``admin:audit`` and ``admin:users``."""

from app.admin.record import denied, exporting, saving, verifying
from app.admin.record.audit import audit_desk
from app.admin.record.sessions import sessions_desk
from app.admin.record.tokens import tokens_desk

PARTS = (denied, exporting, saving, verifying)
DESKS = (audit_desk, sessions_desk, tokens_desk)
