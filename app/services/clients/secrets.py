"""The secrets of clients: one, or two while a new one takes the place of the one before it."""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import Client, ClientSecret, UtcDateTime, new_id
from app.services.foundation.environment import Database, random_token, sha256
from app.services.foundation.statements import json_rows

MOST = 2
LONGEST_OVERLAP = timedelta(days=30)
TWO_ALREADY = sentence("Two secrets count already: end one of them first, or rotate without an overlap.")
TOO_LONG = sentence("An overlap is at most 30 days.")
NO_SUCH = sentence("This client has no secret of that id.")
THE_ONLY_ONE = sentence("This is the only secret of the client: rotate it instead, or disable the client.")
_client = cast(sa.Table, Client.__table__)
_secret = cast(sa.Table, ClientSecret.__table__)
LIVING = (
    sa.select(json_rows(_secret.c.secret_hash))
    .where(
        _secret.c.client_id == _client.c.client_id,
        sa.or_(_secret.c.expires_at.is_(None), _secret.c.expires_at > sa.bindparam("now", type_=UtcDateTime())),
    )
    .correlate(_client)
    .scalar_subquery()
)
"""The hashes of a client's secrets that count at ``now``, within a statement that reads the client."""


@dataclass(frozen=True, slots=True)
class SecretDescription:
    """What can be said of a secret; ``expires_at`` is None for the newest, which counts until it is replaced."""

    id: str
    created_at: datetime
    expires_at: datetime | None


class ClientSecrets:
    """Makes, replaces and ends secrets of clients whose row the caller has locked.

    ``clients.secret_hash`` is the newest one. Code from before the table writes it alone, so the rows count only while
    it is among them: whoever rotated there meant every other secret to end.
    """

    def __init__(self, db: Database) -> None:
        self.db = db

    @staticmethod
    def counting(newest: str | None, living: str | None) -> tuple[str, ...]:
        """The hashes that count, of the two columns that a statement with :data:`LIVING` answers."""
        hashes = tuple(found for (found,) in json.loads(living or "[]"))
        return hashes if newest in hashes else (newest,) if newest else ()

    def replace(self, client: Client, now: datetime, overlap: timedelta = timedelta()) -> str:
        """Give the client a new secret; the newest so far counts for ``overlap`` longer, none but these two counts.

        Raises :class:`InvalidInput` for an overlap that is too long, or while two count already.
        """
        if not timedelta() <= overlap <= LONGEST_OVERLAP:
            raise InvalidInput(TOO_LONG, "overlap")
        if overlap:
            rows = self._rows(client, now)
            if len(rows) >= MOST:
                raise InvalidInput(TWO_ALREADY, "overlap")
            for row in rows:
                row.expires_at = now + overlap
            self._keep_only(client, rows)
        else:
            self._keep_only(client, ())
        secret = random_token(256)
        client.secret_hash = sha256(secret)
        self.db.session.add(_row_of(client, now))
        self.db.session.flush()
        return secret

    def end(self, client: Client, secret_id: str, now: datetime) -> None:
        """End one of two; the other one counts without an end from now on."""
        rows = self._rows(client, now)
        rest = [row for row in rows if row.id != secret_id]
        if len(rest) == len(rows):
            raise InvalidInput(NO_SUCH, "secret")
        if not rest:
            raise InvalidInput(THE_ONLY_ONE, "secret")
        for row in rest:
            client.secret_hash, row.expires_at = row.secret_hash, None
        self._keep_only(client, rest)

    def end_all(self, client: Client) -> None:
        """End every secret, of a client that has none from now on."""
        client.secret_hash = None
        self._keep_only(client, ())

    def described(self, client: Client, now: datetime) -> list[SecretDescription]:
        """The secrets that count, the newest first."""
        rows = self._rows(client, now)
        rows.sort(key=lambda row: (row.secret_hash == client.secret_hash, row.created_at), reverse=True)
        return [SecretDescription(row.id, row.created_at, row.expires_at) for row in rows]

    def _rows(self, client: Client, now: datetime) -> list[ClientSecret]:
        """The rows that count at ``now``; one that is not kept yet where code from before the table has rotated."""
        if client.secret_hash is None:
            return []
        wanted = sa.select(ClientSecret).where(
            ClientSecret.client_id == client.client_id,
            sa.or_(ClientSecret.expires_at.is_(None), ClientSecret.expires_at > now),
        )
        rows: list[ClientSecret] = list(self.db.session.scalars(wanted, execution_options={"populate_existing": True}))
        if any(row.secret_hash == client.secret_hash for row in rows):
            return rows
        return [_row_of(client, client.updated_at)]

    def _keep_only(self, client: Client, rows: Sequence[ClientSecret]) -> None:
        """Remove every row of the client but these."""
        self.db.session.add_all(rows)
        self.db.session.flush()
        kept = [row.id for row in rows]
        self.db.session.execute(
            sa.delete(ClientSecret).where(ClientSecret.client_id == client.client_id, ClientSecret.id.not_in(kept))
        )


def is_secret(presented: str, hashes: Sequence[str]) -> bool:
    """Whether ``presented`` is one of the secrets behind ``hashes``; its time tells neither which nor how many."""
    given, found = sha256(presented), False
    for number in range(MOST):
        is_there = number < len(hashes)
        matches = hmac.compare_digest(given, hashes[number] if is_there else "0" * 64)
        found = found | (matches and is_there)
    return found


def _row_of(client: Client, moment: datetime) -> ClientSecret:
    return ClientSecret(
        id=new_id(), client_id=client.client_id, secret_hash=client.secret_hash, created_at=moment, expires_at=None
    )
