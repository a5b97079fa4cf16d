"""Client applications: registration, look-up, secrets, and the origins allowed to call from a browser."""

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound
from app.models import Client, Scope
from app.services.clients import redirect_uris
from app.services.foundation.environment import NOBODY, Caller, Clock, Database, random_token, sha256
from app.services.foundation.statements import Statement
from app.services.record.audit import Audit, Event
from app.services.revocation.revocations import Revocations

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
AUTH_METHODS = ("none", "client_secret", "client_secret_basic", "client_secret_post")
"""``client_secret`` stands for either way of sending a secret; it is what a client gets that states none."""
CONSENT_POLICIES = ("implicit", "once", "always")
SIGNING_ALGORITHMS = ("RS256", "ES256")
PORTAL = "portal"
"""The id of the portal as a client of itself (:mod:`app.services.grants.first_party`); nobody can register it."""
_TABLE = cast(sa.Table, Client.__table__)
_MARK = Statement(
    sa.select(
        sa.func.count().label("count"),
        sa.func.max(_TABLE.c.updated_at).label("changed_at"),
        sa.func.sum(_TABLE.c.is_active.cast(sa.Integer)).label("active"),
    )
)
_LISTS = frozenset(column.name for column in _TABLE.c if isinstance(column.type, sa.JSON))
# Lists come as JSON text, which is compared with what was read last time before anybody parses it.
_FIND = Statement(
    sa.select(*(sa.cast(each, sa.Text).label(each.name) if each.name in _LISTS else each for each in _TABLE.c)).where(
        _TABLE.c.client_id == sa.bindparam("client_id")
    )
)


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A registered client as the protocol sees it; the fields are those of :class:`app.models.Client`."""

    client_id: str
    name: str
    description: str
    logo_uri: str | None
    home_uri: str | None
    is_active: bool
    is_confidential: bool
    auth_method: str
    secret_hash: str | None
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    backchannel_logout_uri: str | None
    allowed_scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    consent_policy: str
    require_pkce: bool
    id_token_signed_response_alg: str
    lean_id_token: bool
    access_token_seconds: int | None
    refresh_token_seconds: int | None
    can_introspect_any: bool
    is_listed: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "ClientRecord":
        """Build from a row of the clients table."""
        values = {name: row[name] for name in cls.__slots__}
        frozen: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**frozen)

    @property
    def is_first_party(self) -> bool:
        """First-party clients are those with the consent policy ``implicit``."""
        return self.consent_policy == "implicit"

    def has_redirect_uri(self, uri: str) -> bool:
        """Whether ``uri`` is registered, exactly (RFC 9700 section 2.1)."""
        return redirect_uris.match(uri, self.redirect_uris, is_native=not self.is_confidential)

    def authenticates_by(self, method: str) -> bool:
        """Whether the client may authenticate by ``method`` (a ``token_endpoint_auth_method`` of :rfc:`7591`)."""
        return method == self.auth_method or (self.auth_method == "client_secret" and method != "none")


class Clients:
    """Finds and administers clients."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, revocations: Revocations) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.revocations = revocations
        self._origins: tuple[object, frozenset[str]] = (None, frozenset())
        self._records: dict[str, tuple[object, ClientRecord]] = {}

    def find(self, client_id: str) -> ClientRecord | None:
        """The client of that id, active or not."""
        if not is_client_id(client_id):
            return None
        row = _FIND.first(self.db, client_id=client_id)
        if row is None:
            return None
        known_row, record = self._records.get(client_id, (None, None))
        if record is None or known_row != row:
            values = {name: json.loads(value) if name in _LISTS else value for name, value in row._asdict().items()}
            record = ClientRecord.from_row(values)
            self._records[client_id] = row, record
        return record

    def get(self, client_id: str) -> ClientRecord:
        """The client of that id; raises :class:`NotFound`."""
        if client := self.find(client_id):
            return client
        raise NotFound("There is no client of that id.")

    def all(self, *, listed: bool = False) -> list[ClientRecord]:
        """All clients by id, or only the active ones that show as tiles on the home page."""
        statement = sa.select(_TABLE).order_by(_TABLE.c.created_at, _TABLE.c.client_id)
        if listed:
            statement = statement.where(_TABLE.c.is_listed, _TABLE.c.is_active)
        return [ClientRecord.from_row(dict(row)) for row in self.db.session.execute(statement).mappings()]

    def create(
        self,
        client_id: str,
        *,
        name: str = "",
        redirects: Sequence[str] = (),
        post_logout: Sequence[str] = (),
        scopes: Sequence[str] = (),
        is_confidential: bool = False,
        auth_method: str = "",
        grants: Sequence[str] = (),
        consent_policy: str = "once",
        can_introspect_any: bool = False,
        backchannel_logout_uri: str | None = None,
        lean_id_token: bool = False,
        caller: Caller = NOBODY,
        **fields: Any,
    ) -> str | None:
        """Register a client; answers its secret when it is confidential, never to be seen again.

        Raises :class:`InvalidInput` for anything that cannot be registered.
        """
        client = Client(
            client_id=client_id,
            name=require_name(name or client_id),
            redirect_uris=list(redirects),
            post_logout_redirect_uris=list(post_logout),
            allowed_scopes=list(scopes),
            grant_types=list(grants) or ["authorization_code", "refresh_token"],
            is_confidential=is_confidential,
            auth_method=auth_method or ("client_secret" if is_confidential else "none"),
            consent_policy=consent_policy,
            can_introspect_any=can_introspect_any,
            backchannel_logout_uri=backchannel_logout_uri or None,
            lean_id_token=lean_id_token,
            **fields,
        )
        self._require_valid(client)
        return self._add(client, caller)

    def _add(self, client: Client, caller: Caller) -> str | None:
        secret = random_token(256) if client.is_confidential else None
        client.secret_hash = sha256(secret) if secret else None
        client.created_at = client.updated_at = self.clock()
        self.db.session.add(client)
        self.db.session.flush()
        self.audit.record(Event.CLIENT_CREATED, caller, client_id=client.client_id)
        return secret

    def rotate_secret(self, client_id: str, caller: Caller = NOBODY) -> str:
        """Replace a confidential client's secret at once and answer the new one, never to be seen again."""
        if not self.get(client_id).is_confidential:
            raise InvalidInput("A public client has no secret.", "client_id")
        secret = random_token(256)
        self._update(client_id, secret_hash=sha256(secret))
        self.audit.record(Event.CLIENT_SECRET_ROTATED, caller, client_id=client_id)
        return secret

    def set_backchannel_logout(self, client_id: str, uri: str | None, caller: Caller = NOBODY) -> None:
        """Say where a client hears of logouts, or with None that it no longer does; raises :class:`InvalidInput`."""
        self.get(client_id)
        if uri:
            redirect_uris.require_notifiable(uri)
        self._update(client_id, backchannel_logout_uri=uri or None)
        self.audit.record(Event.CLIENT_CHANGED, caller, client_id=client_id, changed="backchannel_logout_uri")

    def disable(self, client_id: str, caller: Caller = NOBODY) -> None:
        """Stop the client: every request of it and every token issued to it is refused from now on."""
        self.get(client_id)
        self._update(client_id, is_active=False)
        self.revocations.end_client(client_id, "client_disabled", caller)
        self.audit.record(Event.CLIENT_DISABLED, caller, client_id=client_id)

    def browser_origins(self) -> frozenset[str]:
        """Origins of the redirect URIs of active clients; kept in memory until a client changes."""
        mark = _MARK.first(self.db)
        if self._origins[0] != mark:
            rows = self.db.session.scalars(sa.select(_TABLE.c.redirect_uris).where(_TABLE.c.is_active))
            found = (redirect_uris.origin(uri) for uris in rows for uri in uris)
            self._origins = (mark, frozenset(origin for origin in found if origin))
        return self._origins[1]

    def _update(self, client_id: str, **values: object) -> None:
        self.db.session.execute(
            sa.update(_TABLE).where(_TABLE.c.client_id == client_id).values(updated_at=self.clock(), **values)
        )

    def _require_valid(self, client: Client) -> None:
        if not is_client_id(client.client_id) or _is_uuid(client.client_id):
            # A client id never looks like a person's id, so that no `sub` can mean two things (RFC 9068 section 5).
            raise InvalidInput("A client id has 1 to 100 letters, digits, dots, dashes or underscores.", "client_id")
        if client.client_id == PORTAL or self.find(client.client_id):
            raise InvalidInput("There is a client of that id already.", "client_id")
        for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
            redirect_uris.require_registrable(uri)
        if client.backchannel_logout_uri:
            redirect_uris.require_notifiable(client.backchannel_logout_uri)
        known = set(self.db.session.scalars(sa.select(Scope.name)))
        if unknown := [scope for scope in client.allowed_scopes if scope not in known]:
            raise InvalidInput(f"There is no scope {unknown[0]!r}.", "scope")
        _require_coherent(client)


def is_client_id(value: str) -> bool:
    """Whether ``value`` has the form of a client id."""
    return bool(re.fullmatch(r"[A-Za-z0-9._~-]{1,100}", value))


def require_name(value: str) -> str:
    """The name people read on the pages of the flow; raises :class:`InvalidInput` for one that fills or turns a page.

    Controls, line breaks and marks of direction are refused.
    """
    name = value.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise InvalidInput("A name has 1 to 100 characters, none of them a control or a mark of direction.", "name")
    return name


def is_secret(presented: str, stored_hash: str | None) -> bool:
    """Whether ``presented`` is the secret behind ``stored_hash``, in constant time; never without a stored hash."""
    matches = hmac.compare_digest(sha256(presented), stored_hash or "0" * 64)
    return matches and stored_hash is not None


def _is_uuid(value: str) -> bool:
    try:
        return bool(UUID(value))
    except ValueError:
        return False


def _require_coherent(client: Client) -> None:
    """Raise :class:`InvalidInput` unless what the client is and what it wants fit together."""
    if any(grant not in GRANT_TYPES for grant in client.grant_types):
        raise InvalidInput(f"Grant types are {', '.join(GRANT_TYPES)}.", "grant")
    if client.auth_method not in AUTH_METHODS or (client.auth_method == "none") == client.is_confidential:
        raise InvalidInput("A confidential client authenticates with a secret, a public one with none.", "auth_method")
    if client.consent_policy not in CONSENT_POLICIES:
        raise InvalidInput(f"Consent policies are {', '.join(CONSENT_POLICIES)}.", "consent")
    if "authorization_code" in client.grant_types and not client.redirect_uris:
        raise InvalidInput("The authorization code grant needs a redirect URI.", "redirect_uri")
    if "client_credentials" in client.grant_types and not client.is_confidential:
        raise InvalidInput("Client credentials need a confidential client.", "grant")
