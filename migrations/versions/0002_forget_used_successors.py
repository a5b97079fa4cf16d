"""Find a family's generations by index; forget the sealed successors that were kept after their use."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0002'
down_revision: str | None = '0001'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table('refresh_tokens', schema=None) as batch_op:
        batch_op.create_index('ix_refresh_tokens_family_generation', ['family_id', 'rotation_count'], unique=False)
        batch_op.drop_index(batch_op.f('ix_refresh_tokens_family_id'))
    # Those of the last seconds go as well, which costs a repeat of a lost answer at most.
    op.execute(sa.text('UPDATE refresh_tokens SET sealed_successor = NULL WHERE sealed_successor IS NOT NULL'))


def downgrade() -> None:
    with op.batch_alter_table('refresh_tokens', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_refresh_tokens_family_id'), ['family_id'], unique=False)
        batch_op.drop_index('ix_refresh_tokens_family_generation')
