"""What administrators list is found along an index: people and records by what they are sorted by.

Built in the transaction of all migrations: whoever writes to these tables waits meanwhile, some seconds for a million
records.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0020'
down_revision: str | None = '0019'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before looks at no such index.
oldest_code: str = '0018'

LOG = 'oauth_audit_logs'
# What a token endpoint records thousands of times an hour pays for no more than one of them.
NOT_ROUTINE = "action NOT IN ('oauth:code:redeemed', 'oauth:service_token:issued')"
BY_ANOTHER = f'{NOT_ROUTINE} AND (user_id IS NULL OR actor <> user_id)'


def upgrade() -> None:
    op.create_index('ix_users_created', 'users', ['created_at', 'id'])
    op.create_index('ix_token_families_client_expires', 'token_families', ['client_id', 'expires_at', 'id'])
    op.drop_index('ix_token_families_client_id', 'token_families')
    is_ended = sa.text('revoked_at IS NOT NULL')
    op.create_index(
        'ix_token_families_ended',
        'token_families',
        ['expires_at', 'id'],
        sqlite_where=is_ended,
        postgresql_where=is_ended,
    )
    op.create_index('ix_memberships_role_user', 'memberships', ['role_id', 'user_id'])
    op.drop_index('ix_memberships_role_id', 'memberships')
    op.create_index('ix_oauth_audit_logs_client_created', LOG, ['client_id', 'created_at', 'id'])
    for name, column, condition in (
        ('ix_oauth_audit_logs_action_created', 'action', NOT_ROUTINE),
        ('ix_oauth_audit_logs_actor_created', 'actor', BY_ANOTHER),
    ):
        is_of_it = sa.text(condition)
        op.create_index(name, LOG, [column, 'created_at', 'id'], sqlite_where=is_of_it, postgresql_where=is_of_it)


def downgrade() -> None:
    for column in ('actor', 'action', 'client'):
        op.drop_index(f'ix_oauth_audit_logs_{column}_created', LOG)
    op.create_index('ix_memberships_role_id', 'memberships', ['role_id'])
    op.drop_index('ix_memberships_role_user', 'memberships')
    op.drop_index('ix_token_families_ended', 'token_families')
    op.create_index('ix_token_families_client_id', 'token_families', ['client_id'])
    op.drop_index('ix_token_families_client_expires', 'token_families')
    op.drop_index('ix_users_created', 'users')
