"""People come in with outside providers: identities, what is under way with them, and codes in mails."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import app.models.base

revision: str = '0012'
down_revision: str | None = '0011'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before knows nobody's identities; whoever has no password finds a way in by mail.
oldest_code: str = '0008'

Moment = app.models.base.UtcDateTime


def upgrade() -> None:
    op.create_table(
        'identities',
        sa.Column('user_id', sa.String(length=36), nullable=False),
        sa.Column('provider', sa.String(length=30), nullable=False),
        sa.Column('issuer', sa.String(length=255), nullable=False),
        sa.Column('subject', sa.String(length=255), nullable=False),
        sa.Column('email', sa.String(length=254), nullable=False),
        sa.Column('email_verified', sa.Boolean(), nullable=False),
        sa.Column('profile', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
        sa.Column('sealed_tokens', sa.Text(), nullable=False),
        sa.Column('created_at', Moment(), nullable=False),
        sa.Column('last_used_at', Moment(), nullable=False),
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_identities_user_id_users'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_identities')),
        sa.UniqueConstraint('provider', 'issuer', 'subject', name=op.f('uq_identities_provider_issuer_subject')),
    )
    op.create_index(op.f('ix_identities_user_id'), 'identities', ['user_id'])
    op.create_table(
        'provider_requests',
        sa.Column('state_hash', sa.String(length=64), nullable=False),
        sa.Column('browser_hash', sa.String(length=64), nullable=False),
        sa.Column('provider', sa.String(length=30), nullable=False),
        sa.Column('purpose', sa.String(length=16), nullable=False),
        sa.Column('user_id', sa.String(length=36), nullable=True),
        sa.Column('session_id', sa.String(length=36), nullable=True),
        sa.Column('sealed', sa.Text(), nullable=False),
        sa.Column('created_at', Moment(), nullable=False),
        sa.Column('expires_at', Moment(), nullable=False),
        sa.Column('answered_at', Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ['user_id'], ['users.id'], name=op.f('fk_provider_requests_user_id_users'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('state_hash', name=op.f('pk_provider_requests')),
    )
    op.create_index(op.f('ix_provider_requests_browser_hash'), 'provider_requests', ['browser_hash'])
    op.create_index(op.f('ix_provider_requests_expires_at'), 'provider_requests', ['expires_at'])
    op.create_table(
        'provider_answers',
        sa.Column('id_hash', sa.String(length=64), nullable=False),
        sa.Column('browser_hash', sa.String(length=64), nullable=False),
        sa.Column('provider', sa.String(length=30), nullable=False),
        sa.Column('issuer', sa.String(length=255), nullable=False),
        sa.Column('subject', sa.String(length=255), nullable=False),
        sa.Column('sealed', sa.Text(), nullable=False),
        sa.Column('created_at', Moment(), nullable=False),
        sa.Column('expires_at', Moment(), nullable=False),
        sa.Column('used_at', Moment(), nullable=True),
        sa.PrimaryKeyConstraint('id_hash', name=op.f('pk_provider_answers')),
    )
    op.create_index('ix_provider_answers_identity', 'provider_answers', ['provider', 'issuer', 'subject'])
    op.create_index(op.f('ix_provider_answers_expires_at'), 'provider_answers', ['expires_at'])
    op.create_table(
        'email_codes',
        sa.Column('key_hash', sa.String(length=64), nullable=False),
        sa.Column('email', sa.String(length=254), nullable=False),
        sa.Column('sealed_code', sa.Text(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('created_at', Moment(), nullable=False),
        sa.Column('expires_at', Moment(), nullable=False),
        sa.PrimaryKeyConstraint('key_hash', name=op.f('pk_email_codes')),
    )
    op.create_index(op.f('ix_email_codes_expires_at'), 'email_codes', ['expires_at'])
    op.add_column('user_sessions', sa.Column('identity_id', sa.String(length=36), nullable=True))


def downgrade() -> None:
    op.drop_column('user_sessions', 'identity_id')
    for table in ('email_codes', 'provider_answers', 'provider_requests', 'identities'):
        op.drop_table(table)
