"""Filters of the audit log that administrators keep by a name."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import app.models.base

revision: str = '0026'
down_revision: str | None = '0025'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before does not know the table.
oldest_code: str = '0024'

# As in 0023.
RULE = """(CASE
    WHEN current_setting('app.is_superuser', true) = 'true' THEN true
    ELSE user_id = current_setting('app.current_user_id', true) END)"""


def upgrade() -> None:
    op.create_table(
        'saved_filters',
        sa.Column('user_id', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=60), nullable=False),
        sa.Column('name_key', sa.String(length=200), nullable=False),
        sa.Column('query', sa.Text(), nullable=False),
        sa.Column('created_at', app.models.base.UtcDateTime(), nullable=False),
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ['user_id'], ['users.id'], name=op.f('fk_saved_filters_user_id_users'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_filters')),
        sa.UniqueConstraint('user_id', 'name_key', name=op.f('uq_saved_filters_user_id_name_key')),
    )
    if op.get_context().dialect.name != 'postgresql':
        return
    op.execute('ALTER TABLE saved_filters ENABLE ROW LEVEL SECURITY')
    op.execute('ALTER TABLE saved_filters FORCE ROW LEVEL SECURITY')
    for verb in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'):
        how = 'WITH CHECK' if verb == 'INSERT' else 'USING'
        op.execute(f'CREATE POLICY reach_{verb.lower()} ON saved_filters FOR {verb} {how} {RULE}')


def downgrade() -> None:
    op.drop_table('saved_filters')
