"""Password hashing and strength. Argon2id for new hashes; bcrypt hashes are accepted and upgraded at login."""

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from app.errors import InvalidInput, sentence

SHORTEST, LONGEST = 8, 1024
LEAST_SCORE = 2


class Passwords:
    """Hashes and judges passwords; exact bytes, never truncated, never normalised."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._dummy = self._hasher.hash("a password nobody has")

    def hash(self, password: str) -> str:
        """An argon2id hash with the library's recommended parameters."""
        return self._hasher.hash(password)

    def matches(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` belongs to ``stored``; takes as long when there is no stored hash."""
        if stored is not None and stored.startswith("$2"):
            encoded = password.encode()
            # bcrypt reads 72 bytes only; a longer password cannot be told from its beginning.
            return len(encoded) <= 72 and bcrypt.checkpw(encoded, stored.encode())
        try:
            self._hasher.verify(stored or self._dummy, password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash should be replaced now that the password is known."""
        return stored.startswith("$2") or self._hasher.check_needs_rehash(stored)

    def require_strength(self, password: str, *personal: str) -> None:
        """Raise :class:`InvalidInput` unless the password is long enough and hard to guess.

        ``personal`` are words an attacker would try first, such as the person's own e-mail and name.
        """
        if len(password) < SHORTEST:
            raise InvalidInput(sentence("Use 8 or more characters."), "password")
        if len(password) > LONGEST:
            raise InvalidInput(sentence("Use at most 1024 characters."), "password")
        words = [part for text in personal for part in (text, *text.replace("@", " ").split()) if part]
        if zxcvbn(password[:72], user_inputs=words)["score"] < LEAST_SCORE:
            raise InvalidInput(sentence("This password is easy to guess. Add another word or two."), "password")
