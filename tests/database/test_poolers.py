"""PgBouncer in transaction mode: a server's connection serves many, and no statement is run that another one meant."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask

from tests.relying_party import RelyingParty, add_client, add_person, log_in
from tests.servers import PgBouncer, running, started

THREADS, ROUNDS = 6, 8


@pytest.fixture
def pooled_url(open_database: Callable[..., str]) -> Iterator[str]:
    """An empty database behind a pool of two connections."""
    direct = sa.make_url(open_database("postgresql", "empty"))

    def make(directory: Path) -> PgBouncer:
        return PgBouncer(directory, direct.port or 0, 2)

    for bouncer in started(running(make)):
        yield bouncer.url(direct.database or "")


@pytest.mark.parametrize("schema", ["", "portal_dev"])
def test_many_share_two_connections(make_app: Callable[..., Flask], pooled_url: str, schema: str) -> None:
    app = make_app(pooled_url, DB_SCHEMA=schema)
    with app.app_context():
        flask_migrate.upgrade()
    assert app.test_cli_runner().invoke(args=["seed"]).exit_code == 0
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
