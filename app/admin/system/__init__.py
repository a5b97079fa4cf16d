"""The portal itself: its settings, its self-check, what leaves it, whom people can come in by. For ``admin:system``."""

from app.admin.system.selfcheck import selfcheck_desk
from app.admin.system.settings import settings_desk

DESKS = (settings_desk, selfcheck_desk)
