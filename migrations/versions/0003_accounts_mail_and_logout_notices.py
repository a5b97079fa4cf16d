"""Deliveries, one-time tokens, known devices; an account's end; clients that want to hear of logouts.

Columns are added and dropped without SQLite's batch mode: it would drop the table for a moment, and with it every row
that refers to it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0003'
down_revision: str | None = '0002'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DUE = sa.text('done_at IS NULL AND given_up_at IS NULL')
OPEN = sa.text('ended_at IS NULL')


def upgrade() -> None:
    op.create_table(
        'deliveries',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('kind', sa.String(length=40), nullable=False),
        sa.Column('user_id', sa.String(length=36), nullable=True),
        sa.Column('client_id', sa.String(length=100), nullable=True),
        sa.Column('sealed', sa.Text(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('given_up_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('error', sa.String(length=200), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
    )
    op.create_index('ix_deliveries_due', 'deliveries', ['next_attempt_at'], sqlite_where=DUE, postgresql_where=DUE)
    op.create_index(op.f('ix_deliveries_expires_at'), 'deliveries', ['expires_at'])
    op.create_index(op.f('ix_deliveries_user_id'), 'deliveries', ['user_id'])
    op.create_table(
        'known_devices',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('device_hash', sa.String(length=64), nullable=False),
        sa.Column('user_id', sa.String(length=36), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['user_id'], ['users.id'], name=op.f('fk_known_devices_user_id_users'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_known_devices')),
        sa.UniqueConstraint('device_hash', 'user_id', name=op.f('uq_known_devices_device_hash_user_id')),
    )
    op.create_index(op.f('ix_known_devices_expires_at'), 'known_devices', ['expires_at'])
    op.create_index(op.f('ix_known_devices_user_id'), 'known_devices', ['user_id'])
    op.create_table(
        'one_time_tokens',
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('purpose', sa.String(length=20), nullable=False),
        sa.Column('user_id', sa.String(length=36), nullable=False),
        sa.Column('email', sa.String(length=254), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ['user_id'], ['users.id'], name=op.f('fk_one_time_tokens_user_id_users'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_one_time_tokens')),
    )
    op.create_index(op.f('ix_one_time_tokens_expires_at'), 'one_time_tokens', ['expires_at'])
    op.create_index('ix_one_time_tokens_user_purpose', 'one_time_tokens', ['user_id', 'purpose'])
    op.add_column('clients', sa.Column('backchannel_logout_uri', sa.Text(), nullable=True))
    op.create_index(
        'ix_user_sessions_open',
        'user_sessions',
        ['user_id', 'last_used_at', 'id'],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.add_column('users', sa.Column('deletion_requested_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('users', sa.Column('deletes_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f('ix_users_deletes_at'), 'users', ['deletes_at'])


def downgrade() -> None:
    op.drop_index(op.f('ix_users_deletes_at'), 'users')
    op.drop_column('users', 'deletes_at')
    op.drop_column('users', 'deletion_requested_at')
    op.drop_index('ix_user_sessions_open', 'user_sessions')
    op.drop_column('clients', 'backchannel_logout_uri')
    op.drop_table('one_time_tokens')
    op.drop_table('known_devices')
    op.drop_table('deliveries')
