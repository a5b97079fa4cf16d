"""Encryption of what has to be readable again: private keys with the portal's keys, successors with a token's own."""

import base64
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Unopenable(Exception):
    """None of the keys at hand opens it: it was sealed with another one, or changed since."""


class Sealer:
    """Encrypts with the first of ``keys`` and decrypts with any, so that keys can be rotated (Fernet)."""

    def __init__(self, keys: Sequence[str]) -> None:
        each = [Fernet(key) for key in keys]
        self._newest, self._fernet = each[0], MultiFernet(each)

    def seal(self, plain: bytes) -> str:
        """Encrypted and authenticated ``plain``, as text."""
        return self._fernet.encrypt(plain).decode()

    def open(self, sealed: str) -> bytes:
        """The plain bytes; raises :class:`Unopenable`."""
        try:
            return self._fernet.decrypt(sealed)
        except (InvalidToken, ValueError):
            raise Unopenable from None

    def is_newest(self, sealed: str) -> bool:
        """Whether the first key opens it."""
        try:
            return self._newest.decrypt(sealed) is not None
        except (InvalidToken, ValueError):
            return False

    def sealed_anew(self, sealed: str) -> str:
        """The same content sealed with the first key; raises :class:`Unopenable`."""
        return self.seal(self.open(sealed))


def seal_with_token(token: str, plain: str) -> str:
    """``plain`` sealed so that only a holder of ``token`` can open it (HKDF-SHA256, AES-256-GCM).

    A token seals one value in its life, so the nonce may be constant.
    """
    return base64.b64encode(AESGCM(_key(token)).encrypt(bytes(12), plain.encode(), b"")).decode()


def open_with_token(token: str, sealed: str) -> str | None:
    """What :func:`seal_with_token` sealed, or None when it was not sealed with ``token``."""
    try:
        return AESGCM(_key(token)).decrypt(bytes(12), base64.b64decode(sealed), b"").decode()
    except (InvalidTag, ValueError):
        return None


def _key(token: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"refresh successor").derive(token.encode())
