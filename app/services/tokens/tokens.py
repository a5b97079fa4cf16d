"""Tokens as text: signing access, ID and service tokens, and reading access tokens back.

Access tokens are JWTs of RFC 9068 with ``typ: at+jwt``; nothing else is accepted where one is meant.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64encode

from app.errors import ProtocolRefusal
from app.services.clients.clients import ClientRecord
from app.services.clients.registration import SIGNING_ALGORITHMS
from app.services.clients.scopes import split
from app.services.foundation.environment import Clock, random_token, sha256
from app.services.tokens import claim_types
from app.services.tokens.claims import LISTS, Subject, for_access_token
from app.services.tokens.key_ring import Key
from app.services.tokens.keys import Keys

ACCESS_TYPE = "at+jwt"
PERSON, SERVICE = "access", "service"
LOGOUT_TYPE = "logout+jwt"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TOKEN_LIFE = timedelta(minutes=2)
SKEW_SECONDS = 120
"""How far the clock of the host that issued a token may be ahead of this one's."""
LONGEST = 8192
LONGEST_ID = 36
LONGEST_WITH_LISTS = 4096
"""Applications keep ID tokens in cookies and send them back in links."""
MOST_REMEMBERED = 4096
ALGORITHMS = ["ES256", "RS256", "EdDSA", "HS256"]
_REQUIRED = frozenset({"aud", "sub", "client_id", "jti", "exp", "iat", "type"})
_REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Default lives of tokens."""

    access: timedelta
    refresh: timedelta
    refresh_absolute: timedelta
    service: timedelta


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """All that an access token of a person says; repeating a lost response signs the same grant again.

    ``acted_by`` is the administrator who acts as the person, if one does: nothing outlives ``acted_until`` then.
    """

    subject: Subject
    client: ClientRecord
    scope: str
    session_id: str | None
    authenticated_at: datetime
    jti: str
    issued_at: datetime
    expires_at: datetime
    acted_by: str | None = None
    acted_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What the token endpoint answers (:rfc:`6749#section-5.1`); times to live in seconds."""

    access_token: str
    expires_in: int
    scope: str
    refresh_token: str | None = None
    refresh_expires_in: int | None = None
    id_token: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The members of the JSON answer; those without a value are left out."""
        members = {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": self.scope,
            "refresh_token": self.refresh_token,
            "refresh_expires_in": self.refresh_expires_in,
            "id_token": self.id_token,
        }
        return {name: value for name, value in members.items() if value is not None}


def new_jti() -> str:
    """A token id nobody can guess."""
    return random_token(128)


@lru_cache(maxsize=64)
def _head(token_type: str, algorithm: str, kid: str | None) -> bytes:
    """The first part of a JWT (:rfc:`7515#section-7.1`), the same for every token a key signs."""
    header = {"typ": token_type, "alg": algorithm, **({"kid": kid} if kid else {})}
    return urlsafe_b64encode(json.dumps(header).encode())


class InvalidToken(ProtocolRefusal):
    """A bearer token that is not, or no longer, good (:rfc:`6750#section-3.1`)."""

    def __init__(self, description: str = "The access token is invalid or expired") -> None:
        super().__init__("invalid_token", description, 401)


class Tokens:
    """Signs and reads JWTs."""

    def __init__(
        self, keys: Keys, clock: Clock, issuer: str, lifetimes: Lifetimes, *, has_all_claims: bool = False
    ) -> None:
        self.keys = keys
        self.clock = clock
        self.issuer = issuer
        self.lifetimes = lifetimes
        self.has_all_claims = has_all_claims
        # A signature that was good is good as long as the same keys are: backends present one token again and again.
        self._verified_before: dict[tuple[str, bool], tuple[object, dict[str, Any], dict[str, Any]]] = {}

    def access_life(self, client: ClientRecord) -> timedelta:
        """How long an access token of ``client`` lives."""
        return timedelta(seconds=client.access_token_seconds) if client.access_token_seconds else self.lifetimes.access

    def require_signers(self, client: ClientRecord, scopes: Sequence[str]) -> None:
        """Raise :class:`Unavailable` unless all that is to be answered for ``scopes`` can be signed.

        To be asked before anything is spent: nothing may be used up for an answer that cannot be given.
        """
        self.keys.signer(self.keys.access_algorithm)
        if "openid" in scopes:
            self.keys.signer(client.id_token_signed_response_alg)

    def access_token(self, grant: AccessGrant) -> str:
        """A signed access token (:rfc:`9068#section-2.2`)."""
        return self._sign(
            self.keys.access_algorithm,
            ACCESS_TYPE,
            {
                "iss": self.issuer,
                "aud": self.issuer,
                "sub": grant.subject.id,
                "client_id": grant.client.client_id,
                "iat": _seconds(grant.issued_at),
                "exp": _seconds(grant.expires_at),
                "jti": grant.jti,
                "scope": grant.scope,
                "sid": grant.session_id,
                "auth_time": _seconds(grant.authenticated_at),
                "act": act(grant.acted_by),
                **for_access_token(grant.subject, split(grant.scope), is_whole=self.has_all_claims),
            },
        )

    def id_token(
        self, grant: AccessGrant, access_token: str, nonce: str | None = None, claims: dict[str, Any] | None = None
    ) -> str:
        """A signed ID token (OpenID Connect Core section 2), with ``at_hash`` of ``access_token``.

        Of ``claims`` it leaves out lists, or all, with which it would be too long for where it is kept and sent.
        """
        protocol: dict[str, Any] = {
            "iss": self.issuer,
            "aud": grant.client.client_id,
            "sub": grant.subject.id,
            "iat": _seconds(grant.issued_at),
            "exp": _seconds(grant.expires_at),
            "auth_time": _seconds(grant.authenticated_at),
            "sid": grant.session_id,
            "act": act(grant.acted_by),
            "at_hash": _half_hash(access_token),
            "nonce": nonce,
        }
        said, algorithm = claims or {}, grant.client.id_token_signed_response_alg
        token = self._sign(algorithm, "JWT", {**said, **protocol})
        if len(token) > LONGEST_WITH_LISTS and not LISTS.isdisjoint(said):
            said = {name: value for name, value in said.items() if name not in LISTS}
            token = self._sign(algorithm, "JWT", {**said, **protocol})
        return token if len(token) <= LONGEST else self._sign(algorithm, "JWT", protocol)

    def service_token(self, client: ClientRecord, scope: str) -> TokenAnswer:
        """An access token for the client itself (:rfc:`6749#section-4.4.3`)."""
        now, life = self.clock(), self.lifetimes.service
        token = self._sign(
            self.keys.access_algorithm,
            ACCESS_TYPE,
            {
                "iss": self.issuer,
                "aud": self.issuer,
                "sub": client.client_id,
                "client_id": client.client_id,
                "iat": _seconds(now),
                "exp": _seconds(now + life),
                "jti": new_jti(),
                "scope": scope,
                "type": SERVICE,
                **({"generation": client.generation} if client.generation else {}),
            },
        )
        return TokenAnswer(token, int(life.total_seconds()), scope)

    def logout_token(self, client: ClientRecord, user_id: str, session_id: str) -> str:
        """What tells ``client`` that a session ended (OpenID Connect Back-Channel Logout section 2.4)."""
        now = self.clock()
        return self._sign(
            client.id_token_signed_response_alg,
            LOGOUT_TYPE,
            {
                "iss": self.issuer,
                "aud": client.client_id,
                "sub": user_id,
                "sid": session_id,
                "iat": _seconds(now),
                "exp": _seconds(now + LOGOUT_TOKEN_LIFE),
                "jti": new_jti(),
                "events": {LOGOUT_EVENT: {}},
            },
        )

    def read_access_token(self, token: str) -> dict[str, Any]:
        """The claims of an access token of ours that has not expired; raises :class:`InvalidToken`.

        Says nothing about revocation (:rfc:`9068#section-4`).
        """
        header, claims = self._verified(token)
        if header.get("typ") != ACCESS_TYPE or header.get("alg") != self.keys.access_algorithm:
            raise InvalidToken
        if not claims.keys() >= _REQUIRED or claims["aud"] != self.issuer:
            raise InvalidToken
        if not (claims["sub"] == claims["client_id"] if claims["type"] == SERVICE else _is_of_person(claims)):
            raise InvalidToken
        now = self.clock().timestamp()
        if claims["exp"] <= now or claims["iat"] > now + SKEW_SECONDS:
            raise InvalidToken
        return claims

    def said_by(self, token: str) -> dict[str, Any]:
        """The claims of whatever this portal signed, with the ``typ`` of its header; raises :class:`InvalidToken`.

        To say what is wrong with a token, and for nothing else: it may be of any kind, and over.
        """
        header, claims = self._verified(token)
        return {**claims, "typ": str(header.get("typ", ""))}

    def read_id_token_hint(self, token: str) -> dict[str, Any]:
        """The claims of an ID token of ours; raises :class:`InvalidToken`.

        It may have expired, and its key may sign and verify nothing else any more (Core section 3.1.2.1).
        """
        header, claims = self._verified(token, is_hint=True)
        # Back-Channel Logout section 4: a logout token is no ID token, nor is an access token.
        if header.get("typ") != "JWT" or not {"sub", "aud"} <= claims.keys():
            raise InvalidToken
        # Never signed with a secret that backends share.
        if header["alg"] not in SIGNING_ALGORITHMS:
            raise InvalidToken
        return claims

    def _verified(self, token: str, *, is_hint: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims of a token this portal signed."""
        # The cap bounds what a stranger can make the parser do.
        if len(token) > LONGEST or not token.isascii():
            raise InvalidToken
        digest, ring = (sha256(token), is_hint), self.keys.mark()
        if (known := self._verified_before.get(digest)) and known[0] is ring:
            return known[1], dict(known[2])
        header, claims = self._verify(token, is_hint)
        if len(self._verified_before) >= MOST_REMEMBERED:
            self._verified_before.clear()
        self._verified_before[digest] = ring, header, claims
        return header, dict(claims)

    def _verify(self, token: str, is_hint: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            unverified = jws.extract_compact(token.encode(), registry=_REGISTRY)
            header = unverified.headers()
            key = self._key_for(header, is_hint)
            decoded = jws.deserialize_compact(token, key, algorithms=[str(header["alg"])], registry=_REGISTRY)
            claims = json.loads(decoded.payload)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise InvalidToken from None
        if not isinstance(claims, dict) or claims.get("iss") != self.issuer or not claim_types.are_proper(claims):
            raise InvalidToken
        return dict(header), claims

    def _key_for(self, header: dict[str, Any], is_hint: bool) -> Key:
        """The key we would have signed with; what the header carries itself is never trusted."""
        kid, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(algorithm, str) or not isinstance(kid, str | None):
            raise InvalidToken
        find = self.keys.hint_verifier if is_hint else self.keys.verifier
        key = find(kid, algorithm) if algorithm in ALGORITHMS else None
        if key is None:
            raise InvalidToken
        return key

    def _sign(self, algorithm: str, token_type: str, claims: dict[str, Any]) -> str:
        key = self.keys.signer(algorithm)
        payload = json.dumps({name: value for name, value in claims.items() if value is not None})
        signed = b".".join((_head(token_type, algorithm, key.kid), urlsafe_b64encode(payload.encode())))
        return b".".join((signed, urlsafe_b64encode(self._signature(algorithm, signed, key)))).decode()

    def _signature(self, algorithm: str, signed: bytes, key: Key) -> bytes:
        return _REGISTRY.get_alg(algorithm).sign(signed, key)


def act(acted_by: str | None) -> dict[str, str] | None:
    """Who acts, beside the person in ``sub`` (:rfc:`8693#section-4.1`); None where the person does."""
    return {"sub": acted_by} if acted_by else None


def _is_of_person(claims: dict[str, Any]) -> bool:
    return claims["type"] == PERSON and len(claims["sub"]) <= LONGEST_ID


def _half_hash(token: str) -> str:
    """``at_hash``: the left half of SHA-256, base64url (Core section 3.1.3.6); all our algorithms use SHA-256.

    EdDSA signs with SHA-512 inside, but ID tokens are never signed with it here.
    """
    digest = hashlib.sha256(token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
