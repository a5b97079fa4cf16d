"""Whose a form is: the secret of a browser's forms bears a mark of who was logged in when it was made.

The mark names nobody (SHA-256 with a salt of its own): it only tells whether a known person is the one.
"""

import hmac
import secrets

from app.services.foundation.environment import sha256

SEPARATOR = "."


def marked(secret: str, user_id: str | None) -> str:
    """The secret with a mark of this person, or as it is for nobody."""
    if user_id is None:
        return secret
    salt = secrets.token_hex(8)
    return SEPARATOR.join((secret, salt, _digest(salt, user_id)))


def mark_of(secret: str) -> str:
    """The mark a secret bears, ``""`` for none."""
    return secret.partition(SEPARATOR)[2]


def is_marked_for(mark: str, user_id: str | None) -> bool:
    """Whether the mark is this person's; that of nobody is ``""``."""
    if not mark or user_id is None:
        return not mark and user_id is None
    salt, _, digest = mark.partition(SEPARATOR)
    return hmac.compare_digest(digest, _digest(salt, user_id))


def _digest(salt: str, user_id: str) -> str:
    return sha256(salt + user_id)[:32]
