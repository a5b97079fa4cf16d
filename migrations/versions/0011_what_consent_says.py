"""Applications say who answers for them and what people may leave out; consents remember what was left out.

Added and dropped without SQLite's batch mode, which would drop the tables for a moment with all that refers to them.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = '0011'
down_revision: str | None = '0010'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before asks for optional scopes as for all others; what it is allowed then no longer counts as left out.
oldest_code: str = '0008'

texts = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql')


def upgrade() -> None:
    op.add_column('clients', sa.Column('policy_uri', sa.Text(), nullable=True))
    op.add_column('clients', sa.Column('tos_uri', sa.Text(), nullable=True))
    for table, column in (('clients', 'contacts'), ('clients', 'optional_scopes'), ('consents', 'declined')):
        op.add_column(table, sa.Column(column, texts, server_default='[]', nullable=False))


def downgrade() -> None:
    for table, column in (('consents', 'declined'), ('clients', 'optional_scopes'), ('clients', 'contacts')):
        op.drop_column(table, column)
    op.drop_column('clients', 'tos_uri')
    op.drop_column('clients', 'policy_uri')
