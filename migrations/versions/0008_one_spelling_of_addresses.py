"""Addresses are kept in one spelling, by which they are looked up."""

import logging
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from app.services.people.email_names import fold

revision: str = '0008'
down_revision: str | None = '0007'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before keeps them so as well, unless they are typed in an unusual way.
oldest_code: str = '0007'

logger = logging.getLogger('portal.schema')
users = sa.table('users', sa.column('id'), sa.column('email'))
links = sa.table('one_time_tokens', sa.column('token_hash'), sa.column('email'))


def upgrade() -> None:
    connection = op.get_bind()
    for user_id, email in _misspelled(connection, users.c.id, users.c.email):
        holder = connection.scalar(sa.select(users.c.id).where(users.c.email == fold(email)))
        if holder is None:
            connection.execute(sa.update(users).where(users.c.id == user_id).values(email=fold(email)))
        else:
            # Two people, one address: who has it in its one spelling keeps it, and somebody has to decide.
            logger.warning('addresses_collide', extra={'user_id': user_id, 'holder': holder})
    for token_hash, email in _misspelled(connection, links.c.token_hash, links.c.email):
        connection.execute(sa.update(links).where(links.c.token_hash == token_hash).values(email=fold(email)))


def downgrade() -> None:
    """What was typed is not known any more, and older code finds these."""


def _misspelled(
    connection: sa.Connection, key: sa.ColumnClause[str], email: sa.ColumnClause[str]
) -> list[tuple[str, str]]:
    # Read at once, in pieces: only what differs is kept.
    rows = connection.execute(sa.select(key, email).execution_options(yield_per=1000))
    return [(found, spelled) for found, spelled in rows if fold(spelled) != spelled]
