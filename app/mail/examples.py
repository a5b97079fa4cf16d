"""Every mail with values of nobody, for whoever wants to see how mails look. Their links lead nowhere."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from app.mail.letter import NAMES, Letter, write_letter

TO = "minji@example.com"
NAMED = {"ko": "김민지", "en": "Minji Kim"}
LINK = "https://id.example.com/the-link-of-this-mail"
AT = {"at": datetime(2026, 9, 21, 6, 5, tzinfo=UTC).isoformat()}
DEVICE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
DONE_BY = {"at": AT, "device": DEVICE, "place": "203.0.113.7"}
LINKED = {"link": LINK, "expires_at": AT}
VALUES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "account_displaced": {"keeps_days": 30},
        "account_seen": {"until": AT, "reason": "Ticket 1234", "link": LINK},
        "change_email": {**LINKED, "email": "new@example.com"},
        "deletion_requested": {"deletes_at": AT, "link": LINK},
        "email_changed": {**LINKED, "old_email": "old@example.com", "new_email": "new@example.com"},
        "email_code": {"code": "042 931", "minutes": 15},
        "identity_ended": {"provider": "kakao", "link": LINK},
        "identity_linked": {**DONE_BY, "provider": "google", "link": LINK},
        "identity_unlinked": {**DONE_BY, "provider": "naver", "link": LINK},
        "invitation": LINKED,
        "new_device": {**DONE_BY, "link": LINK},
        "password_changed": DONE_BY,
        "primary_group_changed": {"group": "Seoul Lab"},
        "reset_password": LINKED,
        "role_changed": {"role": "member"},
        "sessions_ended": {**DONE_BY, "count": 3},
        "test_mail": DONE_BY,
        "verify_email": LINKED,
    }
)
"""By mail, what it needs besides a name; one that stands not here needs nothing."""


class Examples:
    """Writes them; ``names`` are those of all mails."""

    names = tuple(sorted(NAMES))

    def write(self, name: str, language: str) -> Letter:
        """One of them; raises KeyError where there is none of this name."""
        values = {"name": NAMED[language], "timezone": "Asia/Seoul", **VALUES.get(name, {})}
        letter = write_letter(name, TO, language, values)
        return Letter(letter.subject, letter.text, letter.html.replace(f'href="{LINK}"', 'href="#"'))
