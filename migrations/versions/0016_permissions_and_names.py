"""Permissions are declared, names of roles and groups are one whatever their case and width, changes have a version.

Added and dropped without SQLite's batch mode, which would drop the tables for a moment with all that refers to them.
"""

import logging
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

import app.models.base

revision: str = '0016'
down_revision: str | None = '0015'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before neither reads nor writes what is new here: roles keep their permissions in the column that stays. It
# holds roles and groups for a minute as it knew them, as it always did.
oldest_code: str = '0008'

logger = logging.getLogger('portal.migrations')
Moment = app.models.base.UtcDateTime
BUILTIN = (
    ('read:profile', 'See your profile and e-mail address', '프로필과 이메일 주소를 확인합니다'),
    ('read:features', 'See which features you can use', '사용할 수 있는 기능을 확인합니다'),
    ('read:groups', 'See your groups and workspaces', '소속 그룹과 워크스페이스를 확인합니다'),
    ('manage:workflows', 'Manage your workflows', '워크플로를 관리합니다'),
    ('manage:teams', 'Manage your teams', '팀을 관리합니다'),
    ('manage:experiments', 'Manage your experiments', '실험을 관리합니다'),
    ('manage:workspaces', 'Manage your workspaces', '워크스페이스를 관리합니다'),
    ('manage:apis', 'Manage your APIs', 'API를 관리합니다'),
    ('manage:models', 'Manage your models', '모델을 관리합니다'),
    ('admin:access', 'Administer the platform', '플랫폼을 관리합니다'),
)
LONGEST_KEY, LONGEST_PERMISSION = 200, 64


def upgrade() -> None:
    permissions = op.create_table(
        'permissions',
        sa.Column('name', sa.String(length=64), nullable=False),
        sa.Column('sentence_en', sa.Text(), nullable=False),
        sa.Column('sentence_ko', sa.Text(), nullable=False),
        sa.Column('is_builtin', sa.Boolean(), nullable=False),
        sa.Column('created_at', Moment(), nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_permissions')),
    )
    tenancy = op.create_table(
        'tenancy',
        sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('version', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_tenancy')),
    )
    op.bulk_insert(tenancy, [{'id': 1, 'version': 0}])
    for table in ('roles', 'groups'):
        op.add_column(table, sa.Column('name_key', sa.String(length=200), nullable=True))
        set_keys(table)
        op.create_index(op.f(f'ix_{table}_name_key'), table, ['name_key'], unique=True)
    op.create_index(op.f('ix_memberships_role_id'), 'memberships', ['role_id'])
    declare(permissions)
    agree()


def set_keys(name: str) -> None:
    """Where two names are one by now, the older has it; both are found by how they are written."""
    table = sa.table(name, *map(sa.column, ('id', 'name', 'name_key', 'created_at')))
    known: set[str] = set()
    rows = op.get_bind().execute(sa.select(table).order_by(table.c.created_at, table.c.id)).all()
    for row in rows:
        key = key_of(row.name)
        if key in known or len(key) > LONGEST_KEY:
            logger.warning('names_collide', extra={'table': name, 'row': row.id})
            continue
        known.add(key)
        op.execute(sa.update(table).where(table.c.id == row.id).values(name_key=key))


def key_of(name: str) -> str:
    text = ' '.join(name.split())
    while (folded := ' '.join(unicodedata.normalize('NFKC', text).casefold().split())) != text:
        text = folded
    return text


def declare(permissions: sa.Table) -> None:
    """What every portal has, and whatever else roles carry. A portal that is not seeded yet gets the first by that."""
    roles = sa.table('roles', sa.column('permissions', app.models.base.Json))
    carried = [names or () for (names,) in op.get_bind().execute(sa.select(roles.c.permissions))]
    if not carried:
        return
    known = {name for name, *_ in BUILTIN}
    others = sorted({name for names in carried for name in names} - known)
    found = [*BUILTIN, *((name, name, name) for name in others if 0 < len(name) <= LONGEST_PERMISSION)]
    now = datetime.now(UTC)
    op.bulk_insert(
        permissions,
        [
            {'name': name, 'sentence_en': en, 'sentence_ko': ko, 'is_builtin': name in known, 'created_at': now}
            for name, en, ko in found
        ],
    )


def agree() -> None:
    """Whoever holds the role admin in the primary group administers; the person's own row says so, too."""
    op.execute(
        'UPDATE users SET is_superuser = true, is_staff = true WHERE id IN ('
        'SELECT m.user_id FROM memberships m JOIN roles r ON r.id = m.role_id'
        " WHERE m.is_primary AND r.name = 'admin')"
    )


def downgrade() -> None:
    op.drop_index(op.f('ix_memberships_role_id'), table_name='memberships')
    for table in ('groups', 'roles'):
        op.drop_index(op.f(f'ix_{table}_name_key'), table_name=table)
        op.drop_column(table, 'name_key')
    op.drop_table('tenancy')
    op.drop_table('permissions')
