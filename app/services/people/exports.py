"""Everything the portal knows about a person, as plain values: no secret, and nothing of anybody else."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound
from app.models import (
    AuditLog,
    AuthorizationCode,
    Base,
    BillingSubscription,
    Client,
    Consent,
    Delivery,
    Group,
    Identity,
    KnownDevice,
    Membership,
    OneTimeToken,
    PeopleBatch,
    PeopleBatchLine,
    Photo,
    PlanOverride,
    ProviderRequest,
    Quota,
    QuotaUse,
    RefreshToken,
    RevokedToken,
    Role,
    SavedFilter,
    SelfcheckReport,
    TokenFamily,
    User,
    UserSession,
)
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.pictures import SIZES, address, path_of
from app.services.people.activity import TOLD
from app.services.photos.photos import Photos
from app.services.plans.effective import plan_at
from app.services.record.audit import Audit, Event

SECRETS = frozenset({"password_hash", "token_hash", "code_hash", "device_hash", "code_challenge", "nonce", "key_hash"})
"""Columns that prove something to somebody, if only as a hash; they never leave."""
OF_OLDER_CODE = frozenset({"quota_used", "quota_resets_at"})
"""Columns of the account that say nothing any more."""


def _table(model: type[Base]) -> sa.Table:
    return cast(sa.Table, model.__table__)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the export: rows of one kind that belong to the person, the latest first."""

    name: str
    query: sa.Select[Any]


def _of(
    name: str, model: type[Base], columns: Sequence[str], *, latest: str = "created_at", owner: str = "user_id"
) -> Section:
    table = _table(model)
    query = sa.select(*(table.c[column] for column in columns)).where(table.c[owner] == sa.bindparam("user_id"))
    return Section(name, query.order_by(table.c[latest].desc(), *table.primary_key.columns))


_membership, _group, _role = _table(Membership), _table(Group), _table(Role)
_MEMBERSHIPS = Section(
    "groups",
    sa.select(
        _group.c.name, _group.c.kind, _role.c.name.label("role"), _membership.c.is_primary, _membership.c.created_at
    )
    .join(_group, _group.c.id == _membership.c.group_id)
    .join(_role, _role.c.id == _membership.c.role_id)
    .where(_membership.c.user_id == sa.bindparam("user_id"))
    .order_by(_group.c.name),
)
_log = _table(AuditLog)
_ACTIVITY = Section(
    "activity",
    sa.select(
        *(_log.c[name] for name in ("id", "action", "client_id", "success", "error_code", "details", "created_at")),
        *TOLD.values(),
    )
    .where(_log.c.user_id == sa.bindparam("user_id"))
    .order_by(_log.c.created_at.desc(), _log.c.id),
)
SECTIONS = (
    _of(
        "provider_identities",
        Identity,
        ("id", "provider", "subject", "email", "email_verified", "profile", "created_at", "last_used_at"),
    ),
    _of("provider_requests", ProviderRequest, ("provider", "purpose", "created_at", "answered_at")),
    _MEMBERSHIPS,
    _of(
        "plan_overrides",
        PlanOverride,
        ("id", "plan", "monthly_limit", "starts_at", "ends_at", "reason", "created_at"),
    ),
    _of(
        "subscriptions",
        BillingSubscription,
        ("id", "customer_id", "plan", "status", "began_at", "renews_at", "ends_at", "changed_at"),
        latest="changed_at",
    ),
    _of("quota", Quota, ("used", "began_at", "resets_at"), latest="began_at"),
    _of("quota_uses", QuotaUse, ("client_id", "amount", "given_back", "plan", "monthly_limit", "created_at")),
    _of(
        "batches",
        PeopleBatch,
        ("id", "kind", "state", "wishes", "total", "done", "counts", "created_at", "finished_at"),
    ),
    _of("batch_lines", PeopleBatchLine, ("batch_id", "number", "result", "reasons"), latest="number"),
    _of("saved_filters", SavedFilter, ("id", "name", "query", "created_at")),
    _of("photo", Photo, ("id", "covers", "created_at")),
    _of(
        "sessions",
        UserSession,
        (
            "id",
            "device_name",
            "ip_address",
            "user_agent",
            "is_remembered",
            "authenticated_at",
            "created_at",
            "last_used_at",
            "access_count",
            "expires_at",
            "ended_at",
            "end_reason",
            "act_reason",
        ),
    ),
    _of("devices", KnownDevice, ("id", "created_at", "last_used_at", "expires_at")),
    _of(
        "consents",
        Consent,
        ("client_id", "scopes", "declined", "granted_at", "updated_at", "withdrawn_at"),
        latest="updated_at",
    ),
    _of(
        "token_families",
        TokenFamily,
        (
            "id",
            "client_id",
            "session_id",
            "scope",
            "claims",
            "authenticated_at",
            "created_at",
            "expires_at",
            "revoked_at",
            "revoke_reason",
        ),
    ),
    _of(
        "refresh_tokens",
        RefreshToken,
        (
            "id",
            "family_id",
            "client_id",
            "scope",
            "client_ip",
            "user_agent",
            "rotation_count",
            "created_at",
            "last_used_at",
            "expires_at",
            "revoked_at",
        ),
    ),
    _of(
        "authorizations",
        AuthorizationCode,
        ("client_id", "session_id", "redirect_uri", "scope", "created_at", "expires_at", "redeemed_at"),
    ),
    _of(
        "revoked_tokens", RevokedToken, ("client_id", "reason", "blacklisted_at", "expires_at"), latest="blacklisted_at"
    ),
    _of("mailed_links", OneTimeToken, ("purpose", "email", "created_at", "expires_at", "used_at")),
    _of("deliveries", Delivery, ("kind", "client_id", "created_at", "attempts", "done_at", "given_up_at")),
    _of("owned_applications", Client, ("client_id", "name", "created_at"), owner="owner_id"),
    _of("selfchecks", SelfcheckReport, ("id", "began_at", "ended_at"), latest="began_at", owner="begun_by"),
    _ACTIVITY,
)


class Exports:
    """Collects what is stored about a person."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, photos: Photos, issuer: str) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.photos = photos
        self.issuer = issuer

    def make(self, user_id: str, caller: Caller) -> dict[str, Any]:
        """The whole export: values are what JSON can hold, times ISO 8601 in UTC. Raises :class:`NotFound`.

        Goes on record, since whoever holds it knows a lot.
        """
        account = self._account(user_id)
        identities = [{"kind": "password", "changed_at": account["password_changed_at"]}]
        self.audit.record(Event.ACCOUNT_EXPORTED, caller, user_id=user_id)
        made: dict[str, Any] = {
            "exported_at": _plain(self.clock()),
            "account": account,
            "identities": identities if self._has_password(user_id) else [],
        }
        for section in SECTIONS:
            rows = self.db.session.execute(section.query, {"user_id": user_id}).mappings()
            made[section.name] = [{name: _plain(value) for name, value in row.items()} for row in rows]
        made["photo"] = [self._photo(row) for row in made["photo"]]
        return made

    def _photo(self, row: dict[str, Any]) -> dict[str, Any]:
        """A photo to keep: its address works as long as the account, the JPEG in base64 for ever."""
        content = self.photos.content(row["id"], SIZES[-1])
        return {
            "address": address(path_of(row["id"]), self.issuer),
            "covers": row["covers"],
            "created_at": row["created_at"],
            "jpeg": b64encode(content).decode() if content else None,
        }

    def _has_password(self, user_id: str) -> bool:
        user = _table(User)
        query = sa.select(user.c.id).where(user.c.id == user_id, user.c.password_hash.is_not(None))
        return self.db.session.execute(query).first() is not None

    def _account(self, user_id: str) -> dict[str, Any]:
        user = _table(User)
        columns = [column for column in user.c if column.name not in SECRETS | OF_OLDER_CODE]
        counting = plan_at(self.clock()).label("effective_plan")
        row = self.db.session.execute(sa.select(*columns, counting).where(user.c.id == user_id)).mappings().first()
        if row is None:
            raise NotFound
        account = {name: _plain(value) for name, value in row.items()}
        return {**account, "avatar_url": address(account["avatar_url"], self.issuer)}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
