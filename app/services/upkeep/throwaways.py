"""A person and two applications for the self-check: they are lent to one run and are gone with it.

Nothing about them is special to the rest of the portal: they may what any member and any application may. They are
told from others by an address below ``.invalid``, which nobody can register with (:rfc:`2606#section-2`), and go by
themselves where whoever borrowed them was killed.
"""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound
from app.models import Client, RevokedToken, User
from app.services.clients.clients import Clients
from app.services.foundation.environment import Caller, Clock, Database, random_token
from app.services.people.accounts import NOBODYS_HOST, Accounts
from app.services.people.deletions import Deletions

LIFE = timedelta(minutes=15)
"""After so long they go, whoever has them."""
PREFIX = "selfcheck-"
TOKEN_SECONDS = 120
REFRESH_SECONDS = 300
SCOPES = ("openid", "profile", "offline_access")
LOOPBACK = "http://127.0.0.1:49152/callback"
BORROWER = Caller(actor="selfcheck")
_user = cast(sa.Table, User.__table__)
_client = cast(sa.Table, Client.__table__)
_revoked = cast(sa.Table, RevokedToken.__table__)


@dataclass(frozen=True, slots=True)
class Lent:
    """What one run has: a person, an application with a secret, and a public one. Secrets are shown nowhere."""

    user_id: str
    email: str
    password: str = field(repr=False)
    application: str
    secret: str = field(repr=False)
    other: str

    @property
    def origin(self) -> str:
        """Where both applications are, which is nowhere."""
        return f"https://{self.application}.{NOBODYS_HOST}"

    @property
    def redirect_uri(self) -> str:
        """The first address of both."""
        return f"{self.origin}/callback"

    @property
    def second_redirect_uri(self) -> str:
        """Another one of the application with a secret."""
        return f"{self.origin}/second"

    @property
    def loopback_uri(self) -> str:
        """The one of the public application on the device itself."""
        return LOOPBACK


NOTHING = Lent("", "", "", "", "", "")
"""For who needs none of it."""


class Throwaways:
    """Lends, takes back, and clears away what was never given back."""

    def __init__(self, db: Database, clock: Clock, accounts: Accounts, clients: Clients, deletions: Deletions) -> None:
        self.db = db
        self.clock = clock
        self.accounts = accounts
        self.clients = clients
        self.deletions = deletions

    def lend(self) -> Lent:
        """Make a person and two applications of theirs. Commits."""
        name, password = f"{PREFIX}{secrets.token_hex(6)}", random_token(192)
        user_id, email = self.accounts.lend(name, password, self.clock() + LIFE, BORROWER)
        lent = Lent(user_id, email, password, f"{name}-a", "", f"{name}-b")
        terms: dict[str, Any] = {
            "post_logout": [f"{lent.origin}/bye"],
            "scopes": SCOPES,
            "owner_id": user_id,
            "access_token_seconds": TOKEN_SECONDS,
            "refresh_token_seconds": REFRESH_SECONDS,
            "caller": BORROWER,
        }
        own = [lent.redirect_uri, lent.second_redirect_uri]
        secret = self.clients.create(
            lent.application, redirects=own, is_confidential=True, auth_method="client_secret_basic", **terms
        )
        self.clients.create(lent.other, redirects=[lent.redirect_uri, LOOPBACK], **terms)
        self.db.commit()
        return Lent(user_id, email, password, lent.application, secret or "", lent.other)

    def take_back(self, lent: Lent) -> None:
        """Remove all of it, with what the portal gave to them. Commits; done twice it does nothing."""
        self._remove(lent.user_id, (lent.application, lent.other))

    def sweep(self) -> int:
        """Remove what was lent longer ago than :data:`LIFE`; answers how many people and applications. Commits."""
        before = self.clock() - LIFE
        people = list(
            self.db.session.scalars(
                sa.select(_user.c.id).where(
                    _user.c.email.like(f"{PREFIX}%@{NOBODYS_HOST}"), _user.c.created_at <= before
                )
            )
        )
        rows = self.db.session.execute(
            sa.select(_client.c.client_id, _client.c.redirect_uris).where(
                _client.c.client_id.like(f"{PREFIX}%"), _client.c.created_at <= before
            )
        )
        clients = [row.client_id for row in rows if any(_is_nobodys(uri) for uri in row.redirect_uris)]
        self.db.rollback()
        self._remove("", clients)
        for user_id in people:
            self._remove(user_id, ())
        return len(people) + len(clients)

    def _remove(self, user_id: str, client_ids: tuple[str, ...] | list[str]) -> None:
        for client_id in client_ids:
            if self.clients.find(client_id):
                self.clients.delete(client_id, BORROWER)
        if user_id:
            try:
                self.deletions.delete(user_id, BORROWER)
            except NotFound:
                self.db.rollback()
            # Whose tokens these were is gone; they are refused for that.
            self.db.session.execute(sa.delete(_revoked).where(_revoked.c.user_id == user_id))
            self.db.commit()


def _is_nobodys(uri: str) -> bool:
    return uri.startswith(f"https://{PREFIX}") and f".{NOBODYS_HOST}/" in uri
