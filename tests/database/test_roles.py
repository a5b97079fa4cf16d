"""Two roles on PostgreSQL: one owns the tables and migrates, the portal runs as the other; and what one role costs."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask

from app.database import ADMINISTRATION, enter, person
from app.database.roles import IS_OWNER, PASSES_BY
from app.models import User
from tests.relying_party import RelyingParty, add_client, add_person, log_in
from tests.servers import owner_of, unrestricted, unrestricted_engine

MakeApp = Callable[..., Flask]


def checked(app: Flask) -> tuple[int, str]:
    """How ``config check`` ends, and what it says beside the settings."""
    done = app.test_cli_runner().invoke(args=["config", "check", "--json"])
    return done.exit_code, done.stderr.strip()


def test_config_check_says_what_a_role_can_do_that_it_need_not(make_app: MakeApp, postgresql_url: str) -> None:
    assert checked(make_app(postgresql_url)) == (0, "")
    one_role = make_app(owner_of(postgresql_url), DATABASE_OWNER_URL="")
    assert checked(one_role) == (0, f"Warning: {IS_OWNER}")
    assert checked(make_app(unrestricted(postgresql_url))) == (0, f"Warning: {PASSES_BY}")
    assert checked(make_app()) == (0, "")


def test_a_role_that_may_become_the_owner_is_as_good_as_it(make_app: MakeApp, postgresql_url: str) -> None:
    with role_of(postgresql_url, "heir", "IN ROLE portal_owner NOINHERIT") as url:
        assert checked(make_app(url, DATABASE_OWNER_URL="")) == (0, f"Warning: {IS_OWNER}")


def test_config_check_says_that_it_cannot_know(make_app: MakeApp) -> None:
    app = make_app("postgresql+psycopg://portal_application@127.0.0.1:1/portal")
    assert checked(app) == (0, "Warning: The database does not answer; what its role may do is not known.")


def test_a_portal_that_is_kept_apart_from_nobody_says_so_when_it_starts(
    make_app: MakeApp, postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys = {"SECRET_KEY": "x" * 64, "ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    production = {"APP_ENV": "production", "PUBLIC_URL": "https://portal.example.com", **keys}
    for url, said in ((unrestricted(postgresql_url), [PASSES_BY]), (postgresql_url, [])):
        app = make_app(url, **production)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            app.extensions["background"].start()
            app.extensions["background"].stop()
        assert [vars(each)["reason"] for each in caplog.records if each.getMessage() == "database_role"] == said


def test_one_role_keeps_people_apart_as_well(make_app: MakeApp, postgresql_url: str) -> None:
    app = make_app(owner_of(postgresql_url), DATABASE_OWNER_URL="")
    ada, bob = add_person(app), add_person(app, "bob@example.com")
    with app.app_context():
        db = app.extensions["services"].db
        for one in (ada, bob):
            enter(person(one))
            assert db.session.scalars(sa.select(User.id)).all() == [one]
    assert app.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
    assert log_in(app.test_client()).status_code == 303


def test_the_application_is_granted_what_a_later_migration_adds(make_app: MakeApp, postgresql_url: str) -> None:
    app = make_app(postgresql_url)
    with unrestricted_engine(postgresql_url).begin() as connection:
        connection.exec_driver_sql("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM portal_application")
    assert app.test_client().get("/ready").status_code == 503
    assert app.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
    assert app.test_client().get("/ready").status_code == 200


def test_a_role_that_is_not_there_is_said_in_one_line(make_app: MakeApp, postgresql_url: str) -> None:
    app = make_app(
        postgresql_url.replace("portal_application", "nobody_here"), DATABASE_OWNER_URL=owner_of(postgresql_url)
    )
    done = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: The database cannot be used: ")
    assert len(done.output.strip().splitlines()) == 1


@contextmanager
def role_of(url: str, name: str, more: str = "") -> Iterator[str]:
    """The URL of the same database by a role that is there for a while."""
    made = f"{name}_{sa.make_url(url).database}"
    with psycopg.connect(unrestricted(url).replace("+psycopg", ""), autocommit=True) as superuser:
        superuser.execute(f'CREATE ROLE "{made}" LOGIN {more}'.encode())
        try:
            yield sa.make_url(url).set(username=made).render_as_string(hide_password=False)
        finally:
            superuser.execute(f'DROP OWNED BY "{made}" CASCADE; DROP ROLE "{made}"'.encode())


def test_two_schemas_of_one_database_see_nothing_of_each_other(
    make_app: MakeApp, open_database: Callable[..., str]
) -> None:
    """Development and production, each with an owner and an application's role."""
    bare = open_database("postgresql", "bare")
    database = sa.make_url(bare).database
    with (
        role_of(bare, "dev_owner") as dev_owner,
        role_of(bare, "dev") as dev,
        role_of(bare, "prod_owner") as prod_owner,
        role_of(bare, "prod") as prod,
    ):
        apps: dict[str, Flask] = {}
        for schema, url, owner in (("dev", dev, dev_owner), ("prod", prod, prod_owner)):
            with unrestricted_engine(bare).begin() as connection:
                name = sa.make_url(owner).username
                connection.exec_driver_sql(f'GRANT CREATE ON DATABASE "{database}" TO "{name}"')
            apps[schema] = app = make_app(url, DB_SCHEMA=schema, DATABASE_OWNER_URL=owner)
            for command in (["db", "upgrade"], ["seed"]):
                done = app.test_cli_runner().invoke(args=command)
                assert done.exit_code == 0, done.output
            assert checked(app) == (0, "")
            add_person(app, f"{schema}@example.com")
            browser = app.test_client()
            assert log_in(browser, f"{schema}@example.com").status_code == 303
            web = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))
            assert web.refresh(web.tokens()["refresh_token"]).status_code == 200
        for mine, other in (("dev", "prod"), ("prod", "dev")):
            with apps[mine].app_context():
                enter(ADMINISTRATION)
                services = apps[mine].extensions["services"]
                assert {f"{mine}@example.com"} < emails(services) == emails(services) - {f"{other}@example.com"}
        with unrestricted_engine(bare).connect() as connection:
            tables = sa.inspect(connection).get_table_names(schema="prod")
        assert len(tables) > 20
        for url, other in ((dev, "prod"), (dev_owner, "prod"), (prod, "dev"), (prod_owner, "dev")):
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute("SET app.is_superuser = 'true'")
                for table in tables:
                    for statement in (f'SELECT 1 FROM {other}."{table}"', f'DELETE FROM {other}."{table}"'):  # noqa: S608
                        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for schema"):
                            connection.execute(statement.encode())


def emails(services: Any) -> set[str]:
    """All addresses of a portal."""
    return set(services.db.session.scalars(sa.select(User.email)))
