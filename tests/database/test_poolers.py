"""PgBouncer in transaction mode: a server's connection serves many, and no statement is run that another one meant."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import flask_migrate
import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from app.database import NOBODY, enter, person
from app.database.patience import PatientConnection
from app.database.postgresql import Forgotten, Statements
from app.models import User
from app.services.foundation.statements import Statement
from tests.relying_party import RelyingParty, add_client, add_person, log_in
from tests.servers import PgBouncer, running, started

THREADS, ROUNDS = 6, 8
PLAIN: dict[str, Any] = {"autocommit": True, "prepare_threshold": None}
IDS = Statement(sa.select(User.id))
Pooled = Callable[[int], str]


@pytest.fixture
def pooled(open_database: Callable[..., str]) -> Iterator[Pooled]:
    """Makes the URL of a database without a table behind a pool of so many connections."""
    direct = sa.make_url(open_database("postgresql", "bare"))
    with ExitStack() as stack:

        def make(connections: int) -> str:
            bouncers = started(running(lambda directory: PgBouncer(directory, direct.port or 0, connections)))
            bouncer = stack.enter_context(contextmanager(lambda: bouncers)())
            return bouncer.url(direct.database or "")

        yield make


def test_a_name_never_means_another_statement(pooled: Pooled) -> None:
    """Two share one connection of the server, and each of them prepares as if it were its own."""
    url, wrong, refused = pooled(1), [], 0
    with PatientConnection.connect(url, **PLAIN) as one, PatientConnection.connect(url, **PLAIN) as other:
        shared = (Statements(one), Statements(other))
        for turn in range(60):
            number = 100 * (turn % 2) + turn % 3
            try:
                found = shared[turn % 2].execute(f"SELECT {number} + $1::int", [1]).fetchall()
            except (Forgotten, psycopg.OperationalError):
                refused += 1
                continue
            wrong += [] if found == [(number + 1,)] else [(number, found)]
    assert wrong == []
    assert refused < 10


def test_where_all_is_prepared_nothing_is_done_by_mistake(make_app: Callable[..., Flask], pooled: Pooled) -> None:
    """``DB_PREPARE=always`` behind a pooler that keeps no names apart: refusals at worst."""
    app = portal(make_app, pooled(2), "")
    before = counted(app, "")
    app = make_app(pooled(2), DB_PREPARE="always")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    token = "A" * 64

    def ask(_: int) -> int:
        with app.test_client() as client:
            return client.post("/api/oauth/introspect", data={"token": token}, auth=("web", "wrong")).status_code

    with ThreadPoolExecutor(THREADS) as pool:
        answered = set(pool.map(ask, range(60)))
    assert answered <= {401, 503}
    assert counted(app, "") == before


def portal(make_app: Callable[..., Flask], url: str, schema: str) -> Flask:
    """A portal on a database that was migrated and seeded by way of the pooler."""
    app = make_app(url, DB_SCHEMA=schema)
    with app.app_context():
        flask_migrate.upgrade()
    assert app.test_cli_runner().invoke(args=["seed"]).exit_code == 0
    return app


@pytest.mark.parametrize("schema", ["", "portal_dev"])
def test_many_share_two_connections(make_app: Callable[..., Flask], pooled: Pooled, schema: str) -> None:
    app = portal(make_app, pooled(2), schema)
    add_person(app)
    secret = add_client(app, "web", is_confidential=True)
    before = counted(app, schema)
    parties = []
    for _ in range(THREADS):
        browser = app.test_client()
        assert log_in(browser).status_code == 303
        parties.append(RelyingParty(browser, "web", secret))
    with ThreadPoolExecutor(THREADS) as pool:
        answered = [status for found in pool.map(everything, parties) for status in found]
    assert answered == [200] * 4 * ROUNDS * THREADS
    assert counted(app, schema) == before
    assert app.test_client().get("/ready").status_code == 200


def everything(web: RelyingParty) -> list[int]:
    """Statuses of redemptions, rotations, userinfo and introspection."""
    found = []
    for _ in range(ROUNDS):
        redeemed = web.redeem(web.code())
        rotated = web.refresh(redeemed.json.get("refresh_token", ""))
        token = redeemed.json.get("access_token", "")
        asked = web.browser.post("/api/oauth/introspect", data={"token": token}, auth=("web", web.secret or ""))
        found += [each.status_code for each in (redeemed, rotated, web.userinfo(token), asked)]
    return found


def counted(app: Flask, schema: str) -> list[int]:
    """Rows of what nobody adds to or takes from, where they have to be."""
    with app.app_context(), app.extensions["sqlalchemy"].engine.connect() as connection:
        place = schema or "public"
        tables = ("users", "clients", "scopes", "signing_keys", "roles")
        return [connection.scalar(sa.text(f"SELECT count(*) FROM {place}.{table}")) or 0 for table in tables]  # noqa: S608


def test_whoever_shares_a_connection_reaches_nothing_that_another_one_reached(
    make_app: Callable[..., Flask], pooled: Pooled
) -> None:
    """All on one connection of the server, in turns and at once: by statements of their own and in transactions."""
    app = portal(make_app, pooled(1), "")
    people = [add_person(app, f"person-{number}@example.com") for number in range(THREADS)]

    def look(who: str) -> set[frozenset[str]]:
        found = set()
        for _ in range(ROUNDS):
            with app.app_context():
                db = app.extensions["services"].db
                enter(person(who))
                found.add(frozenset(row.id for row in IDS.all(db)))
                found.add(frozenset(db.session.scalars(sa.select(User.id))))
                db.rollback()
                enter(NOBODY)
                found.add(frozenset([who, *(row.id for row in IDS.all(db))]))
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(look, people)) == [{frozenset([who])} for who in people]
