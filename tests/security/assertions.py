"""Assertions as a client makes them, good ones and others, with nothing the portal has."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import to_bytes, urlsafe_b64encode

from tests.security.answers import ISSUER

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Key = RSAKey | ECKey | OKPKey | OctKey
Change = Callable[[dict[str, Any]], object]


def jwk_of(key: Key, **members: Any) -> dict[str, Any]:
    """The public half, as a client publishes it."""
    return {**key.as_dict(private=False), **members}


def jwks_of(*jwks: dict[str, Any]) -> str:
    """A set of keys."""
    return json.dumps({"keys": list(jwks)})


def signed(header: dict[str, Any], claims: Any, key: Key, by: str = "") -> str:
    """A token of these parts, signed by the algorithm of its header or by another one."""
    said = b".".join(urlsafe_b64encode(json.dumps(part).encode()) for part in (header, claims))
    signature = JWSRegistry.algorithms[by or header["alg"]].sign(said, key)
    return (said + b"." + urlsafe_b64encode(to_bytes(signature))).decode()


class Signer:
    """A client that signs at the moment of the portal's clock."""

    def __init__(self, client_id: str, key: Key, now: Callable[[], float], algorithm: str = "ES256") -> None:
        self.client_id, self.key, self.now, self.algorithm = client_id, key, now, algorithm

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Good ones, changed; None leaves one out."""
        now = int(self.now())
        good = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "jti": uuid4().hex,
            "iat": now,
            "exp": now + 60,
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def assertion(self, header: dict[str, Any] | None = None, key: Key | None = None, **changes: Any) -> str:
        """An assertion with ``changes``."""
        head = {"alg": self.algorithm, **(header or {})}
        return signed({k: v for k, v in head.items() if v is not None}, self.claims(**changes), key or self.key)

    def form(self, assertion: str = "", **more: str) -> dict[str, str]:
        """What proves the client in a form."""
        return {"client_assertion_type": TYPE, "client_assertion": assertion or self.assertion(), **more}
