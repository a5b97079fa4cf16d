"""Administrators can see the portal as somebody else does, where the person's group says so."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0022'
down_revision: str | None = '0021'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before would take the session of who acts for one of the person's own.
oldest_code: str = '0022'


def upgrade() -> None:
    op.add_column('groups', sa.Column('allows_acting', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('user_sessions', sa.Column('acted_by', sa.String(length=36), nullable=True))
    op.add_column('user_sessions', sa.Column('acting_session_id', sa.String(length=36), nullable=True))
    op.add_column('user_sessions', sa.Column('act_reason', sa.String(length=500), nullable=True))
    op.create_index(
        'ix_user_sessions_acted_by',
        'user_sessions',
        ['acted_by'],
        unique=False,
        sqlite_where=sa.text('acted_by IS NOT NULL AND ended_at IS NULL'),
        postgresql_where=sa.text('acted_by IS NOT NULL AND ended_at IS NULL'),
    )


def downgrade() -> None:
    # Code from before knows no such session: it would be one of the person's.
    op.execute(
        "UPDATE user_sessions SET ended_at = expires_at, end_reason = 'ended_by_operator' "
        'WHERE acted_by IS NOT NULL AND ended_at IS NULL'
    )
    op.drop_index('ix_user_sessions_acted_by', table_name='user_sessions')
    for column in ('act_reason', 'acting_session_id', 'acted_by'):
        op.drop_column('user_sessions', column)
    op.drop_column('groups', 'allows_acting')
