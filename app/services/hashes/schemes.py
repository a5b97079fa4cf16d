"""The schemes of hashes that are understood: how one is kept, what checking it takes at most, and the check itself.

Kept are ``$pbkdf2-sha256$i=600000$salt$hash``, ``$scrypt$ln=15,r=8,p=1$salt$hash``, ``$argon2id$v=19$…`` (PHC strings),
``$2b$12$…``, and Django's ``bcrypt_sha256$$2b$12$…``.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Protocol, Self

import bcrypt

from app.errors import InvalidInput, sentence

FIELD = "password_hash"
DAMAGED = sentence("This password hash is incomplete or damaged.")
COSTLY = sentence("Checking this password hash would take too much time or memory, so it is not taken over.")
# As long as bcrypt takes at its highest cost here, which is four times what is usual; as much memory as scrypt with
# OWASP's parameters, which is twice the portal's own.
MOST_ITERATIONS = 2_000_000
HIGHEST_COST = 14
MOST_MEMORY = 128 << 20
"""Bytes."""
MOST_TURNED_OVER = {"scrypt": 256 << 20, "argon2": 512 << 20}
"""Bytes that are gone through in all passes and lanes."""
MOST_LANES = 16
LEAST_HASH, LONGEST_HASH, LONGEST_SALT = 16, 128, 128
READ_BY_BCRYPT = 72
"""Bytes of a password; a longer one cannot be told from its beginning."""
BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}", re.ASCII)
BCRYPT_SHA256 = "bcrypt_sha256$"
ARGON2 = re.compile(
    r"\$argon2(?:i|d|id)\$(?:v=(?:16|19)\$)?m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,9})"
    r"\$([A-Za-z0-9+/]{11,171})\$([A-Za-z0-9+/]{22,171})",
    re.ASCII,
)
PBKDF2 = re.compile(r"\$pbkdf2-(sha1|sha256|sha512)\$i=(\d+)\$([A-Za-z0-9+/]*)\$([A-Za-z0-9+/]+)", re.ASCII)
SCRYPT = re.compile(r"\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]*)\$([A-Za-z0-9+/]+)", re.ASCII)


class Scheme(Protocol):
    """A hash with all that its check needs."""

    def require_bounds(self) -> None:
        """Raise :class:`InvalidInput` for what is no whole hash, or takes too much to check."""

    def written(self) -> str:
        """The form in which it is kept."""
        ...


@dataclass(frozen=True, slots=True)
class Pbkdf2:
    """PBKDF2 (:rfc:`8018#section-5.2`) with HMAC of a hash function."""

    function: str
    iterations: int
    salt: bytes
    digest: bytes

    def require_bounds(self) -> None:
        """As for every scheme."""
        _require_sizes(self.salt, self.digest)
        _require(1 <= self.iterations <= MOST_ITERATIONS)

    def written(self) -> str:
        """As for every scheme. Of a longer hash the first block is kept: it decides, and no attacker computes more."""
        block = self.digest[: hashlib.new(self.function).digest_size]
        return f"$pbkdf2-{self.function}$i={self.iterations}${encoded(self.salt)}${encoded(block)}"

    def is_of(self, password: bytes) -> bool:
        """Whether the hash was made of these bytes."""
        made = hashlib.pbkdf2_hmac(self.function, password, self.salt, self.iterations, len(self.digest))
        return hmac.compare_digest(made, self.digest)

    @classmethod
    def read(cls, stored: str) -> Self | None:
        """What is kept so, or None."""
        if (found := PBKDF2.fullmatch(stored)) is None:
            return None
        function, iterations, salt, digest = found.groups()
        return cls(function, int(iterations), decoded(salt), decoded(digest))


@dataclass(frozen=True, slots=True)
class Scrypt:
    """scrypt (:rfc:`7914`); ``cost`` is the logarithm of N to the base 2."""

    cost: int
    size: int
    lanes: int
    salt: bytes
    digest: bytes

    def require_bounds(self) -> None:
        """As for every scheme."""
        _require_sizes(self.salt, self.digest)
        _require(1 <= self.cost <= 30 and self.size >= 1 and 1 <= self.lanes <= MOST_LANES)
        # RFC 7914 section 2: N is less than 2^(128 * r / 8); OpenSSL computes nothing else.
        _require(self.cost < 16 * self.size)
        memory = (128 * self.size) << self.cost
        _require(memory <= MOST_MEMORY and memory * self.lanes <= MOST_TURNED_OVER["scrypt"])

    def written(self) -> str:
        """As for every scheme."""
        return f"$scrypt$ln={self.cost},r={self.size},p={self.lanes}${encoded(self.salt)}${encoded(self.digest)}"

    def is_of(self, password: bytes) -> bool:
        """Whether the hash was made of these bytes."""
        made = hashlib.scrypt(
            password,
            salt=self.salt,
            n=1 << self.cost,
            r=self.size,
            p=self.lanes,
            maxmem=2 * MOST_MEMORY,
            dklen=len(self.digest),
        )
        return hmac.compare_digest(made, self.digest)

    @classmethod
    def read(cls, stored: str) -> Self | None:
        """What is kept so, or None."""
        if (found := SCRYPT.fullmatch(stored)) is None:
            return None
        cost, size, lanes, salt, digest = found.groups()
        return cls(int(cost), int(size), int(lanes), decoded(salt), decoded(digest))


@dataclass(frozen=True, slots=True)
class Bcrypt:
    """bcrypt of the password, or as Django does of its SHA-256 in hexadecimal digits (``is_of_sha256``)."""

    text: str
    is_of_sha256: bool = False

    def require_bounds(self) -> None:
        """As for every scheme."""
        if (found := BCRYPT.fullmatch(self.text)) is None:
            raise InvalidInput(DAMAGED, FIELD)
        _require(4 <= int(found[1]) <= HIGHEST_COST)

    def written(self) -> str:
        """As for every scheme."""
        return f"{BCRYPT_SHA256}{self.text}" if self.is_of_sha256 else self.text

    def is_of(self, password: bytes) -> bool:
        """Whether the hash was made of these bytes."""
        given = hashlib.sha256(password).hexdigest().encode() if self.is_of_sha256 else password
        return bcrypt.checkpw(given, self.text.encode())


@dataclass(frozen=True, slots=True)
class Argon2:
    """Argon2 (:rfc:`9106`) in its own form, which the portal's library checks."""

    text: str

    def require_bounds(self) -> None:
        """As for every scheme."""
        if (found := ARGON2.fullmatch(self.text)) is None:
            raise InvalidInput(DAMAGED, FIELD)
        memory, passes, lanes = (int(number) for number in found.groups()[:3])
        salt, digest = (decoded(text) for text in found.groups()[3:])
        # What is not written as it would be again, the library takes for damaged.
        if (encoded(salt), encoded(digest)) != found.groups()[3:]:
            raise InvalidInput(DAMAGED, FIELD)
        _require_sizes(salt, digest)
        _require(memory >= 8 * lanes and lanes <= MOST_LANES)
        _require(memory << 10 <= MOST_MEMORY and (memory << 10) * passes <= MOST_TURNED_OVER["argon2"])

    def written(self) -> str:
        """As for every scheme."""
        return self.text


def is_of(stored: str, password: str) -> bool | None:
    """Whether ``stored`` was made of these characters; computes one hash.

    None, and nothing computed, where the library of the portal's own hashes has to answer, or nobody can: bcrypt reads
    72 bytes of a password only.
    """
    scheme: Pbkdf2 | Scrypt | Bcrypt | None
    given = password.encode()
    if stored.startswith("$2"):
        return bcrypt.checkpw(given, stored.encode()) if len(given) <= READ_BY_BCRYPT else None
    if stored.startswith(BCRYPT_SHA256):
        scheme = Bcrypt(stored.removeprefix(BCRYPT_SHA256), is_of_sha256=True)
    else:
        scheme = Pbkdf2.read(stored) or Scrypt.read(stored)
    return None if scheme is None else scheme.is_of(given)


def encoded(data: bytes) -> str:
    """Base64 without padding."""
    return base64.b64encode(data).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """What base64, padded or not, stands for; raises :class:`InvalidInput`."""
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(DAMAGED, FIELD) from None


def _require_sizes(salt: bytes, digest: bytes) -> None:
    if not (salt and len(digest) >= LEAST_HASH):
        raise InvalidInput(DAMAGED, FIELD)
    _require(len(salt) <= LONGEST_SALT and len(digest) <= LONGEST_HASH)


def _require(is_bounded: bool) -> None:
    if not is_bounded:
        raise InvalidInput(COSTLY, FIELD)
