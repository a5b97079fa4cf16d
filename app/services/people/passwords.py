"""Password hashing and strength. Argon2id for new hashes; those of other systems are accepted and upgraded at login."""

import base64
import os
import unicodedata
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from zxcvbn import zxcvbn

from app.errors import InvalidInput, sentence
from app.services.hashes import schemes

SHORTEST, LONGEST = 8, 1024
LONGEST_TYPED = 4 * LONGEST
"""No character is made of more than four when it is decomposed; nothing longer is composed, which takes its time."""
LEAST_SCORE = 2
LONGEST_JUDGED = 72
"""Judging takes the square of the length; what is hard to guess so far stays so."""
TOO_SHORT = sentence("Use 8 or more characters.")
# What zxcvbn says, in its own words.
ADVICE = (
    sentence("Use a few words, avoid common phrases."),
    sentence("No need for symbols, digits, or uppercase letters."),
    sentence("Add another word or two. Uncommon words are better."),
    sentence("Straight rows of keys are easy to guess."),
    sentence("Short keyboard patterns are easy to guess."),
    sentence("Use a longer keyboard pattern with more turns."),
    sentence('Repeats like "aaa" are easy to guess.'),
    sentence('Repeats like "abcabcabc" are only slightly harder to guess than "abc".'),
    sentence("Avoid repeated words and characters."),
    sentence('Sequences like "abc" or "6543" are easy to guess.'),
    sentence("Avoid sequences."),
    sentence("Recent years are easy to guess."),
    sentence("Avoid recent years."),
    sentence("Avoid years that are associated with you."),
    sentence("Dates are often easy to guess."),
    sentence("Avoid dates and years that are associated with you."),
    sentence("This is a top-10 common password."),
    sentence("This is a top-100 common password."),
    sentence("This is a very common password."),
    sentence("This is similar to a commonly used password."),
    sentence("A word by itself is easy to guess."),
    sentence("Names and surnames by themselves are easy to guess."),
    sentence("Common names and surnames are easy to guess."),
    sentence("Capitalization doesn't help very much."),
    sentence("All-uppercase is almost as easy to guess as all-lowercase."),
    sentence("Reversed words aren't much harder to guess."),
    sentence("Predictable substitutions like '@' instead of 'a' don't help very much."),
)


OWN = "$argon2"
RECOMMENDED = PasswordHasher()
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Protects nothing: the accounts of tests live for a second, and there are thousands of them."""


@cache
def dummy_of(hasher: PasswordHasher) -> str:
    """What is verified where there is no account: it takes as long as with one, and is the hash of no password."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (base64.b64encode(os.urandom(size)).decode() for size in (hasher.salt_len, hasher.hash_len))
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt.rstrip('=')}${digest.rstrip('=')}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How hard a password is to guess, 0 to 4, and what would make it harder: English constants."""

    score: int
    advice: tuple[str, ...]


class Passwords:
    """Hashes and judges passwords, never truncated; every spelling of one text is one password (:func:`prepared`)."""

    def __init__(self, *, is_throwaway: bool = False) -> None:
        self._hasher = QUICK if is_throwaway else RECOMMENDED
        self._dummy = dummy_of(self._hasher)

    def hash(self, password: str) -> str:
        """An argon2id hash with the library's recommended parameters; a quick one in a throw-away portal of tests."""
        return self._hasher.hash(prepared(password))

    def matches(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` belongs to ``stored``; takes as long when there is no stored hash.

        A hash that is older than the preparation opens by the spelling it was set with.
        """
        spellings = dict.fromkeys((prepared(password), password))
        return any(self._is_spelled(stored, spelling) for spelling in spellings)

    def _is_spelled(self, stored: str | None, password: str) -> bool:
        """Whether ``stored`` was made of these characters; computes one hash, whatever is stored."""
        if stored is not None and not stored.startswith(OWN):
            if (is_of := schemes.is_of(stored, password)) is not None:
                return is_of
            stored = None
        try:
            self._hasher.verify(stored or self._dummy, password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    def needs_rehash(self, stored: str, password: str) -> bool:
        """Whether the hash should be replaced now that ``password`` is known to be the one."""
        if not stored.startswith(OWN) or self._hasher.check_needs_rehash(stored):
            return True
        plain = prepared(password)
        return plain != password and not self._is_spelled(stored, plain)

    def require_strength(self, password: str, *personal: str) -> None:
        """Raise :class:`InvalidInput` unless the password is long enough and hard to guess.

        ``personal`` are words an attacker would try first, such as the person's own e-mail and name.
        """
        if len(password) > LONGEST_TYPED:
            raise InvalidInput(sentence("Use at most 1024 characters."), "password")
        password = prepared(password)
        if len(password) < SHORTEST:
            raise InvalidInput(TOO_SHORT, "password")
        if len(password) > LONGEST:
            raise InvalidInput(sentence("Use at most 1024 characters."), "password")
        if self.judge(password, *personal).score < LEAST_SCORE:
            raise InvalidInput(sentence("This password is easy to guess. Add another word or two."), "password")

    def judge(self, password: str, *personal: str) -> Judgement:
        """How hard the password is to guess; one that is too short is no better than an easy one."""
        password = prepared(password)
        if not password:
            return Judgement(0, ADVICE[:2])
        words = [part for text in personal for part in (text, *text.replace("@", " ").split()) if part]
        found = zxcvbn(password[:LONGEST_JUDGED], user_inputs=words)
        said = (found["feedback"]["warning"], *found["feedback"]["suggestions"])
        advice, score = tuple(each for each in said if each), int(found["score"])
        if len(password) < SHORTEST:
            return Judgement(min(score, LEAST_SCORE - 1), (TOO_SHORT, *advice))
        return Judgement(score, advice)


def prepared(password: str) -> str:
    """The one spelling of a password (:rfc:`8265#section-4.2`, OpaqueString): composed, every kind of space a space.

    Case and width stay, and so does what that profile would refuse, such as joined emoji: who can type it may keep it
    (NIST SP 800-63B section 3.1.1.2). What is longer than :data:`LONGEST_TYPED` stays as it is, and is nobody's.
    """
    if password.isascii() or len(password) > LONGEST_TYPED:
        return password
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    return unicodedata.normalize("NFC", spaced)
