"""A database that goes away is an outage, whatever was going on: 503 with Retry-After, over as soon as it is back."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.relying_party import EMAIL, PASSWORD, RelyingParty, add_client, add_person, csrf_token, log_in
from tests.servers import unrestricted

Ask = Callable[["Scene"], TestResponse]
DIE_AT_COMMIT = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER die AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION die();
"""


class Scene:
    """A portal on PostgreSQL, a person who is logged in, a client with tokens, and a filled-in form."""

    def __init__(self, app: Flask, url: str) -> None:
        # As in production: what goes wrong is answered.
        app.config["PROPAGATE_EXCEPTIONS"] = False
        add_person(app)
        self.url = url
        self.browser: FlaskClient = app.test_client()
        self.web = RelyingParty(self.browser, "web", add_client(app, "web", is_confidential=True))
        assert log_in(self.browser).status_code == 303
        self.code = self.web.code()
        self.tokens = self.web.tokens()
        self.stranger: FlaskClient = app.test_client()
        self.form = {"csrf_token": csrf_token(self.stranger, "/login"), "email": EMAIL, "password": PASSWORD}

    def operate(self, statement: str, *values: object) -> list[Any]:
        """Do something to the database from outside it."""
        address = sa.make_url(unrestricted(self.url)).set(drivername="postgresql", database="postgres")
        with psycopg.connect(address.render_as_string(), autocommit=True) as other:
            cursor = other.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def throw_out(self) -> None:
        """End every connection to the database."""
        name = sa.make_url(self.url).database
        self.operate("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)

    def connections(self) -> set[int]:
        """The server's processes of the portal's connections."""
        name = sa.make_url(self.url).database
        return {pid for (pid,) in self.operate("SELECT pid FROM pg_stat_activity WHERE datname = %s", name)}

    def close_database(self, *, is_closed: bool) -> None:
        """Let nobody in any more, or everybody again."""
        name = sa.make_url(self.url).database
        self.operate(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {not is_closed}')
        self.throw_out()

    def back_channel(self, path: str, **form: str) -> TestResponse:
        """A form of the client itself."""
        return self.browser.post(f"/api/oauth/{path}", data=form, auth=("web", self.web.secret or ""))

    def log_in(self) -> TestResponse:
        """Send the login form."""
        return self.stranger.post("/login", data=self.form)

    def log_out(self) -> TestResponse:
        """As an application asks for it."""
        return self.browser.get("/api/oauth/logout", query_string={"id_token_hint": self.tokens["id_token"]})


@pytest.fixture
def app(make_app: Callable[..., Flask], postgresql_url: str) -> Flask:
    """A portal on it; asked one thing at a time it has one connection."""
    return make_app(postgresql_url)


@pytest.fixture
def scene(app: Flask, postgresql_url: str) -> Iterator[Scene]:
    made = Scene(app, postgresql_url)
    yield made
    made.close_database(is_closed=False)


ASKS: dict[str, Ask] = {
    "userinfo": lambda scene: scene.web.userinfo(scene.tokens["access_token"]),
    "introspection": lambda scene: scene.back_channel("introspect", token=scene.tokens["access_token"]),
    "redemption": lambda scene: scene.web.redeem(scene.code),
    "rotation": lambda scene: scene.web.refresh(scene.tokens["refresh_token"]),
    "authorization": lambda scene: scene.web.authorize(),
    "login": Scene.log_in,
    "revocation": lambda scene: scene.back_channel("revoke", token=scene.tokens["refresh_token"]),
    "logout": Scene.log_out,
}
DONE = {**dict.fromkeys(ASKS, 200), "authorization": 302, "login": 303, "logout": 303}


def is_outage(answer: TestResponse) -> None:
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), answer.text
    # Nobody is logged in or out by what did not happen, and the form can be sent again.
    assert "Set-Cookie" not in answer.headers


def test_everything_says_so_while_the_database_lets_nobody_in_and_goes_on_afterwards(scene: Scene) -> None:
    scene.close_database(is_closed=True)
    for ask in ASKS.values():
        is_outage(ask(scene))
    scene.close_database(is_closed=False)
    assert {name: ask(scene).status_code for name, ask in ASKS.items()} == DONE


@pytest.mark.parametrize("name", ASKS)
def test_a_connection_that_was_ended_costs_one_answer(scene: Scene, name: str) -> None:
    scene.throw_out()
    is_outage(ASKS[name](scene))
    assert ASKS[name](scene).status_code == DONE[name]


def test_no_connection_is_left_behind_by_one_that_was_ended(app: Flask, scene: Scene) -> None:
    mine, ask = "SELECT pg_backend_pid()", app.extensions["services"].db.execute
    with app.app_context():
        (other,) = ask(mine, [], writes=False).fetchone()
        with app.app_context():
            (ended,) = ask(mine, [], writes=False).fetchone()
            assert ended != other
            scene.operate("SELECT pg_terminate_backend(%s)", ended)
            with pytest.raises(sa.exc.OperationalError):
                ask(mine, [], writes=False)
    assert {name: request(scene).status_code for name, request in ASKS.items()} == DONE
    assert other not in scene.connections()


def test_an_error_page_asks_no_database_that_is_gone(scene: Scene) -> None:
    scene.close_database(is_closed=True)
    answer = scene.browser.get("/no/such/page")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("login", "user_sessions"),
        ("logout", "user_sessions"),
        ("revocation", "revoked_tokens"),
        ("redemption", "token_families"),
        ("rotation", "refresh_tokens"),
        ("authorization", "authorization_codes"),
    ],
)
def test_a_commit_that_is_lost_is_no_success(scene: Scene, name: str, table: str) -> None:
    with psycopg.connect(unrestricted(scene.url).replace("+psycopg", ""), autocommit=True) as other:
        other.execute(DIE_AT_COMMIT.format(table=table))
        is_outage(ASKS[name](scene))
        other.execute(f"DROP TRIGGER die ON {table}")
    assert ASKS[name](scene).status_code == DONE[name]
