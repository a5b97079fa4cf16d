"""What the self-check found, and who began it, for pages that show it later."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import app.models.base

revision: str = '0024'
down_revision: str | None = '0023'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before does not know the table.
oldest_code: str = '0022'


def upgrade() -> None:
    op.create_table(
        'selfcheck_reports',
        sa.Column('slot', sa.String(length=10), nullable=True),
        sa.Column('begun_by', sa.String(length=36), nullable=True),
        sa.Column('is_command', sa.Boolean(), nullable=False),
        sa.Column('address', sa.String(length=255), nullable=False),
        sa.Column('total', sa.Integer(), nullable=False),
        sa.Column('found', app.models.base.Json, nullable=False),
        sa.Column('problem', sa.String(length=300), nullable=False),
        sa.Column('began_at', app.models.base.UtcDateTime(), nullable=False),
        sa.Column('noted_at', app.models.base.UtcDateTime(), nullable=False),
        sa.Column('ended_at', app.models.base.UtcDateTime(), nullable=True),
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ['begun_by'], ['users.id'], name=op.f('fk_selfcheck_reports_begun_by_users'), ondelete='SET NULL'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_selfcheck_reports')),
        sa.UniqueConstraint('slot', name=op.f('uq_selfcheck_reports_slot')),
    )


def downgrade() -> None:
    op.drop_table('selfcheck_reports')
