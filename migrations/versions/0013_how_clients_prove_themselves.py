"""Clients have up to two secrets, or public keys; assertions by which they proved themselves are remembered.

Added and dropped without SQLite's batch mode, which would drop the tables for a moment with all that refers to them.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import app.models.base

revision: str = '0013'
down_revision: str | None = '0012'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before knows the newest secret alone, in the column that stays; one that it sets ends the others. Clients
# that sign with a key it refuses.
oldest_code: str = '0008'

Moment = app.models.base.UtcDateTime


def upgrade() -> None:
    op.add_column('clients', sa.Column('jwks', sa.Text(), nullable=True))
    op.add_column('clients', sa.Column('jwks_uri', sa.Text(), nullable=True))
    secrets = op.create_table(
        'client_secrets',
        sa.Column('client_id', sa.String(length=100), nullable=False),
        sa.Column('secret_hash', sa.String(length=64), nullable=False),
        sa.Column('created_at', Moment(), nullable=False),
        sa.Column('expires_at', Moment(), nullable=True),
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ['client_id'], ['clients.client_id'], name=op.f('fk_client_secrets_client_id_clients'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_client_secrets')),
    )
    op.create_index(op.f('ix_client_secrets_client_id'), 'client_secrets', ['client_id'])
    op.create_index(op.f('ix_client_secrets_expires_at'), 'client_secrets', ['expires_at'])
    op.create_table(
        'used_assertions',
        sa.Column('assertion_hash', sa.String(length=64), nullable=False),
        sa.Column('expires_at', Moment(), nullable=False),
        sa.PrimaryKeyConstraint('assertion_hash', name=op.f('pk_used_assertions')),
    )
    op.create_index(op.f('ix_used_assertions_expires_at'), 'used_assertions', ['expires_at'])
    clients = sa.table(
        'clients', sa.column('client_id'), sa.column('secret_hash'), sa.column('created_at', Moment())
    )
    found = op.get_bind().execute(sa.select(clients).where(clients.c.secret_hash.is_not(None)))
    if rows := [{**row, 'id': app.models.base.new_id()} for row in found.mappings()]:
        op.bulk_insert(secrets, rows)


def downgrade() -> None:
    op.drop_table('used_assertions')
    op.drop_table('client_secrets')
    op.drop_column('clients', 'jwks_uri')
    op.drop_column('clients', 'jwks')
