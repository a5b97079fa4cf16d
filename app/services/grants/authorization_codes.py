"""Authorization codes: 256 random bits, kept as a hash, good once and for a minute (:rfc:`6749#section-4.1.2`)."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import Cause, ProtocolRefusal
from app.models import AuthorizationCode, TokenFamily, UserSession, new_id
from app.services.clients.clients import ClientRecord
from app.services.clients.scopes import split
from app.services.foundation.environment import Caller, Clock, Database, random_token, sha256
from app.services.foundation.statements import Statement
from app.services.grants.consents import ASKS_CONSENT, covered_by_consent
from app.services.grants.refresh_tokens import RefreshTokens
from app.services.grants.scopes_in_force import is_renewable, scopes_in_force
from app.services.grants.token_families import as_actor, begin_family
from app.services.record.audit import Audit, Event
from app.services.record.explanations import address, seconds
from app.services.revocation.revocations import Revocations
from app.services.tokens.claims import (
    SUBJECT_COLUMNS,
    Claims,
    groups_from,
    groups_if_covered,
    subject_from,
    with_subject,
)
from app.services.tokens.tokens import AccessGrant, TokenAnswer, Tokens, new_jti

LIFE = timedelta(seconds=60)
UNKNOWN = Cause("code_unknown")
"""Of a code of another client as well, of which nobody else is told that it was there."""
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")
_code = cast(sa.Table, AuthorizationCode.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_session = cast(sa.Table, UserSession.__table__)
_INSERT = Statement(sa.insert(_code), [column.name for column in _code.columns])
_STATE = (
    sa.select(
        _code.c.client_id,
        _code.c.user_id,
        _code.c.session_id,
        _code.c.redirect_uri,
        _code.c.redirect_uri_was_sent,
        _code.c.scope,
        _code.c.nonce,
        _code.c.code_challenge,
        _code.c.authenticated_at,
        _code.c.claims,
        _code.c.has_refresh,
        _code.c.expires_at,
        _code.c.redeemed_at,
        _code.c.family_id,
        _session.c.ended_at.label("session_ended_at"),
        _session.c.expires_at.label("session_expires_at"),
        _session.c.acted_by,
        covered_by_consent(_code.c.user_id, _code.c.client_id, ASKS_CONSENT),
        groups_if_covered(_code.c.scope),
        *SUBJECT_COLUMNS,
    )
    .select_from(with_subject(_code.join(_session, _session.c.id == _code.c.session_id), _code.c.user_id))
    .where(_code.c.code_hash == sa.bindparam("code_hash"))
)
_LOOK = Statement(_STATE)
# Whoever takes a consent back voids its codes first, and so waits for a redemption and then ends its family.
_FIND = Statement(_STATE.with_for_update(of=_code))
_REDEEM = Statement(
    sa.update(_code)
    .where(_code.c.code_hash == sa.bindparam("hash"), _code.c.redeemed_at.is_(None))
    .values(redeemed_at=sa.bindparam("now"), family_id=sa.bindparam("family"))
)


@dataclass(frozen=True, slots=True)
class CodeGrant:
    """What a code stands for."""

    client: ClientRecord
    user_id: str
    session_id: str
    authenticated_at: datetime
    redirect_uri: str
    redirect_uri_was_sent: bool
    scope: str
    nonce: str | None
    code_challenge: str | None
    claims: dict[str, Any] | None
    acted_by: str | None = None


@dataclass(frozen=True, slots=True)
class Redemption:
    """What a client presents to redeem a code (:rfc:`6749#section-4.1.3`, :rfc:`7636#section-4.5`)."""

    code: str
    redirect_uri: str | None
    code_verifier: str | None


class AuthorizationCodes:
    """Issues and redeems codes."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        tokens: Tokens,
        claims: Claims,
        refresh: RefreshTokens,
        revocations: Revocations,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.tokens = tokens
        self.claims = claims
        self.refresh = refresh
        self.revocations = revocations

    def issue(self, grant: CodeGrant) -> str:
        """A new code for ``grant``."""
        code, now = random_token(256), self.clock()
        _INSERT.run_alone(
            self.db,
            code_hash=sha256(code),
            client_id=grant.client.client_id,
            user_id=grant.user_id,
            session_id=grant.session_id,
            redirect_uri=grant.redirect_uri,
            redirect_uri_was_sent=grant.redirect_uri_was_sent,
            scope=grant.scope,
            nonce=grant.nonce,
            code_challenge=grant.code_challenge,
            authenticated_at=grant.authenticated_at,
            claims=grant.claims,
            has_refresh=gets_refresh_token(grant.client, grant.scope),
            created_at=now,
            expires_at=now + LIFE,
            redeemed_at=None,
            family_id=None,
        )
        if grant.acted_by:
            by, client_id = Caller(actor=grant.acted_by), grant.client.client_id
            self.audit.record(Event.ACTING_USED, by, user_id=grant.user_id, client_id=client_id, what="authorize")
        return code

    def is_waiting(self, code_hash: str) -> bool:
        """Whether a code was never redeemed, so that a later one may take its place."""
        waiting = sa.select(_code.c.code_hash).where(_code.c.code_hash == code_hash, _code.c.redeemed_at.is_(None))
        return self.db.session.execute(waiting).first() is not None

    def void(self, code_hash: str) -> bool:
        """Make an unredeemed code worthless; answers whether there was one (a later one takes its place)."""
        result = self.db.session.execute(
            sa.delete(_code)
            .where(_code.c.code_hash == code_hash, _code.c.redeemed_at.is_(None))
            .returning(_code.c.code_hash)
        )
        return result.first() is not None

    def redeem(self, client: ClientRecord, presented: Redemption, caller: Caller) -> TokenAnswer:
        """Exchange a code for tokens, once. Raises :class:`ProtocolRefusal` with ``invalid_grant``.

        :class:`Unavailable`, while nothing can be signed, spends no code.
        A second use ends the family of the first and commits that by itself (:rfc:`6749#section-4.1.2`).
        """
        code_hash, now, family_id = sha256(presented.code), self.clock(), new_id()
        if self.db.dialect.name == "postgresql":
            row, scopes = self._judged(_FIND, code_hash, client, presented, caller, now)
            # Single use: the row was read under its lock, so nobody else can be here.
            _REDEEM.run_later(self.db, hash=code_hash, now=now, family=family_id)
        else:
            # A lock is one of the whole file, so it is not taken before there is something to write.
            row, scopes = self._judged(_LOOK, code_hash, client, presented, caller, now)
            if _REDEEM.run(self.db, hash=code_hash, now=now, family=family_id) != 1:
                self._judged(_FIND, code_hash, client, presented, caller, now)
                raise _refused(UNKNOWN)
        return self._tokens_for(row, client, scopes, family_id, now, caller)

    def _judged(
        self,
        find: Statement,
        code_hash: str,
        client: ClientRecord,
        presented: Redemption,
        caller: Caller,
        now: datetime,
    ) -> tuple[Any, tuple[str, ...]]:
        """The row of a code that may be redeemed, and what it still stands for; raises what speaks against that."""
        row = find.first(self.db, code_hash=code_hash, asks_consent=not client.is_first_party, plan_at=now)
        if row is None:
            raise _refused(UNKNOWN)
        if row.client_id != client.client_id:
            # RFC 6749 section 4.1.3: the code was issued to another client, for which it stays good.
            self.audit.record_refusal(
                Event.CODE_FOREIGN, caller, error="invalid_grant", client_id=client.client_id, user_id=row.user_id
            )
            raise _refused(UNKNOWN)
        if row.redeemed_at is not None:
            raise self._reused(row, caller, now)
        is_over = row.acted_by and row.session_expires_at <= now
        if is_over or row.expires_at <= now or row.session_ended_at is not None or not row.subject_is_active:
            raise _refused(_what_is_over(row, now))
        _require_same_redirect_uri(row, presented)
        _require_verifier(row.code_challenge, presented.code_verifier)
        if not (scopes := _scopes(row, client)):
            cause = Cause("scopes_gone", {"granted": row.scope})
            raise ProtocolRefusal("invalid_grant", "What was granted is not allowed any more", cause=cause)
        self.tokens.require_signers(client, scopes)
        return row, scopes

    def _tokens_for(
        self, row: Any, client: ClientRecord, scopes: tuple[str, ...], family_id: str, now: datetime, caller: Caller
    ) -> TokenAnswer:
        caller = as_actor(caller, row.acted_by)
        expires_at = now + self.tokens.access_life(client)
        grant = AccessGrant(
            subject=subject_from(row),
            client=client,
            scope=" ".join(scopes),
            session_id=row.session_id,
            authenticated_at=row.authenticated_at,
            jti=new_jti(),
            issued_at=now,
            expires_at=min(expires_at, row.session_expires_at) if row.acted_by else expires_at,
            acted_by=row.acted_by,
            acted_until=row.session_expires_at if row.acted_by else None,
        )
        longest = grant.acted_until or now + self.tokens.lifetimes.refresh_absolute
        has_refresh = row.has_refresh and is_renewable(row.scope, scopes, is_first_party=client.is_first_party)
        begin_family(self.db, family_id, grant, longest if has_refresh else grant.expires_at, row.claims)
        refresh = self.refresh.begin(family_id, grant, caller) if has_refresh else (None, None)
        self.audit.record(
            Event.CODE_REDEEMED, caller, user_id=grant.subject.id, client_id=client.client_id, family=family_id
        )
        return self._answer(row, grant, *refresh)

    def _answer(self, row: Any, grant: AccessGrant, refresh_token: str | None, refresh_life: int | None) -> TokenAnswer:
        """Make it last, then sign: that takes longer than all the rest, and no row may be locked meanwhile."""
        self.db.commit()
        access_token = self.tokens.access_token(grant)
        id_token = None
        scopes = split(grant.scope)
        if "openid" in scopes:
            asked, is_lean = (row.claims or {}).get("id_token"), grant.client.lean_id_token
            said = self.claims.for_id_token(grant.subject, scopes, asked, groups_from(row), is_lean=is_lean)
            id_token = self.tokens.id_token(grant, access_token, row.nonce, said)
        life = int((grant.expires_at - grant.issued_at).total_seconds())
        return TokenAnswer(access_token, life, grant.scope, refresh_token, refresh_life, id_token)

    def _reused(self, row: Any, caller: Caller, now: datetime) -> ProtocolRefusal:
        """RFC 6749 section 4.1.2: a code used twice revokes what was issued for it. Commits by itself."""
        if row.family_id:
            self.revocations.end_family(row.family_id, "code_reused", caller)
        self.audit.record_refusal(
            Event.CODE_REUSED, caller, error="invalid_grant", user_id=row.user_id, client_id=row.client_id
        )
        return _refused(Cause("code_used", {"seconds_ago": seconds(now - row.redeemed_at)}))


def gets_refresh_token(client: ClientRecord, scope: str) -> bool:
    """Whether a grant of ``scope`` to ``client`` comes with a refresh token.

    A plain OAuth request gets one when its client holds that grant; an OpenID Connect request when
    ``offline_access`` was granted or the client is first-party (Core section 11).
    """
    if "refresh_token" not in client.grant_types:
        return False
    scopes = split(scope)
    return "openid" not in scopes or client.is_first_party or "offline_access" in scopes


def s256(verifier: str) -> str:
    """The S256 challenge of a verifier (:rfc:`7636#section-4.2`)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def _scopes(row: Any, client: ClientRecord) -> tuple[str, ...]:
    return scopes_in_force(row.scope, client.allowed_scopes, row)


def _require_same_redirect_uri(row: Any, presented: Redemption) -> None:
    # RFC 6749 section 4.1.3: if the authorization request carried a redirect URI, this one carries the same.
    if presented.redirect_uri is None and row.redirect_uri_was_sent:
        cause = Cause("redirect_uri_missing", {"expected": row.redirect_uri})
        raise ProtocolRefusal("invalid_grant", "The redirect_uri of the authorization request is missing", cause=cause)
    if presented.redirect_uri is not None and presented.redirect_uri != row.redirect_uri:
        cause = Cause("redirect_uri", {"sent": address(presented.redirect_uri), "expected": row.redirect_uri})
        said = "The redirect_uri differs from the one of the authorization request"
        raise ProtocolRefusal("invalid_grant", said, cause=cause)


def _require_verifier(challenge: str | None, verifier: str | None) -> None:
    # RFC 9700 section 2.1.1: a challenge that was sent is always enforced, a verifier without one refused.
    if challenge is None:
        if verifier is not None:
            said = "A code_verifier was sent but no code_challenge before"
            raise ProtocolRefusal("invalid_grant", said, cause=Cause("verifier_unasked"))
        return
    if verifier is None:
        raise ProtocolRefusal("invalid_grant", "The code_verifier is missing", cause=Cause("verifier_missing"))
    if not VERIFIER.match(verifier):
        cause = Cause("verifier_form", {"length": len(verifier)})
        raise ProtocolRefusal("invalid_grant", "The code_verifier must be 43 to 128 unreserved characters", cause=cause)
    # RFC 7636 section 4.6
    if not hmac.compare_digest(s256(verifier), challenge):
        is_challenge = verifier == challenge
        cause = Cause("verifier_is_challenge" if is_challenge else "verifier", {"length": len(verifier)})
        raise ProtocolRefusal("invalid_grant", "The code_verifier does not match the code_challenge", cause=cause)


def _what_is_over(row: Any, now: datetime) -> Cause:
    if row.expires_at <= now:
        return Cause("code_expired", {"seconds_ago": seconds(now - row.expires_at), "life": seconds(LIFE)})
    return Cause("session_ended" if row.session_ended_at or row.subject_is_active else "person_inactive")


def _refused(cause: Cause) -> ProtocolRefusal:
    return ProtocolRefusal("invalid_grant", "Invalid or expired authorization code", cause=cause)
