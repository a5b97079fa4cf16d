"""Assertions by which clients prove themselves: :rfc:`7523#section-3`, OpenID Connect Core section 9.

The audience is the issuer, as the revision of RFC 7523 (draft-ietf-oauth-rfc7523bis) wants it, because an assertion
for the token endpoint can be won by another server that names our token endpoint as its own. Those that OpenID Connect
Core told to name the token endpoint are taken as well, since most libraries still do; but one that states the new type
(``client-authentication+jwt``) is held to the new rule. Either way it is the only audience.

Each is good once. That it was used is a row, written by a statement and a transaction of its own before anything is
given for it: whichever process comes second changes no row, be the key/value store there or not.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import sqlalchemy as sa
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import to_bytes, urlsafe_b64decode

from app.models import UsedAssertion
from app.services.assertions.published_keys import Keys, PublishedKeys
from app.services.clients.public_keys import ALGORITHMS, ClientKey, keys_of, meant
from app.services.clients.records import ClientRecord
from app.services.foundation.environment import Clock, Database, sha256
from app.services.foundation.statements import Statement, insert_ignoring
from app.services.record.explanations import address, seconds, told
from app.services.record.usage import Usage, Use

LONGEST = 8192
LONGEST_JTI = 255
LONGEST_LIFE = timedelta(minutes=5)
"""From now to its end: whoever finds one has no use for it soon."""
SKEW = timedelta(seconds=60)
"""How much the clock of a client may differ from ours."""
LATEST = 1e11
"""Seconds of a moment that is none any more."""
TYPE = "client-authentication+jwt"
TYPES = frozenset({"", "jwt", TYPE})
_TABLE = cast(sa.Table, UsedAssertion.__table__)
_COLUMNS = [column.name for column in _TABLE.columns]


class Unproven(Exception):
    """An assertion proves nothing; ``reason`` is a constant, for the record.

    With ``is_signed``, the client's key had signed it, so that its sender may know what is wrong with it.
    """

    def __init__(self, reason: str, **facts: str | int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts
        self.is_signed = False


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an assertion says of itself, before anything of it is believed."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def client_id(self) -> str:
        """Who it says it is of."""
        subject = self.claims.get("sub")
        return subject if isinstance(subject, str) else ""


def read(text: str) -> Assertion | None:
    """Take an assertion apart; None for what has not the form of a signed token."""
    parts = text.split(".")
    if len(text) > LONGEST or len(parts) != 3 or not text.isascii():
        return None
    try:
        header, claims = (json.loads(urlsafe_b64decode(to_bytes(part))) for part in parts[:2])
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    return Assertion(text, header, claims)


class Assertions:
    """Judges assertions."""

    def __init__(self, db: Database, clock: Clock, published: PublishedKeys, usage: Usage, issuer: str) -> None:
        self.db = db
        self.clock = clock
        self.published = published
        self.usage = usage
        self.issuer = issuer
        self._statements: dict[str, Statement] = {}

    def use(self, assertion: Assertion, client: ClientRecord, token_endpoints: Collection[str]) -> None:
        """Believe that ``client`` made the assertion, this once; raises :class:`Unproven`.

        ``token_endpoints`` are the addresses by which it may mean this server, beside the issuer.

        Called before anything was written in the request: what is to be read elsewhere is waited for without a
        connection to the database, and that the assertion was used is committed.
        """
        key = self._key(assertion, client)
        try:
            is_signed = _is_signed(assertion, key)
        except (JoseError, ValueError):
            is_signed = False
        if not is_signed:
            raise Unproven("signature")
        try:
            expires_at = self._require_good(assertion, client.client_id, token_endpoints)
            if not self._spend(f"{client.client_id}\n{assertion.claims['jti']}", expires_at):
                raise Unproven("used")
        except Unproven as unproven:
            unproven.is_signed = True
            raise

    def _key(self, assertion: Assertion, client: ClientRecord) -> ClientKey:
        header = assertion.header
        algorithm, kind = header.get("alg"), header.get("typ", "")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            is_known = isinstance(algorithm, str) and algorithm in jws.JWSRegistry.algorithms
            sent = str(algorithm) if is_known else "…" if algorithm else ""
            raise Unproven("algorithm", sent=sent, expected=" ".join(ALGORITHMS))
        # RFC 7515 section 4.1.11: whoever says that something has to be understood is not understood here.
        if "crit" in header or "b64" in header:
            raise Unproven("header")
        if not isinstance(kind, str) or _type(kind) not in TYPES:
            raise Unproven("type")
        means = partial(meant, kid=header.get("kid"), algorithm=algorithm)

        def is_enough(keys: Keys) -> bool:
            return means(keys) is not None

        if client.jwks:
            keys = keys_of(client.jwks)
        else:
            heard = partial(self.usage.count, client.client_id, Use.KEYS)
            keys = self.published.at(client.jwks_uri or "", is_enough, self.db.give_back, heard)
        if (key := means(keys)) is None:
            raise Unproven("key" if keys else "no_keys")
        return key

    def _require_good(self, assertion: Assertion, client_id: str, token_endpoints: Collection[str]) -> datetime:
        """Check what stands in it (:rfc:`7523#section-3`) and answer until when it would be good."""
        claims = assertion.claims
        if claims.get("iss") != client_id or claims.get("sub") != client_id:
            sent = {name: _told(claims.get(name), client_id) for name in ("iss", "sub")}
            raise Unproven("client", **sent, expected=client_id)
        is_typed = _type(assertion.header.get("typ", "")) == TYPE
        if not _is_for(claims.get("aud"), {self.issuer} if is_typed else {self.issuer, *token_endpoints}):
            raise Unproven("audience", sent=_told(claims.get("aud"), client_id), expected=self.issuer)
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
            raise Unproven("jti")
        now = self.clock()
        expires_at = _moment(claims.get("exp"))
        if expires_at is None:
            raise Unproven("exp")
        if expires_at + SKEW <= now:
            raise Unproven("expired", exp=told(expires_at), now=told(now), seconds_ago=seconds(now - expires_at))
        if expires_at > now + LONGEST_LIFE + SKEW:
            life, longest = seconds(expires_at - now), seconds(LONGEST_LIFE)
            raise Unproven("lives_too_long", exp=told(expires_at), now=told(now), life=life, longest=longest)
        for name in ("iat", "nbf"):
            _require_begun(name, claims.get(name, 0), now, expires_at)
        return expires_at

    def _spend(self, name: str, expires_at: datetime) -> bool:
        """Whether this is the first use; on record for as long as it could be used again."""
        dialect = self.db.dialect
        statement = self._statements.get(dialect.name)
        if statement is None:
            statement = self._statements[dialect.name] = Statement(insert_ignoring(dialect, _TABLE), _COLUMNS)
        return bool(statement.run_alone(self.db, assertion_hash=sha256(name), expires_at=expires_at + SKEW + SKEW))


def _is_signed(assertion: Assertion, key: ClientKey) -> bool:
    """Whether the signature is of that key, by the algorithm of the header, which the key is known to be for."""
    signed, _, signature = assertion.text.rpartition(".")
    algorithm = jws.JWSRegistry.algorithms[assertion.header["alg"]]
    return bool(algorithm.verify(signed.encode(), urlsafe_b64decode(to_bytes(signature)), key.key))


def _require_begun(name: str, value: object, now: datetime, expires_at: datetime) -> None:
    moment = _moment(value)
    if moment is None:
        raise Unproven(name)
    if moment > now + SKEW or moment > expires_at:
        raise Unproven(name, **{name: told(moment), "now": told(now), "seconds_ahead": seconds(moment - now)})


def _is_for(audience: object, meant_for: set[str]) -> bool:
    """Whether the only audience is one of these, stated alone or as a list of one."""
    if isinstance(audience, list):
        audience = audience[0] if len(audience) == 1 else None
    return isinstance(audience, str) and audience in meant_for


def _told(value: object, client_id: str) -> str:
    """What a claim names, as far as it may be kept: addresses, and the client itself."""
    values = value if isinstance(value, list) else [value]
    return " ".join(each if each == client_id else address(each) for each in values[:5] if isinstance(each, str))


def _type(kind: str) -> str:
    """A media type as it is compared (:rfc:`7515#section-4.1.9`)."""
    return kind.lower().removeprefix("application/")


def _moment(value: object) -> datetime | None:
    """A ``NumericDate`` (:rfc:`7519#section-2`); None for what is no moment of this era."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
        return None
    return datetime.fromtimestamp(value, UTC)
