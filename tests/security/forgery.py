"""Tokens that somebody else signed. Libraries refuse to make most of them."""

import base64
import hmac
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey

from tests.conformance import id_tokens


def by_hmac(key: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """``claims`` under HS256 with any ``key``, also an empty one."""
    return _signed({**header, "alg": "HS256"}, claims, lambda text: hmac.digest(key, text, "sha256"))


def by_rsa(key: RSAKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """``claims`` under RS256 with a header of any content."""
    return _signed({**header, "alg": "RS256"}, claims, lambda text: key.private_key.sign(text, PKCS1v15(), SHA256()))


def _signed(header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    text = f"{id_tokens.encoded(header)}.{id_tokens.encoded(claims)}"
    return f"{text}.{base64.urlsafe_b64encode(sign(text.encode())).rstrip(b'=').decode()}"
