"""Migrations run up, down and up again with data in place, and say what the models say, on both engines."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import BillingSubscription, Group, Quota, Role, User, UserSession, UtcDateTime
from app.services.foundation.environment import NOBODY
from tests.relying_party import add_client, add_person

MakeApp = Callable[..., Flask]


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated(request: pytest.FixtureRequest, make_app: MakeApp, open_database: Callable[..., str]) -> Flask:
    """A seeded portal on each engine."""
    return make_app(open_database(request.param, "seeded"))


def test_down_and_up_again(migrated: Flask) -> None:
    with migrated.app_context():
        engine = migrated.extensions["sqlalchemy"].engine
        assert "users" in sa.inspect(engine).get_table_names()
        flask_migrate.downgrade(revision="base")
        assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version", "schema_revisions"}
        flask_migrate.upgrade()
        flask_migrate.upgrade()
        assert "users" in sa.inspect(engine).get_table_names()


def test_the_models_are_what_was_migrated(migrated: Flask) -> None:
    with migrated.app_context():
        flask_migrate.check()


def test_a_schema_of_its_own_is_made_and_used(make_app: MakeApp, open_database: Callable[..., str]) -> None:
    app = make_app(open_database("postgresql", "empty"), DB_SCHEMA="portal_dev")
    with app.app_context():
        flask_migrate.upgrade()
        inspector = sa.inspect(app.extensions["sqlalchemy"].engine)
        assert "users" in inspector.get_table_names(schema="portal_dev")


def test_a_new_sqlite_file_is_its_owners_alone(make_app: MakeApp, tmp_path: Path) -> None:
    with make_app(f"sqlite:///{tmp_path}/portal.db").app_context():
        flask_migrate.upgrade()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("portal.db*")} == {0o600}


def rules(engine: sa.Engine) -> list[tuple[object, ...]]:
    """The policies of row-level security; SQLite has none."""
    if engine.dialect.name == "sqlite":
        return []
    with engine.connect() as connection:
        query = "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2"
        return [tuple(row) for row in connection.execute(sa.text(query))]


def test_the_latest_steps_down_and_up_lose_no_row(migrated: Flask) -> None:
    """A table that is dropped for a moment would take along what refers to it."""
    with migrated.app_context():
        engine = migrated.extensions["sqlalchemy"].engine
        tables = ("users", "memberships", "clients", "scopes", "oauth_audit_logs", "signing_keys")

        def counted() -> list[int]:
            with engine.connect() as connection:
                return [connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0 for table in tables]  # noqa: S608

        before, policies = counted(), rules(engine)
        assert all(before)
        flask_migrate.downgrade(revision="0017")
        assert counted() == before
        assert rules(engine) == []
        flask_migrate.upgrade()
        assert counted() == before
        assert rules(engine) == policies


def test_addresses_get_their_one_spelling_and_two_of_one_are_reported(
    migrated: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """What earlier code kept as it was typed; who has the one spelling already keeps it."""
    spelled = {
        "typed": "\uff41da@example.com",
        "late": "a\u200bda.two@example.com",
        "first": "ada.two@example.com",
        "plain": "plain@example.com",
    }
    with migrated.app_context():
        engine = migrated.extensions["sqlalchemy"].engine
        ids = {name: add_person(migrated, f"{name}@example.com") for name in spelled}
        flask_migrate.downgrade(revision="0007")
        with engine.begin() as connection:
            for name, email in spelled.items():
                connection.execute(
                    sa.text("UPDATE users SET email = :email WHERE id = :id"), {"email": email, "id": ids[name]}
                )
        with caplog.at_level(logging.WARNING):
            flask_migrate.upgrade()
        with engine.connect() as connection:
            kept = {row.id: row.email for row in connection.execute(sa.text("SELECT id, email FROM users"))}
    assert {name: kept[ids[name]] for name in spelled} == {**spelled, "typed": "ada@example.com"}
    (line,) = [vars(record) for record in caplog.records if record.getMessage() == "addresses_collide"]
    assert (line["user_id"], line["holder"]) == (ids["late"], ids["first"])


def test_the_secret_of_a_client_stays_good_up_and_down(migrated: Flask) -> None:
    """Migration 0013 copies it to a table of its own; undone, the newest of two is the one that stays."""
    fields = {"is_confidential": True, "grants": ["client_credentials"], "redirects": [], "scopes": ["read:features"]}
    secret = add_client(migrated, "kept", **fields)

    def works(presented: str | None) -> bool:
        form = {"grant_type": "client_credentials"}
        answer = migrated.test_client().post("/api/oauth/token", data=form, auth=("kept", presented or ""))
        return answer.status_code == 200

    def down_and_up() -> None:
        with migrated.app_context():
            flask_migrate.downgrade(revision="0012")
            flask_migrate.upgrade()

    down_and_up()
    assert works(secret)
    command = ["clients", "rotate-secret", "kept", "--overlap", "1h", "--json"]
    new = json.loads(migrated.test_cli_runner().invoke(args=command).stdout)["client_secret"]
    assert (works(secret), works(new)) == (True, True)
    down_and_up()
    assert (works(secret), works(new)) == (False, True)
    listed = json.loads(migrated.test_cli_runner().invoke(args=["clients", "secrets", "kept", "--json"]).stdout)
    assert [each["expires"] for each in listed] == [None]


def test_what_roles_carry_is_declared_and_names_are_one_whatever_their_case(
    migrated: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """Migration 0016, over rows as operators may have written them by hand; undone, they are as they were."""
    person = add_person(migrated)
    with migrated.app_context():
        engine = migrated.extensions["sqlalchemy"].engine

        def rows(statement: str) -> list[tuple[object, ...]]:
            with engine.connect() as connection:
                named = {"person": person} if ":person" in statement else {}
                return [tuple(row) for row in connection.execute(sa.text(statement), named)]

        flask_migrate.downgrade(revision="0015")
        with engine.begin() as connection:
            for statement in (
                'UPDATE roles SET permissions = \'["manage:teams", "manage:odd", "Old"]\' WHERE name = \'member\'',
                "INSERT INTO groups (id, name, kind, created_at)"
                " SELECT 'second', 'max', 'group', max(created_at) FROM groups",
                "UPDATE memberships SET role_id = (SELECT id FROM roles WHERE name = 'admin') WHERE user_id = :person",
            ):
                connection.execute(sa.text(statement), {"person": person} if ":person" in statement else {})
        with caplog.at_level(logging.WARNING):
            flask_migrate.upgrade()
        assert [vars(each)["row"] for each in caplog.records if each.getMessage() == "names_collide"] == ["second"]
        assert sorted(rows("SELECT name, name_key FROM groups")) == [("MAX", "max"), ("max", None)]
        assert {each[0] for each in rows("SELECT name FROM permissions WHERE NOT is_builtin")} == {"manage:odd", "Old"}
        assert len(rows("SELECT name FROM permissions WHERE is_builtin")) == 15
        assert rows("SELECT is_superuser, is_staff FROM users WHERE id = :person") in ([(1, 1)], [(True, True)])
        services = migrated.extensions["services"]
        assert [services.groups.get(name).name for name in ("MAX", "max", "Max")] == ["MAX", "max", "MAX"]
        services.db.rollback()
        flask_migrate.downgrade(revision="0015")
        assert sorted(rows("SELECT name, kind FROM groups")) == [("MAX", "group"), ("max", "group")]
        flask_migrate.upgrade()


DECLARED = (
    "INSERT INTO permissions (name, sentence_en, sentence_ko, is_builtin, created_at)"
    " SELECT 'admin:keys', 'Keys', '열쇠', false, max(created_at) FROM roles"
)


def test_what_was_called_like_a_part_of_the_administration_opens_nothing(migrated: Flask) -> None:
    """Migration 0021, over a permission that somebody declared by such a name and a role that carries it."""
    with migrated.app_context():
        engine = migrated.extensions["sqlalchemy"].engine

        def carried() -> dict[str, set[str]]:
            with engine.connect() as connection:
                rows = connection.execute(sa.select(Role.name, Role.permissions)).all()
            return {name: {each for each in permissions if each.startswith("admin:")} for name, permissions in rows}

        parts = carried()["admin"]
        assert len(parts) == 6
        flask_migrate.downgrade(revision="0020")
        assert carried() == {"admin": {"admin:access"}, "member": set()}
        with engine.begin() as connection:
            connection.execute(sa.text(DECLARED))
            member = sa.update(Role).where(Role.name == "member")
            connection.execute(member.values(permissions=["admin:keys", "manage:models"]))
        flask_migrate.upgrade()
        assert carried() == {"admin": parts, "member": set()}
        services = migrated.extensions["services"]
        assert services.permissions.get("admin:keys").is_builtin
        services.db.rollback()


def test_a_portal_that_is_not_seeded_yet_declares_nothing_until_it_is(
    make_app: MakeApp, open_database: Callable[..., str]
) -> None:
    app = make_app(open_database("sqlite", "empty"))
    with app.app_context():
        services = app.extensions["services"]
        assert services.permissions.all() == []
        services.db.rollback()
    assert app.test_cli_runner().invoke(args=["seed"]).exit_code == 0
    with app.app_context():
        assert len(app.extensions["services"].permissions.all()) == 15


USED = sa.table(
    "users",
    sa.column("id", sa.String),
    sa.column("quota_used", sa.Integer),
    sa.column("quota_resets_at", UtcDateTime()),
    sa.column("plan", sa.String),
)


def test_what_was_used_outlives_a_migration_and_its_end(migrated: Flask) -> None:
    """Migration 0017 takes over what the columns of people held, and gives it back when it is undone."""
    reset = datetime(2027, 3, 31, 9, 30, tzinfo=UTC)
    many, none = (add_person(migrated, f"{name}@example.com") for name in ("many", "none"))
    add_client(migrated, "jobs")
    with migrated.app_context():
        engine = migrated.extensions["sqlalchemy"].engine
        services = migrated.extensions["services"]

        def held() -> dict[str, tuple[int, datetime | None]]:
            with engine.connect() as connection:
                rows = connection.execute(sa.select(USED).where(USED.c.id.in_([many, none])))
                return {row.id: (row.quota_used, row.quota_resets_at) for row in rows}

        flask_migrate.downgrade(revision="0016")
        with engine.begin() as connection:
            this = sa.update(USED).where(USED.c.id == many)
            connection.execute(this.values(quota_used=40, quota_resets_at=reset, plan="pro"))
        flask_migrate.upgrade()
        kept = services.db.session.execute(sa.select(Quota.user_id, Quota.used, Quota.resets_at, Quota.began_at)).all()
        assert list(map(tuple, kept)) == [(many, 40, reset, datetime(2027, 2, 28, 9, 30, tzinfo=UTC))]
        services.db.session.execute(sa.update(Quota).values(used=5_000_000_000))
        services.overrides.add(none, plan="studio", reason="a fair")
        begun = services.quotas.consume(none, 5, client_id="jobs", key="job-1").now.resets_at
        told = {"customer_id": "7", "plan": "pro", "status": "active", "began_at": begun, "changed_at": begun}
        services.db.session.execute(sa.insert(BillingSubscription).values(id="1", user_id=none, **told))
        paid = {"billing_customer_id": "7", "billing_subscription_id": "1"}
        services.db.session.execute(sa.update(User).where(User.id == none).values(paid))
        services.db.commit()
        flask_migrate.downgrade(revision="0016")
        assert held() == {many: (2147483647, reset), none: (5, begun)}
        flask_migrate.upgrade()
        states = [services.quotas.read(each) for each in (many, none)]
        assert [(state.plan, state.used) for state in states] == [("pro", 2147483647), ("free", 5)]
        assert held() == {many: (2147483647, reset), none: (5, begun)}


def test_nobody_acts_as_anybody_for_code_that_does_not_know_of_it(migrated: Flask) -> None:
    """Migration 0022 ends such sessions on its way down; those of people stay open."""
    user_id, administrator_id = (add_person(migrated, f"{name}@example.com") for name in ("bob", "ada"))
    with migrated.app_context():
        services = migrated.extensions["services"]
        (own_id, _), (acting_id, _) = (services.sessions.start(each, NOBODY) for each in (administrator_id, user_id))
        acting = {"acted_by": administrator_id, "acting_session_id": own_id, "act_reason": "ticket 17"}
        services.db.session.execute(sa.update(UserSession).where(UserSession.id == acting_id).values(acting))
        services.db.session.execute(sa.update(Group).values(allows_acting=True))
        services.db.commit()
        flask_migrate.downgrade(revision="0021")
        rows = services.db.session.execute(sa.text("SELECT id, end_reason FROM user_sessions")).all()
        assert {tuple(row) for row in rows} == {(own_id, None), (acting_id, "ended_by_operator")}
        services.db.rollback()
        flask_migrate.upgrade()
        assert services.db.session.scalars(sa.select(Group.allows_acting)).all() == [False]
        assert services.db.session.scalars(sa.select(UserSession.acted_by)).all() == [None, None]
