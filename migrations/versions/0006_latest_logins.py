"""Whether logging in is the last that a person did for a request: only then a moment's grace counts for ``max_age``.

Added and dropped without SQLite's batch mode, which would drop the table for a moment with all that refers to it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0006'
down_revision: str | None = '0005'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('interactions', sa.Column('is_login_latest', sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column('interactions', 'is_login_latest')
