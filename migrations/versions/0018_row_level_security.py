"""Row-level security on every table whose rows are of people; nothing on SQLite."""

from collections.abc import Iterator, Sequence

from alembic import op

revision: str = '0018'
down_revision: str | None = '0017'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
# Code from before says nothing of itself and would find no rows.
oldest_code: str = '0018'

S, I, U, D = 'SELECT', 'INSERT', 'UPDATE', 'DELETE'
# What the protocol's endpoints do to rows of whomever, what finding out who is there does, and what a notice of whoever
# takes payments does.
PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    'authorization_codes': {'protocol': (S, I, U, D), 'authentication': (S, U)},
    'billing_subscriptions': {'billing': (S, I, U)},
    'consents': {'protocol': (S, I, U), 'authentication': (S,)},
    'deliveries': {},
    'identities': {'authentication': (S, I, U, D)},
    'known_devices': {'authentication': (S, I, U, D)},
    'memberships': {'protocol': (S,), 'authentication': (S, I)},
    'oauth_audit_logs': {'protocol': (I,), 'authentication': (I,), 'billing': (I,)},
    'one_time_tokens': {'authentication': (S, I, U, D)},
    'photos': {'protocol': (S,)},
    'plan_overrides': {'protocol': (S,), 'authentication': (S,)},
    'provider_requests': {'authentication': (S, I, U)},
    'quota_uses': {},
    'quotas': {},
    'refresh_tokens': {'protocol': (S, I, U), 'authentication': (S, I, U)},
    'revoked_tokens': {'protocol': (S, I), 'authentication': (S, I)},
    'token_families': {'protocol': (S, I, U), 'authentication': (S, I, U)},
    'user_sessions': {'protocol': (S, U), 'authentication': (S, I, U)},
    'users': {'protocol': (S,), 'authentication': (S, I, U), 'billing': (S, U)},
}
# One rule for each verb, and a CASE rather than an OR: PostgreSQL takes it for true of half of the rows and goes on using
# indexes, while it believes of the other that nearly none are left and reads small tables whole.
RULE = """(CASE {parts}
    WHEN current_setting('app.is_superuser', true) = 'true' THEN true
    ELSE {column} = current_setting('app.current_user_id', true) END)"""
PARTS_MAY = "WHEN current_setting('app.part', true) IN ({}) THEN true"


def policies(table: str) -> Iterator[tuple[str, str]]:
    """The name and the rule of each."""
    for verb in (S, I, U, D):
        named = ', '.join(f"'{part}'" for part, verbs in PARTS[table].items() if verb in verbs)
        column = 'id' if table == 'users' else 'user_id'
        rule = RULE.format(parts=PARTS_MAY.format(named) if named else '', column=column)
        yield f'reach_{verb.lower()}', f"FOR {verb} {'WITH CHECK' if verb == I else 'USING'} {rule}"


def upgrade() -> None:
    if op.get_context().dialect.name != 'postgresql':
        return
    for table in PARTS:
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE {table} FORCE ROW LEVEL SECURITY')
        for name, rule in policies(table):
            op.execute(f'CREATE POLICY {name} ON {table} {rule}')


def downgrade() -> None:
    if op.get_context().dialect.name != 'postgresql':
        return
    for table in PARTS:
        for name, _ in policies(table):
            op.execute(f'DROP POLICY {name} ON {table}')
        op.execute(f'ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE {table} DISABLE ROW LEVEL SECURITY')
