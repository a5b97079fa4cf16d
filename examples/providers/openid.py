"""ID tokens, true and forged."""

import base64
import functools
import hashlib
import hmac
import json
import threading
import time
from typing import Any, ClassVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from examples.providers.faults import INNER_ADDRESS
from examples.providers.provider import Grant, Provider
from examples.providers.switches import FORGED, METADATA, OLD_LOGIN, Switch
from examples.providers.web import Answer, Request, as_json

LIFE_SECONDS = 3600
KEY_ID = "2f0e5a9c7d1b4e68"


_turn = threading.Lock()


def _key(name: str) -> rsa.RSAPrivateKey:
    """One pair for a process: making one takes a moment, in which others must not make another."""
    with _turn:
        return _made(name)


@functools.cache
def _made(name: str) -> rsa.RSAPrivateKey:
    del name
    return rsa.generate_private_key(65537, 2048)


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _left_half(token: str) -> str:
    return _encoded(hashlib.sha256(token.encode()).digest()[:16])


def _signed(header: dict[str, str], claims: dict[str, Any], signer: str) -> str:
    """A compact JWS, put together by hand: libraries refuse to make most of the forgeries."""
    text = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    match signer:
        case "":
            signature = b""
        case "public key as secret":
            pem = _key("published").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            signature = hmac.new(pem, text.encode(), "sha256").digest()
        case _:
            signature = _key(signer).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{_encoded(signature)}"


HEADERS: dict[str, tuple[dict[str, str], str]] = {
    "none": ({"alg": "none"}, ""),
    "kid": ({"kid": "nobody-knows-this-one"}, "other"),
    "signature": ({}, "other"),
    "hs256": ({"alg": "HS256"}, "public key as secret"),
    "alg": ({"alg": "XS256"}, "published"),
}
"""Of forged ID tokens: what is different in the header, and who signs."""


class OpenIDProvider(Provider):
    """Adds discovery, keys, ID tokens and userinfo."""

    more_switches: ClassVar[tuple[Switch, ...]] = (FORGED, METADATA, OLD_LOGIN)

    @property
    def issuer(self) -> str:
        """As in its discovery document."""
        return self.url

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        raise NotImplementedError

    def discovery(self, request: Request) -> Answer:
        """The discovery document, or what stands in its place."""
        told = self.metadata()
        match self.switches["metadata"]:
            case True | "issuer":
                told["issuer"] = "https://accounts.evil.example"
            case "inner":
                told["token_endpoint"] = INNER_ADDRESS
            case "lacking":
                del told["token_endpoint"]
            case "list":
                return as_json([told])
        return as_json(told)

    def keys(self, request: Request) -> Answer:
        """The published key."""
        numbers = _key("published").public_key().public_numbers()
        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": KEY_ID,
            "n": _number(numbers.n),
            "e": _number(numbers.e),
        }
        return as_json({"keys": [key]}, 200, **{"Cache-Control": "public, max-age=3600"})

    def id_token(self, grant: Grant, access_token: str) -> dict[str, str]:
        """``{"id_token": …}``; empty where the scope or a switch leaves it out."""
        forgery = self.switches["forged"]
        kind = "aud" if forgery is True else str(forgery or "")
        if kind == "absent" or "openid" not in grant.request.get("scope", "").split():
            return {}
        now = int(time.time())
        nonce = {"nonce": grant.request["nonce"]} if "nonce" in grant.request else {}
        claims = {
            "iss": self.issuer,
            "azp": self.client_id,
            "aud": self.client_id,
            **self.claims(grant),
            "at_hash": _left_half(access_token),
            **nonce,
            **self._auth_time(grant, now),
            "iat": now,
            "exp": now + LIFE_SECONDS,
        }
        header, signer = HEADERS.get(kind, ({}, "published"))
        header = {"alg": "RS256", "kid": KEY_ID, "typ": "JWT"} | header
        return {"id_token": _signed(header, self._forged(claims, kind), signer)}

    def _auth_time(self, grant: Grant, now: int) -> dict[str, int]:
        """When somebody logged in here, told to who asks by ``max_age`` (OpenID Connect Core section 2)."""
        if "max_age" not in grant.request:
            return {}
        return {"auth_time": now - LIFE_SECONDS if self.switches["old_login"] else now}

    def _forged(self, claims: dict[str, Any], kind: str) -> dict[str, Any]:
        past = int(time.time()) - 2 * LIFE_SECONDS
        changes: dict[str, dict[str, Any]] = {
            "aud": {"aud": "another-client", "azp": "another-client"},
            "azp": {"aud": [self.client_id, "another-client"], "azp": "another-client"},
            "iss": {"iss": "https://accounts.evil.example"},
            "nonce": {"nonce": "the-nonce-of-another-login"},
            "expired": {"iat": past, "exp": past + LIFE_SECONDS},
            "alg": {"at_hash": _left_half("another token")},
            "at_hash": {"at_hash": _left_half("another token")},
        }
        removed = {"nonce"} if kind == "no_nonce" else set()
        return {name: value for name, value in (claims | changes.get(kind, {})).items() if name not in removed}

    def claims(self, grant: Grant) -> dict[str, Any]:
        """Who it is, by the scope that was granted."""
        profile = self.profile(grant)
        scope = grant.request.get("scope", "").split()
        told: dict[str, Any] = {"sub": profile.subject}
        if "email" in scope and profile.email is not None:
            told |= {"email": profile.email, "email_verified": profile.is_verified}
        if "profile" in scope:
            told |= {"name": profile.name, "locale": "ko"} | ({"picture": profile.picture} if profile.picture else {})
        return self.profiles.typed(told)

    def userinfo(self, request: Request) -> Answer:
        """The claims again, for an access token."""
        grant = self.granted(request.bearer)
        if grant is None:
            return self.refuse_token()
        other = {"sub": self.subject("somebody else")} if self.switches["forged"] == "sub" else {}
        return as_json(self.claims(grant) | other)

    def refuse_token(self) -> Answer:
        """The access token is not good."""
        raise NotImplementedError
