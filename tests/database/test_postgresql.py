"""Statements on PostgreSQL: sent together, and prepared on connections that outlive what was prepared."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from app.database.postgresql import joined
from tests.relying_party import RelyingParty, add_client, add_person, log_in
from tests.servers import unrestricted


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (("DELETE FROM a WHERE x = $1",), "DELETE FROM a WHERE x = $1"),
        (
            ("INSERT INTO a VALUES ($1, $2)", "UPDATE b SET x = $2 WHERE y = $1", "INSERT INTO c VALUES ($1)"),
            "WITH part_0 AS (INSERT INTO a VALUES ($1, $2)), part_1 AS (UPDATE b SET x = $4 WHERE y = $3) "
            "INSERT INTO c VALUES ($5)",
        ),
        (("DELETE FROM a", "DELETE FROM b WHERE x = $1"), "WITH part_0 AS (DELETE FROM a) DELETE FROM b WHERE x = $1"),
        (
            ("INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",) * 2,
            "WITH part_0 AS (INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)) "
            "INSERT INTO t VALUES ($12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
        ),
    ],
)
def test_parameters_are_numbered_through(statements: tuple[str, ...], expected: str) -> None:
    assert joined(statements) == expected


@pytest.fixture
def app(make_app: Callable[..., Flask], postgresql_url: str) -> Flask:
    """A portal on it; asked one thing at a time it has one connection, which lives on."""
    return make_app(postgresql_url)


@pytest.fixture
def web(app: Flask) -> RelyingParty:
    """A client in the browser of a person who is logged in; everything it asks here was asked before."""
    add_person(app)
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    party = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))
    assert everything(party) == [200] * 4
    return party


def everything(web: RelyingParty) -> list[int]:
    """The status of a redemption, a rotation, userinfo and introspection."""
    redeemed = web.redeem(web.code())
    rotated = web.refresh(redeemed.json.get("refresh_token", ""))
    token = redeemed.json.get("access_token", "")
    introspected = web.browser.post("/api/oauth/introspect", data={"token": token}, auth=("web", web.secret or ""))
    return [each.status_code for each in (redeemed, rotated, web.userinfo(token), introspected)]


def run(app: Flask, command: str) -> Any:
    """Run a command on the connection of the portal's pool."""
    with app.app_context():
        return app.extensions["services"].db.execute(command, [], writes=False).fetchall()


def prepared(app: Flask, marks: str) -> list[str]:
    """Names of the portal's prepared statements that contain ``marks``."""
    rows = run(app, "SELECT name, statement FROM pg_prepared_statements")
    return [name for name, statement in rows if name.startswith("statement_") and marks in statement]


@pytest.mark.parametrize("marks", ["FROM authorization_codes", "FROM refresh_tokens", "AS is_denied", ""])
def test_a_statement_that_was_taken_away_is_prepared_anew(app: Flask, web: RelyingParty, marks: str) -> None:
    gone = prepared(app, marks)
    assert gone
    for name in gone:
        run(app, f"DEALLOCATE {name}")
    assert not set(gone) & set(prepared(app, ""))
    assert everything(web) == [200] * 4
    assert not set(gone) & set(prepared(app, ""))


def test_all_statements_can_be_taken_away_again_and_again(app: Flask, web: RelyingParty) -> None:
    for _ in range(3):
        run(app, "DEALLOCATE ALL")
        assert everything(web) == [200] * 4


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("users", "username"),  # userinfo and rotation, which read outside a transaction
        ("authorization_codes", "nonce"),  # redemption, whose first statement begins one
        ("clients", "name"),
    ],
)
def test_a_migration_under_live_connections_disturbs_nobody(
    postgresql_url: str, web: RelyingParty, table: str, column: str
) -> None:
    with psycopg.connect(libpq(unrestricted(postgresql_url)), autocommit=True) as other:
        other.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar(1000)")
    assert everything(web) == [200] * 4


def test_in_the_middle_of_a_transaction_it_is_an_outage_and_then_over(app: Flask, postgresql_url: str) -> None:
    look, touch = "SELECT name FROM scopes WHERE name = $1", "UPDATE scopes SET sentence_en = $1 WHERE name = 'openid'"
    with app.app_context():
        db = app.extensions["services"].db
        assert db.execute(look, ["openid"], writes=False).fetchall() == [("openid",)]
        with psycopg.connect(libpq(unrestricted(postgresql_url)), autocommit=True) as other:
            other.execute("ALTER TABLE scopes ALTER COLUMN name TYPE varchar(1000)")
        db.execute(touch, ["changed"], writes=True)
        with pytest.raises(sa.exc.OperationalError, match="no longer good"):
            db.execute(look, ["openid"], writes=False)
        db.rollback()
        changed = "SELECT count(*) FROM scopes WHERE sentence_en = 'changed'"
        assert db.execute(changed, [], writes=False).fetchall() == [(0,)]
        db.execute(touch, ["changed"], writes=True)
        assert db.execute(look, ["openid"], writes=False).fetchall() == [("openid",)]
        db.commit()
        assert db.execute(changed, [], writes=False).fetchall() == [(1,)]


def test_what_the_server_never_could_do_stays_a_defect(app: Flask) -> None:
    with app.app_context(), pytest.raises(psycopg.errors.FeatureNotSupported):
        app.extensions["services"].db.execute("SELECT DISTINCT name FROM scopes FOR UPDATE", [], writes=True)


def libpq(url: str) -> str:
    """The address as psycopg itself takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://")
