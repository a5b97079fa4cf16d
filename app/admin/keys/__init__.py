"""Keys that sign tokens: which there are, which signs, the next one's turn, the end of one. For ``admin:keys``."""

from app.admin.keys.keys import keys_desk

DESKS = (keys_desk,)
