"""The parts of the administration have a permission each, which the role admin carries and others may."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

import app.models.base

revision: str = '0021'
down_revision: str | None = '0020'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before does not know what these permissions open; to it they are permissions like any other.
oldest_code: str = '0018'

PARTS = (
    ('admin:clients', 'Administer applications', '앱을 관리합니다'),
    ('admin:users', 'Administer people, groups and roles', '사용자, 그룹, 역할을 관리합니다'),
    ('admin:audit', 'Read the audit log', '감사 로그를 확인합니다'),
    ('admin:keys', 'Administer signing keys', '서명 키를 관리합니다'),
    ('admin:system', 'Administer plans, mails and the state of the system', '요금제, 메일, 시스템 상태를 관리합니다'),
)
NAMES = frozenset(name for name, *_ in PARTS)
permissions = sa.table(
    'permissions',
    *map(sa.column, ('name', 'sentence_en', 'sentence_ko', 'is_builtin')),
    sa.column('created_at', app.models.base.UtcDateTime),
)
roles = sa.table('roles', sa.column('id'), sa.column('name'), sa.column('permissions', app.models.base.Json))


def upgrade() -> None:
    """A portal that is not seeded yet gets them by that. What somebody declared by such a name opens nothing by it."""
    connection = op.get_bind()
    if connection.execute(sa.select(permissions.c.name).limit(1)).first() is None:
        return
    strip()
    connection.execute(sa.delete(permissions).where(permissions.c.name.in_(NAMES)))
    now = datetime.now(UTC)
    op.bulk_insert(
        permissions,
        [
            {'name': name, 'sentence_en': en, 'sentence_ko': ko, 'is_builtin': True, 'created_at': now}
            for name, en, ko in PARTS
        ],
    )
    for role_id, carried in connection.execute(sa.select(roles.c.id, roles.c.permissions).where(roles.c.name == 'admin')):
        connection.execute(
            sa.update(roles).where(roles.c.id == role_id).values(permissions=sorted({*(carried or ()), *NAMES}))
        )
    move_version()


def downgrade() -> None:
    strip()
    op.execute(sa.delete(permissions).where(permissions.c.name.in_(NAMES)))
    move_version()


def strip() -> None:
    """No role carries them."""
    connection = op.get_bind()
    for role_id, carried in connection.execute(sa.select(roles.c.id, roles.c.permissions)).all():
        if NAMES.intersection(carried or ()):
            left = [name for name in carried if name not in NAMES]
            connection.execute(sa.update(roles).where(roles.c.id == role_id).values(permissions=left))


def move_version() -> None:
    """Copies of what roles permit are read anew."""
    op.execute('UPDATE tenancy SET version = version + 1')
