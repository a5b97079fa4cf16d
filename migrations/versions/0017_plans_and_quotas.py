"""Plans are rows, quotas have tables of their own, and subscriptions at a payment provider are known.

The columns of ``users`` that held what was used stay for older code, which inserts them; what they hold goes to
``quotas``. Added and dropped without SQLite's batch mode, which would drop the table for a moment with all that refers
to it.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op

import app.models.base

revision: str = '0017'
down_revision: str | None = '0016'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before reads and sets the plan where it did, and knows neither overrides nor quotas.
oldest_code: str = '0008'

Moment = app.models.base.UtcDateTime
PLANS = (('free', 'Free', 100), ('pro', 'Pro', 1000), ('studio', 'Studio', 5000), ('enterprise', 'Enterprise', None))
LARGEST = 2147483647
users = sa.table(
    'users',
    sa.column('id', sa.String),
    sa.column('quota_used', sa.Integer),
    sa.column('quota_resets_at', Moment),
)
quotas = sa.table(
    'quotas',
    sa.column('user_id', sa.String),
    sa.column('number', sa.Integer),
    sa.column('used', sa.BigInteger),
    sa.column('anchor_at', Moment),
    sa.column('began_at', Moment),
    sa.column('resets_at', Moment),
)


def upgrade() -> None:
    plans = op.create_table(
        'plans',
        sa.Column('name', sa.String(length=20), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('title', sa.String(length=60), nullable=False),
        sa.Column('monthly_limit', sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_plans')),
        sa.UniqueConstraint('position', name=op.f('uq_plans_position')),
    )
    op.bulk_insert(
        plans,
        [
            {'name': name, 'position': position, 'title': title, 'monthly_limit': limit}
            for position, (name, title, limit) in enumerate(PLANS)
        ],
    )
    op.create_table(
        'plan_overrides',
        sa.Column('user_id', sa.String(length=36), nullable=False),
        sa.Column('plan', sa.String(length=20), nullable=True),
        sa.Column('monthly_limit', sa.Integer(), nullable=True),
        sa.Column('starts_at', Moment(), nullable=False),
        sa.Column('ends_at', Moment(), nullable=True),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('created_by', sa.String(length=100), nullable=False),
        sa.Column('created_at', Moment(), nullable=False),
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ['user_id'], ['users.id'], name=op.f('fk_plan_overrides_user_id_users'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_overrides')),
    )
    op.create_index('ix_plan_overrides_user_created', 'plan_overrides', ['user_id', 'created_at'])
    op.create_table(
        'quotas',
        sa.Column('user_id', sa.String(length=36), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('used', sa.BigInteger(), nullable=False),
        sa.Column('anchor_at', Moment(), nullable=False),
        sa.Column('began_at', Moment(), nullable=False),
        sa.Column('resets_at', Moment(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_quotas_user_id_users'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('user_id', name=op.f('pk_quotas')),
    )
    op.create_table(
        'quota_uses',
        sa.Column('user_id', sa.String(length=36), nullable=False),
        sa.Column('client_id', sa.String(length=100), nullable=True),
        sa.Column('key_hash', sa.String(length=64), nullable=True),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('amount', sa.Integer(), nullable=False),
        sa.Column('plan', sa.String(length=20), nullable=False),
        sa.Column('monthly_limit', sa.Integer(), nullable=True),
        sa.Column('used_then', sa.BigInteger(), nullable=False),
        sa.Column('resets_at', Moment(), nullable=False),
        sa.Column('given_back', sa.Integer(), nullable=True),
        sa.Column('created_at', Moment(), nullable=False),
        sa.Column('expires_at', Moment(), nullable=False),
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ['user_id'], ['quotas.user_id'], name=op.f('fk_quota_uses_user_id_quotas'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['client_id'], ['clients.client_id'], name=op.f('fk_quota_uses_client_id_clients'), ondelete='SET NULL'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_quota_uses')),
        sa.UniqueConstraint('user_id', 'client_id', 'key_hash', name=op.f('uq_quota_uses_user_id_client_id_key_hash')),
    )
    op.create_index('ix_quota_uses_user_created', 'quota_uses', ['user_id', 'created_at', 'id'])
    op.create_index(op.f('ix_quota_uses_expires_at'), 'quota_uses', ['expires_at'])
    op.create_table(
        'billing_subscriptions',
        sa.Column('id', sa.String(length=64), nullable=False),
        sa.Column('user_id', sa.String(length=36), nullable=False),
        sa.Column('customer_id', sa.String(length=64), nullable=False),
        sa.Column('plan', sa.String(length=20), nullable=False),
        sa.Column('status', sa.String(length=20), nullable=False),
        sa.Column('began_at', Moment(), nullable=False),
        sa.Column('renews_at', Moment(), nullable=True),
        sa.Column('ends_at', Moment(), nullable=True),
        sa.Column('changed_at', Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ['user_id'], ['users.id'], name=op.f('fk_billing_subscriptions_user_id_users'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_billing_subscriptions')),
    )
    op.create_index(op.f('ix_billing_subscriptions_user_id'), 'billing_subscriptions', ['user_id'])
    op.create_index(op.f('ix_billing_subscriptions_customer_id'), 'billing_subscriptions', ['customer_id'])
    op.create_table(
        'billing_events',
        sa.Column('event_hash', sa.String(length=64), nullable=False),
        sa.Column('name', sa.String(length=40), nullable=False),
        sa.Column('outcome', sa.String(length=40), nullable=False),
        sa.Column('received_at', Moment(), nullable=False),
        sa.Column('expires_at', Moment(), nullable=False),
        sa.PrimaryKeyConstraint('event_hash', name=op.f('pk_billing_events')),
    )
    op.create_index(op.f('ix_billing_events_expires_at'), 'billing_events', ['expires_at'])
    for column in ('billing_customer_id', 'billing_subscription_id'):
        op.add_column('users', sa.Column(column, sa.String(length=64), nullable=True))
        op.create_index(f'uq_users_{column}', 'users', [column], unique=True)
    carry_over()


def carry_over() -> None:
    """What was used of a month that has an end; what has none was never counted."""
    connection = op.get_bind()
    held = sa.select(users).where(users.c.quota_resets_at.is_not(None))
    rows = [
        {
            'user_id': row.id,
            'number': 1,
            'used': max(row.quota_used, 0),
            'anchor_at': row.quota_resets_at,
            'began_at': month_before(row.quota_resets_at),
            'resets_at': row.quota_resets_at,
        }
        for row in connection.execute(held)
    ]
    if rows:
        connection.execute(sa.insert(quotas), rows)


def month_before(moment: datetime) -> datetime:
    """The same day and time of the month before, or that month's last day."""
    year, month = divmod(moment.year * 12 + moment.month - 2, 12)
    for day in range(moment.day, 0, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment


def downgrade() -> None:
    connection = op.get_bind()
    of_person = quotas.c.user_id == users.c.id
    connection.execute(
        sa.update(users)
        .where(sa.exists().where(of_person))
        .values(
            quota_used=sa.select(
                sa.case((quotas.c.used > LARGEST, LARGEST), else_=sa.cast(quotas.c.used, sa.Integer))
            )
            .where(of_person)
            .scalar_subquery(),
            quota_resets_at=sa.select(quotas.c.resets_at).where(of_person).scalar_subquery(),
        )
    )
    for column in ('billing_customer_id', 'billing_subscription_id'):
        op.drop_index(f'uq_users_{column}', 'users')
        op.drop_column('users', column)
    for table in ('billing_events', 'billing_subscriptions', 'quota_uses', 'quotas', 'plan_overrides', 'plans'):
        op.drop_table(table)
