"""How often what happened, by the hour and client."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import app.models.base

revision: str = '0019'
down_revision: str | None = '0018'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before does not know the table.
oldest_code: str = '0018'


def upgrade() -> None:
    op.create_table(
        'usage_hours',
        sa.Column('client_id', sa.String(length=100), nullable=False),
        sa.Column('hour', app.models.base.UtcDateTime(), nullable=False),
        sa.Column('kind', sa.String(length=20), nullable=False),
        sa.Column('name', sa.String(length=100), nullable=False),
        sa.Column('count', sa.BigInteger(), nullable=False),
        sa.Column('last_at', app.models.base.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('client_id', 'hour', 'kind', 'name', name=op.f('pk_usage_hours')),
    )
    op.create_index('ix_usage_hours_kind_hour', 'usage_hours', ['kind', 'hour'])


def downgrade() -> None:
    op.drop_table('usage_hours')
