"""What happened with an account is found by its kind, however much there is."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0010'
down_revision: str | None = '0009'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before looks at no such index.
oldest_code: str = '0008'


def upgrade() -> None:
    op.create_index(
        'ix_oauth_audit_logs_user_action',
        'oauth_audit_logs',
        ['user_id', 'action', 'created_at', 'id'],
        unique=False,
        sqlite_where=sa.text('user_id IS NOT NULL'),
        postgresql_where=sa.text('user_id IS NOT NULL'),
    )
    op.create_index(
        'ix_oauth_audit_logs_user_refused',
        'oauth_audit_logs',
        ['user_id', 'created_at', 'id'],
        unique=False,
        sqlite_where=sa.text('success = 0'),
        postgresql_where=sa.text('NOT success'),
    )


def downgrade() -> None:
    op.drop_index('ix_oauth_audit_logs_user_refused', table_name='oauth_audit_logs')
    op.drop_index('ix_oauth_audit_logs_user_action', table_name='oauth_audit_logs')
