"""ID tokens as a relying party has to check them (OpenID Connect Core section 3.1.3.7), with nothing the portal has."""

import base64
import hashlib
import json
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

YEAR = 365 * 86400
MOST_SKEW = 300
PROTOCOL_CLAIMS = {"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid"}
"""What stands in an ID token that no claim was asked of (``sid``: Back-Channel Logout section 2.1)."""


def verified(
    token: str, jwks: dict[str, Any], *, issuer: str, client_id: str, nonce: str | None, access_token: str, now: int
) -> dict[str, Any]:
    """The claims of a good ID token; raises ``AssertionError`` or joserfc's errors for any other."""
    decoded = jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["RS256"])
    assert decoded.header["kid"] in {key["kid"] for key in jwks["keys"] if (key["kty"], key["use"]) == ("RSA", "sig")}
    rules: dict[str, Any] = {name: {"essential": True} for name in ("sub", "exp", "iat", "auth_time", "at_hash")}
    rules |= {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
    if nonce is not None:
        rules["nonce"] = {"essential": True, "value": nonce}
    jwt.JWTClaimsRegistry(now=now, **rules).validate(decoded.claims)
    found = decoded.claims
    assert nonce is not None or "nonce" not in found
    assert found.get("azp", client_id) == client_id
    assert 0 < len(found["sub"]) <= 255
    assert now - MOST_SKEW <= found["iat"] <= now < found["exp"] < now + 50 * YEAR
    assert type(found["auth_time"]) is int
    assert now - YEAR < found["auth_time"] <= found["iat"]
    assert found["at_hash"] == left_half_hash(access_token)
    return dict(found)


def header(token: str) -> dict[str, Any]:
    """The header of a token, unverified."""
    return _part(token, 0)


def claims(token: str) -> dict[str, Any]:
    """The claims of a token, unverified."""
    return _part(token, 1)


def unsigned(claims: dict[str, Any]) -> str:
    """``claims`` as a token of ``alg: none``."""
    return f"{encoded({'alg': 'none'})}.{encoded(claims)}."


def encoded(value: dict[str, Any]) -> str:
    """A part of a compact token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def left_half_hash(value: str) -> str:
    """``at_hash`` of a token signed with RS256 (Core section 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode("ascii")).digest()[:16]).rstrip(b"=").decode()


def _part(token: str, position: int) -> dict[str, Any]:
    part = token.split(".")[position]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
