"""People upload photos of themselves."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0009'
down_revision: str | None = '0008'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before looks at no such table; until it is gone it tells of a new photo by its path alone.
oldest_code: str = '0008'

users = sa.table('users', sa.column('id', sa.String), sa.column('avatar_url', sa.Text))
photos = sa.table('photos', sa.column('user_id', sa.String), sa.column('covers', sa.Text))


def upgrade() -> None:
    op.create_table(
        'photos',
        sa.Column('id', sa.String(length=32), nullable=False),
        sa.Column('user_id', sa.String(length=36), nullable=False),
        sa.Column('small', sa.LargeBinary(), nullable=True),
        sa.Column('medium', sa.LargeBinary(), nullable=True),
        sa.Column('large', sa.LargeBinary(), nullable=True),
        sa.Column('covers', sa.Text(), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['user_id'], ['users.id'], name=op.f('fk_photos_user_id_users'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_photos')),
        sa.UniqueConstraint('user_id', name=op.f('uq_photos_user_id')),
    )


def downgrade() -> None:
    # The picture of another host that a photo covered counts again.
    covered = sa.select(photos.c.covers).where(photos.c.user_id == users.c.id).scalar_subquery()
    op.get_bind().execute(
        sa.update(users).where(users.c.avatar_url.startswith('/photos/')).values(avatar_url=covered)
    )
    op.drop_table('photos')
