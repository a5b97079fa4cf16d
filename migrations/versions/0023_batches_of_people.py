"""What administrators have done to many people at once."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import app.models.base

revision: str = '0023'
down_revision: str | None = '0022'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before does not know the tables.
oldest_code: str = '0022'

TABLES = ('people_batches', 'people_batch_lines')
# As in 0018, for tables that neither the protocol nor finding out who is there has to do with.
RULE = """(CASE
    WHEN current_setting('app.is_superuser', true) = 'true' THEN true
    ELSE user_id = current_setting('app.current_user_id', true) END)"""


def upgrade() -> None:
    op.create_table(
        'people_batches',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('user_id', sa.String(length=36), nullable=False),
        sa.Column('kind', sa.String(length=20), nullable=False),
        sa.Column('state', sa.String(length=20), nullable=False),
        sa.Column('wishes', app.models.base.Json, nullable=False),
        sa.Column('total', sa.Integer(), nullable=False),
        sa.Column('done', sa.Integer(), nullable=False),
        sa.Column('place', sa.Integer(), nullable=False),
        sa.Column('counts', app.models.base.Json, nullable=False),
        sa.Column('problem', sa.String(length=200), nullable=False),
        sa.Column('sealed', sa.Text(), nullable=False),
        sa.Column('created_at', app.models.base.UtcDateTime(), nullable=False),
        sa.Column('finished_at', app.models.base.UtcDateTime(), nullable=True),
        sa.Column('expires_at', app.models.base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ['user_id'], ['users.id'], name=op.f('fk_people_batches_user_id_users'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_people_batches')),
    )
    op.create_index(op.f('ix_people_batches_user_id'), 'people_batches', ['user_id'])
    op.create_index(op.f('ix_people_batches_expires_at'), 'people_batches', ['expires_at'])
    op.create_table(
        'people_batch_lines',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('batch_id', sa.String(length=36), nullable=False),
        sa.Column('user_id', sa.String(length=36), nullable=True),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('result', sa.String(length=20), nullable=False),
        sa.Column('reasons', app.models.base.Json, nullable=False),
        sa.ForeignKeyConstraint(
            ['batch_id'],
            ['people_batches.id'],
            name=op.f('fk_people_batch_lines_batch_id_people_batches'),
            ondelete='CASCADE',
        ),
        sa.ForeignKeyConstraint(
            ['user_id'], ['users.id'], name=op.f('fk_people_batch_lines_user_id_users'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_people_batch_lines')),
        sa.UniqueConstraint('batch_id', 'number', name=op.f('uq_people_batch_lines_batch_id_number')),
    )
    op.create_index(op.f('ix_people_batch_lines_user_id'), 'people_batch_lines', ['user_id'])
    if op.get_context().dialect.name != 'postgresql':
        return
    for table in TABLES:
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE {table} FORCE ROW LEVEL SECURITY')
        for verb in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'):
            how = 'WITH CHECK' if verb == 'INSERT' else 'USING'
            op.execute(f'CREATE POLICY reach_{verb.lower()} ON {table} FOR {verb} {how} {RULE}')


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
