"""What is on record and what is open: the audit log, sessions, tokens. For ``admin:audit`` and ``admin:users``."""

from app.admin.record import exporting
from app.admin.record.audit import audit_desk

PARTS = (exporting,)
DESKS = (audit_desk,)
