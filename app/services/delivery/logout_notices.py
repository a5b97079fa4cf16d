"""Telling applications that a session ended (OpenID Connect Back-Channel Logout 1.0), while the person goes on.

The notice is queued in the transaction that ends the session; the logout token is signed anew for each attempt, since
it lives for two minutes and an application may be down for longer.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import cast

import sqlalchemy as sa

from app.models import Client, TokenFamily, UserSession
from app.services.clients.clients import Clients
from app.services.delivery.exchange import NoAnswer, post_form
from app.services.delivery.outbox import DeliveryFailed, Due, Outbox, Parcel
from app.services.foundation.environment import Database
from app.services.tokens.tokens import Tokens

KIND = "backchannel_logout"
LIFE = timedelta(days=1)
SECONDS = 5.0
"""For one attempt, from looking the application up to the head of its answer."""
FOR_NOW = frozenset({408, 425, 429})
"""What a client is refused with that may try again; 5xx, but for 501, are tried again as well."""
_family = cast(sa.Table, TokenFamily.__table__)
_client = cast(sa.Table, Client.__table__)
_session = cast(sa.Table, UserSession.__table__)


class LogoutNotices:
    """Queues notices for the applications that registered for them, and is their courier."""

    kinds = (KIND,)
    parallel = 8
    room = 2

    def __init__(self, db: Database, outbox: Outbox, clients: Clients, tokens: Tokens) -> None:
        self.db = db
        self.outbox = outbox
        self.clients = clients
        self.tokens = tokens

    def queue(self, session_id: str) -> None:
        """Queue a notice for each application that was reached through a session which has just ended."""
        self._queue(_family.c.session_id == session_id)

    def queue_all(self, user_id: str, *, except_id: str | None = None) -> None:
        """Queue the notices of all open sessions of a person but one; to be called before they end."""
        self._queue(
            _family.c.user_id == user_id, _session.c.ended_at.is_(None), _family.c.session_id != (except_id or "")
        )

    def _queue(self, *chosen: sa.ColumnElement[bool]) -> None:
        rows = self.db.session.execute(
            sa.select(_family.c.client_id, _family.c.session_id, _family.c.user_id)
            .distinct()
            .join(_client, _client.c.client_id == _family.c.client_id)
            .join(_session, _session.c.id == _family.c.session_id)
            .where(
                _client.c.backchannel_logout_uri.is_not(None),
                _client.c.is_active,
                *chosen,
            )
        )
        parcels = [
            Parcel({"user_id": row.user_id, "session_id": row.session_id}, row.user_id, row.client_id) for row in rows
        ]
        self.outbox.add_all(KIND, parcels, life=LIFE)

    def prepare(self, due: Due) -> Callable[[], None] | None:
        """Sign what an application is to be told; what is answered tells it."""
        client = self.clients.find(due.client_id or "")
        if client is None or not client.is_active or not client.backchannel_logout_uri:
            return None  # it is gone, or does not want to know any more
        uri = client.backchannel_logout_uri
        token = self.tokens.logout_token(client, due.content["user_id"], due.content["session_id"])
        return lambda: tell(uri, token)


def tell(uri: str, token: str) -> None:
    """Post a logout token (Back-Channel Logout section 2.5); raises :class:`DeliveryFailed` unless it was taken.

    What the application answers is its last word (section 2.8: 400 says that it does not understand), unless it says
    that it cannot for now.
    """
    try:
        answer = post_form(uri, {"logout_token": token}, seconds=SECONDS)
    except NoAnswer as error:
        raise DeliveryFailed(error.reason) from None
    # Section 2.8: 200; 204 is what frameworks send for it.
    if answer.status not in {200, 204}:
        is_final = answer.status == 501 or (400 <= answer.status < 500 and answer.status not in FOR_NOW)
        raise DeliveryFailed(f"answered:{answer.status}", is_final=is_final, retry_after=answer.retry_after)
