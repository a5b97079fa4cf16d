"""Audit records are sealed into a chain: seals, where it ends, signed checkpoints and the keys that sign them.

What is on record already is sealed by the portal itself, beside its requests.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import app.models.base

revision: str = '0014'
down_revision: str | None = '0013'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before writes records as ever, and leaves it to newer code to seal them and to complete an erasure.
oldest_code: str = '0008'

Moment = app.models.base.UtcDateTime
number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'audit_seals',
        sa.Column('sequence', number, autoincrement=False, nullable=False),
        sa.Column('record_id', sa.String(length=36), nullable=False),
        sa.Column('personal_hash', sa.String(length=64), nullable=False),
        sa.Column('salt', sa.String(length=32), nullable=False),
        sa.Column('hash', sa.String(length=64), nullable=False),
        sa.Column('added_at', Moment(), nullable=False),
        sa.PrimaryKeyConstraint('sequence', name=op.f('pk_audit_seals')),
        sa.UniqueConstraint('record_id', name=op.f('uq_audit_seals_record_id')),
    )
    chain = op.create_table(
        'audit_chain',
        sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('sequence', sa.BigInteger(), nullable=False),
        sa.Column('hash', sa.String(length=64), nullable=False),
        sa.Column('interventions', sa.BigInteger(), nullable=False),
        sa.Column('anchor_sequence', sa.BigInteger(), nullable=False),
        sa.Column('anchor_hash', sa.String(length=64), nullable=False),
        sa.Column('walked_at', Moment(), nullable=True),
        sa.Column('swept_id', sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_chain')),
    )
    op.create_table(
        'audit_checkpoints',
        sa.Column('number', number, autoincrement=False, nullable=False),
        sa.Column('issuer', sa.Text(), nullable=False),
        sa.Column('sequence', sa.BigInteger(), nullable=False),
        sa.Column('hash', sa.String(length=64), nullable=False),
        sa.Column('signed_at', Moment(), nullable=False),
        sa.Column('kid', sa.String(length=43), nullable=False),
        sa.Column('successor', sa.String(length=43), nullable=False),
        sa.Column('previous', sa.String(length=64), nullable=False),
        sa.Column('signature', sa.String(length=86), nullable=False),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_audit_checkpoints')),
    )
    op.create_index(op.f('ix_audit_checkpoints_sequence'), 'audit_checkpoints', ['sequence'])
    op.create_table(
        'audit_keys',
        sa.Column('kid', sa.String(length=43), nullable=False),
        sa.Column('status', sa.String(length=10), nullable=False),
        sa.Column('public_key', sa.String(length=43), nullable=False),
        sa.Column('private_sealed', sa.Text(), nullable=False),
        sa.Column('created_at', Moment(), nullable=False),
        sa.Column('replaced_at', Moment(), nullable=True),
        sa.PrimaryKeyConstraint('kid', name=op.f('pk_audit_keys')),
    )
    op.create_index(
        'uq_audit_keys_current',
        'audit_keys',
        ['status'],
        unique=True,
        sqlite_where=sa.text("status = 'current'"),
        postgresql_where=sa.text("status = 'current'"),
    )
    beginning = {'id': 1, 'sequence': 0, 'hash': '0' * 64, 'interventions': 0, 'anchor_sequence': 0, 'anchor_hash': '0' * 64}
    op.bulk_insert(chain, [{**beginning, 'walked_at': None, 'swept_id': ''}])


def downgrade() -> None:
    for table in ('audit_keys', 'audit_checkpoints', 'audit_chain', 'audit_seals'):
        op.drop_table(table)
