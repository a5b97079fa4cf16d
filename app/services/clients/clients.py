"""Client applications: registration, look-up, secrets, and the origins allowed to call from a browser."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.errors import InvalidInput, NotFound, sentence
from app.models import Client, TokenFamily, UsageHour, User
from app.services.clients import redirect_uris
from app.services.clients.proposals import proposed
from app.services.clients.reach import require_reach
from app.services.clients.records import FIRST_PARTY as FIRST_PARTY
from app.services.clients.records import ClientRecord as ClientRecord
from app.services.clients.registration import (
    CHANGEABLE,
    AddressKind,
    ListChange,
    follow_keys,
    has_secret,
    is_client_id,
    require_client_id,
    require_registrable,
    require_room,
)
from app.services.clients.scopes import kept
from app.services.clients.secrets import LIVING, ClientSecrets, SecretDescription
from app.services.foundation.environment import NOBODY, Caller, Clock, Database, random_token
from app.services.foundation.statements import Statement
from app.services.record.audit import Audit, Event
from app.services.revocation.revocations import Revocations

UNKNOWN = sentence("There is no client of that id.")
TAKEN = "There is a client of that id already."
SECRETLESS = sentence("This client has no secret: it is public, or signs with a key.")
OWN = sentence("The portal's own client cannot be changed.")
PORTAL = "portal"
"""The id of the portal as a client of itself (:mod:`app.services.grants.first_party`); nobody can register it."""
DELETED_AT_ONCE = 500
_TABLE = cast(sa.Table, Client.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_usage = cast(sa.Table, UsageHour.__table__)
_MARK = Statement(
    sa.select(
        sa.func.count().label("count"),
        sa.func.max(_TABLE.c.updated_at).label("changed_at"),
        sa.func.sum(_TABLE.c.is_active.cast(sa.Integer)).label("active"),
    )
)
_ADDRESSES = frozenset(kind.column for kind in AddressKind)
_LISTS = frozenset(column.name for column in _TABLE.c if isinstance(column.type, sa.JSON))
# Lists come as JSON text, which is compared with what was read last time before anybody parses it.
_COLUMNS = [
    sa.cast(each, sa.Text).label(each.name) if each.name in _LISTS else each
    for each in _TABLE.c
    if each.name != "secret_hash"
]
_OF_ID = _TABLE.c.client_id == sa.bindparam("client_id")
_FIND = Statement(sa.select(*_COLUMNS).where(_OF_ID))
_PROVING = Statement(sa.select(*_COLUMNS, _TABLE.c.secret_hash.label("newest"), LIVING.label("living")).where(_OF_ID))


@dataclass(frozen=True, slots=True)
class Change:
    """The columns a change concerned, by name, and the secret of a client that has one from now on."""

    names: tuple[str, ...]
    secret: str | None = None


class Clients:
    """Finds and administers clients."""

    def __init__(
        self, db: Database, clock: Clock, audit: Audit, revocations: Revocations, *, allows_network: bool = False
    ) -> None:
        self.allows_network = allows_network
        self.db = db
        self.clock = clock
        self.audit = audit
        self.revocations = revocations
        self.secrets = ClientSecrets(db)
        self._origins: tuple[object, frozenset[str]] = (None, frozenset())
        self._records: dict[str, tuple[object, ClientRecord]] = {}

    def find(self, client_id: str) -> ClientRecord | None:
        """The client of that id, active or not."""
        if not is_client_id(client_id):
            return None
        row = _FIND.first(self.db, client_id=client_id)
        return self._record(row) if row else None

    def find_with_secrets(self, client_id: str) -> tuple[ClientRecord | None, tuple[str, ...]]:
        """The same for who has to prove to be the client, with the hashes of the secrets that count now."""
        if not is_client_id(client_id):
            return None, ()
        row = _PROVING.first(self.db, client_id=client_id, now=self.clock())
        return (self._record(row[:-2]), self.secrets.counting(row.newest, row.living)) if row else (None, ())

    def _record(self, row: tuple[Any, ...]) -> ClientRecord:
        """What the row says, which is parsed again only where it says something new."""
        client_id = row[0]
        known_row, record = self._records.get(client_id, (None, None))
        if record is None or known_row != row:
            given = dict(zip((column.name for column in _COLUMNS), row, strict=True))
            values = {name: json.loads(value) if name in _LISTS else value for name, value in given.items()}
            record = ClientRecord.from_row({**values, **self._usable(values)})
            self._records[client_id] = row, record
        return record

    def _usable(self, values: Mapping[str, Any]) -> dict[str, list[str]]:
        """The addresses that count here: what development registered on its network is none in production."""
        names = ("redirect_uris", "post_logout_redirect_uris")
        return {
            name: [uri for uri in values[name] if self.allows_network or not redirect_uris.is_on_network(uri)]
            for name in names
        }

    def get(self, client_id: str) -> ClientRecord:
        """The client of that id; raises :class:`NotFound`."""
        if client := self.find(client_id):
            return client
        raise NotFound(UNKNOWN)

    def require_addable(self, client_id: str, kind: AddressKind, uri: str) -> ClientRecord:
        """The client of that id; raises what :meth:`update` would if it were to be registered with ``uri`` as well."""
        if client_id == PORTAL:
            raise InvalidInput(OWN, "client_id")
        client = self.get(client_id)
        redirect_uris.require_registrable(uri, allows_network=self.allows_network)
        present = getattr(client, kind.column)
        require_room(present, {*present, uri})
        return client

    def all(self, *, listed: bool = False) -> list[ClientRecord]:
        """All clients by id, or only the active ones that show as tiles on the home page."""
        statement = sa.select(_TABLE).order_by(_TABLE.c.created_at, _TABLE.c.client_id)
        if listed:
            statement = statement.where(_TABLE.c.is_listed, _TABLE.c.is_active)
        return [ClientRecord.from_row(dict(row)) for row in self.db.session.execute(statement).mappings()]

    def create(self, client_id: str, *, caller: Caller = NOBODY, **fields: Any) -> str | None:
        """Register a client; answers its secret where it proves itself by one, never to be seen again.

        ``fields`` are those of :func:`app.services.clients.proposals.proposed`. Raises :class:`InvalidInput` for
        anything that cannot be registered.
        """
        client = proposed(client_id, **fields)
        require_reach(caller, client)
        self._require_new(client)
        self._add(client)
        secret = self.secrets.replace(client, self.clock()) if has_secret(client) else None
        self.browser_origins()
        self.audit.record(Event.CLIENT_CREATED, caller, client_id=client_id)
        return secret

    def require_creatable(self, client_id: str, *, caller: Caller = NOBODY, **fields: Any) -> None:
        """Raise as :meth:`create` would; nothing is registered."""
        client = proposed(client_id, **fields)
        require_reach(caller, client)
        self._require_new(client)

    def foresee(self, client_id: str, changes: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """What columns would be different after :meth:`update`: each as it is and as it would be. Raises as it does."""
        client = self.db.session.get(Client, client_id, populate_existing=True)
        if client is None:
            raise NotFound(UNKNOWN)
        before = {name: getattr(client, name) for name in CHANGEABLE}
        try:
            self._change(client, changes)
            return {name: (was, is_now) for name, was in before.items() if (is_now := getattr(client, name)) != was}
        finally:
            self.db.session.expire(client)

    def update(self, client_id: str, changes: Mapping[str, Any], caller: Caller = NOBODY) -> Change:
        """Change what ``changes`` names, columns of :data:`CHANGEABLE`; a list may be given as a :class:`ListChange`.

        What the new values make of the client is checked as at its registration; raises :class:`InvalidInput`, and
        nothing is changed then. A client that proves itself by a secret from now on gets one, never to be seen again;
        one that no longer does loses its own. Where it became confidential or public its tokens end, for others may
        use them now than before.
        """
        client = self._locked(client_id, caller)
        had_secret = has_secret(client)
        before = {name: getattr(client, name) for name in CHANGEABLE}
        try:
            self._change(client, changes)
        except InvalidInput:
            self.db.session.expire(client)
            raise
        require_reach(caller, client)
        changed = tuple(sorted(name for name in before if getattr(client, name) != before[name]))
        if not changed:
            return Change(())
        client.updated_at, secret = self._moment(), None
        if has_secret(client) != had_secret:
            self.secrets.end_all(client)
            secret = self.secrets.replace(client, self.clock()) if has_secret(client) else None
        if "is_confidential" in changed:
            self._end_tokens(client, "client_changed", caller)
        self.db.session.flush()
        self.browser_origins()
        if set(before["redirect_uris"]) - set(client.redirect_uris):
            # Whoever listens at the address that was taken away must not redeem what it still got.
            self.revocations.void_codes(client_id)
        self.audit.record(Event.CLIENT_CHANGED, caller, client_id=client_id, changed=" ".join(changed))
        return Change(changed, secret)

    def rotate_secret(self, client_id: str, caller: Caller = NOBODY, *, overlap: timedelta = timedelta()) -> str:
        """Give a client a new secret, never to be seen again; the one before it counts for ``overlap`` longer.

        Raises :class:`InvalidInput` for a client without secrets, and for an overlap while another one is under way.
        """
        client = self._locked(client_id, caller)
        if not has_secret(client):
            raise InvalidInput(SECRETLESS, "client_id")
        client.updated_at = self._moment()
        secret = self.secrets.replace(client, self.clock(), overlap)
        seconds = int(overlap.total_seconds())
        self.audit.record(Event.CLIENT_SECRET_ROTATED, caller, client_id=client_id, overlap_seconds=seconds)
        return secret

    def secrets_of(self, client_id: str) -> list[SecretDescription]:
        """When each secret that counts was made, and until when it counts; the newest first."""
        client = self.db.session.get(Client, client_id, populate_existing=True)
        if client is None:
            raise NotFound(UNKNOWN)
        return self.secrets.described(client, self.clock())

    def end_secret(self, client_id: str, secret_id: str, caller: Caller = NOBODY) -> None:
        """End one of two secrets at once; where it was the newest, the one before it goes on without an end."""
        client = self._locked(client_id, caller)
        client.updated_at = self._moment()
        self.secrets.end(client, secret_id, self.clock())
        self.audit.record(Event.CLIENT_SECRET_ENDED, caller, client_id=client_id, secret=secret_id)

    def disable(self, client_id: str, caller: Caller = NOBODY) -> None:
        """Stop the client: every request of it is refused from now on, and every token issued to it for ever."""
        client = self._locked(client_id, caller, is_built_in_meant=True)
        self._stop(client, "client_disabled", caller)
        self.audit.record(Event.CLIENT_DISABLED, caller, client_id=client_id)

    def enable(self, client_id: str, caller: Caller = NOBODY) -> None:
        """Let a client that was stopped ask again; what it held before stays ended."""
        client = self._locked(client_id, caller, is_built_in_meant=True)
        if not client.is_active:
            client.is_active, client.updated_at = True, self._moment()
            self.db.session.flush()
            self.audit.record(Event.CLIENT_ENABLED, caller, client_id=client_id)

    def delete(self, client_id: str, caller: Caller = NOBODY) -> None:
        """Remove a client with its consents, codes and tokens, which end first. Commits.

        It is stopped in a transaction of its own, so that nothing new can begin while its rows go, some at a time.
        """
        self._stop(self._locked(client_id, caller), "client_deleted", caller)
        self.db.commit()
        some = sa.select(_family.c.id).where(_family.c.client_id == client_id).limit(DELETED_AT_ONCE)
        while ids := list(self.db.session.scalars(some)):
            self.db.session.execute(sa.delete(_family).where(_family.c.id.in_(ids)))
            self.db.commit()
        self.db.session.execute(sa.delete(_usage).where(_usage.c.client_id == client_id))
        self.db.session.execute(sa.delete(_TABLE).where(_TABLE.c.client_id == client_id))
        self.audit.record(Event.CLIENT_DELETED, caller, client_id=client_id)
        self.db.commit()

    def browser_origins(self) -> frozenset[str]:
        """Origins of the redirect URIs of active clients; kept in memory until a client changes."""
        mark = _MARK.first(self.db)
        if self._origins[0] != mark:
            rows = self.db.session.scalars(sa.select(_TABLE.c.redirect_uris).where(_TABLE.c.is_active))
            usable = (
                uri for uris in rows for uri in uris if self.allows_network or not redirect_uris.is_on_network(uri)
            )
            found = (redirect_uris.origin(uri) for uri in usable)
            self._origins = (mark, frozenset(origin for origin in found if origin))
        return self._origins[1]

    @property
    def known_origins(self) -> frozenset[str]:
        """:meth:`browser_origins` as this process saw them last, without asking the database."""
        return self._origins[1]

    def _require_new(self, client: Client) -> None:
        require_client_id(client.client_id)
        if client.client_id == PORTAL or self.find(client.client_id):
            raise InvalidInput(TAKEN, "client_id")
        for name in _ADDRESSES:
            require_room((), getattr(client, name))
        self._require_valid(client)

    def _add(self, client: Client) -> None:
        client.generation = _new_generation()
        client.created_at = client.updated_at = self._moment()
        try:
            with self.db.session.begin_nested():
                self.db.session.add(client)
        except IntegrityError:
            raise InvalidInput(TAKEN, "client_id") from None

    def _change(self, client: Client, changes: Mapping[str, Any]) -> None:
        """Set the values, with what follows from them, and see that the client can be so."""
        if unknown := set(changes) - CHANGEABLE:
            raise ValueError(f"not to be changed: {sorted(unknown)}")
        with self.db.session.no_autoflush:
            was_confidential = client.is_confidential
            for name, value in changes.items():
                present = getattr(client, name)
                setattr(client, name, value.applied(present) if isinstance(value, ListChange) else value)
                if name in _ADDRESSES:
                    require_room(present, getattr(client, name))
            if client.is_confidential != was_confidential and "auth_method" not in changes:
                client.auth_method = "client_secret" if client.is_confidential else "none"
            follow_keys(client, changes)
            if "optional_scopes" not in changes:
                client.optional_scopes = [name for name in client.optional_scopes if name in client.allowed_scopes]
            self._require_valid(client)

    def _stop(self, client: Client, reason: str, caller: Caller) -> None:
        client.is_active, client.updated_at = False, self._moment()
        self._end_tokens(client, reason, caller)

    def _end_tokens(self, client: Client, reason: str, caller: Caller) -> None:
        """End what was issued to the client; service tokens, which are on no record, end with their generation."""
        client.generation = _new_generation()
        self.db.session.flush()
        self.revocations.end_client(client.client_id, reason, caller)

    def _locked(self, client_id: str, caller: Caller, *, is_built_in_meant: bool = False) -> Client:
        """The row, which nobody else changes before this transaction is over; raises :class:`NotFound`.

        Changes of clients wait for each other, be it different ones, so that none gets a moment before that of one
        which every process has noticed already.
        """
        self.db.session.execute(
            sa.select(_TABLE.c.client_id).order_by(_TABLE.c.client_id).with_for_update(key_share=True)
        ).all()
        wanted = sa.select(Client).where(Client.client_id == client_id)
        found = self.db.session.scalars(wanted, execution_options={"populate_existing": True}).first()
        if found is None:
            raise NotFound(UNKNOWN)
        if client_id == PORTAL and not is_built_in_meant:
            raise InvalidInput(OWN, "client_id")
        require_reach(caller, found)
        return found

    def _moment(self) -> datetime:
        """Now, or just after the latest change there is, whatever the clocks of other nodes say.

        By it every process notices that a client changed.
        """
        latest = self.db.session.scalar(sa.select(sa.func.max(_TABLE.c.updated_at)))
        return max(self.clock(), latest + timedelta(microseconds=1)) if latest else self.clock()

    def _require_valid(self, client: Client) -> None:
        require_registrable(client, allows_network=self.allows_network)
        if unknown := set(client.allowed_scopes) - kept(self.db, client.allowed_scopes):
            raise InvalidInput(f"There is no scope {min(unknown)!r}.", "scope")
        if client.owner_id and self.db.session.get(User, client.owner_id) is None:
            raise InvalidInput(sentence("There is no account of that id."), "owner")


def _new_generation() -> str:
    return random_token(48)
