"""Clients in development, whose error pages show anybody what is registered.

Added and dropped without SQLite's batch mode, which would drop the table for a moment with all that refers to it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0015'
down_revision: str | None = '0014'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before neither reads nor writes the column, and the database fills it in.
oldest_code: str = '0008'


def upgrade() -> None:
    op.add_column('clients', sa.Column('in_development', sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column('clients', 'in_development')
