"""Nodes tell each other, without telling anybody, which secrets they know."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0007'
down_revision: str | None = '0006'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before looks at no such table.
oldest_code: str = '0006'


def upgrade() -> None:
    op.create_table(
        'known_secrets',
        sa.Column('secret', sa.String(length=40), nullable=False),
        sa.Column('marks', sa.String(length=400), nullable=False),
        sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('secret', 'marks', name=op.f('pk_known_secrets')),
    )


def downgrade() -> None:
    op.drop_table('known_secrets')
