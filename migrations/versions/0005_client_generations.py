"""Service tokens end for ever with the generation of their client.

Added and dropped without SQLite's batch mode, which would drop the table for a moment with all that refers to it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0005'
down_revision: str | None = '0004'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('clients', sa.Column('generation', sa.String(length=12), server_default='', nullable=False))


def downgrade() -> None:
    op.drop_column('clients', 'generation')
