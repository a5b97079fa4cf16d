"""Members of a group are counted, and those of a role there found, in an index alone."""

from collections.abc import Sequence

from alembic import op

revision: str = '0025'
down_revision: str | None = '0024'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before looks at no such index.
oldest_code: str = '0024'


def upgrade() -> None:
    op.create_index('ix_memberships_group_role_user', 'memberships', ['group_id', 'role_id', 'user_id'])
    op.drop_index('ix_memberships_group_id', 'memberships')


def downgrade() -> None:
    op.create_index('ix_memberships_group_id', 'memberships', ['group_id'])
    op.drop_index('ix_memberships_group_role_user', 'memberships')
