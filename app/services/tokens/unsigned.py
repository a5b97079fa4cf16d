"""What tokens would say, by the very functions that mint them, without a token that anybody could use."""

import json
from typing import Any

from joserfc.jwk import RSAKey
from joserfc.util import urlsafe_b64decode

from app.services.tokens.key_ring import Key
from app.services.tokens.tokens import Tokens

SHORT_SIGNATURES = {"ES256": 64, "EdDSA": 64, "HS256": 32}
"""Bytes; that of RSA is as long as its key."""


class UnsignedTokens(Tokens):
    """Makes tokens whose signature is zeros, as many as there would be: none of these is ever good.

    They are as long as real ones, so that what is left out of one that is too long is left out here as well.
    """

    def _signature(self, algorithm: str, signed: bytes, key: Key) -> bytes:
        return bytes(key.public_key.key_size // 8 if isinstance(key, RSAKey) else SHORT_SIGNATURES[algorithm])


def said_in(token: str) -> dict[str, Any]:
    """The claims in a token, whoever signed it or nobody did."""
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[1].encode()))
    return claims
