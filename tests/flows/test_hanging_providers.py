"""Providers that hang hold up those who come in by them, and nobody else."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from app.server.connections.lane import PLACES_OF_ONE
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.flows.live_client import LiveClient
from tests.portal import Portal, WarmPortal
from tests.providers import Providers
from tests.relying_party import EMAIL, PASSWORD
from tests.social.travelling import hidden_fields, path_of

MANY = 50
# Fewer of everything than there are who wait for a provider.
FEW = {"WEB_THREADS": "2", "DB_POOL_SIZE": "1"}
CLIENT = ["program", "--json", "--confidential", "--grant", "client_credentials"]


@pytest.fixture(params=["sqlite", "postgres"])
def portal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Portal]:
    """One that is about to start; somebody has a password there."""
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{request.param}_databases")
    with databases.fresh(tmp_path, "seeded") as url:
        portal = WarmPortal(tmp_path, url, **FEW)
        portal.flask("users", "create", EMAIL, "--password", PASSWORD, "--verified")
        yield portal
        portal.stop()


@pytest.fixture
def providers(portal: Portal) -> Iterator[Providers]:
    """Those of the portal, which has started with them."""
    with Providers(portal.url) as providers:
        portal.environment.update(providers.environment)
        portal.start()
        yield providers


@pytest.fixture
def program(portal: Portal, providers: Providers) -> LiveClient:
    """An application that asks for tokens of its own."""
    return LiveClient(portal, "program", json.loads(portal.flask("clients", "create", *CLIENT))["client_secret"])


def test_nobody_waits_for_a_provider_but_those_who_come_back_from_it(providers: Providers, program: LiveClient) -> None:
    portal = program.portal
    back = [departed(portal, providers, "google") for _ in range(MANY)]
    elsewhere = departed(portal, providers, "kakao")
    providers.google.switch("hang", "token")
    with ThreadPoolExecutor(MANY) as pool:
        coming = [pool.submit(who.browse, "GET", path) for who, path in back]
        providers.google.await_hanging(PLACES_OF_ONE)
        are_served_meanwhile(program, coming, lambda: came_in(elsewhere))
        providers.google.switch("hang", False)
        statuses = {each.result().status_code for each in coming}
    # Some were told that it takes too long, some that there was no place; who was waiting in the end came in.
    assert statuses <= {303, 503, 504}
    for _ in range(2 * PLACES_OF_ONE):
        assert came_in(departed(portal, providers, "google"))


def test_nobody_waits_for_a_provider_but_those_who_go_there(providers: Providers, program: LiveClient) -> None:
    person = LiveClient(program.portal, "nobody")
    assert person.log_in(EMAIL, PASSWORD).status_code == 303
    form = hidden_fields(person.browse("GET", "/account/identities").text)
    elsewhere = departed(program.portal, providers, "kakao")

    def go() -> requests.Response:
        return person.send("POST", "/auth/acme/link", data=form, cookies=person.cookies)

    providers.acme.switch("hang", "discovery")
    with ThreadPoolExecutor(MANY) as pool:
        going = [
            pool.submit(person.send, "POST", "/auth/acme/link", data=form, cookies=person.cookies) for _ in range(MANY)
        ]
        providers.acme.await_hanging(PLACES_OF_ONE)
        are_served_meanwhile(program, going, lambda: came_in(elsewhere))
        providers.acme.switch("hang", False)
        statuses = {each.result().status_code for each in going}
    assert statuses <= {303, 503, 504}
    assert go().status_code == 303


def departed(portal: Portal, providers: Providers, name: str) -> tuple[LiveClient, str]:
    """Somebody who has been at a provider, and where the browser goes from there."""
    browser = LiveClient(portal, "nobody")
    answer = browser.browse("GET", f"/auth/{name}")
    assert answer.status_code == 302, answer.text
    return browser, path_of(providers[name].visit(answer.headers["Location"]))


def came_in(traveller: tuple[LiveClient, str]) -> bool:
    browser, path = traveller
    return browser.browse("GET", path).status_code == 303


def are_served_meanwhile(
    program: LiveClient, hanging: list[Future[requests.Response]], comes_in: Callable[[], bool]
) -> None:
    """Those who log in with a password, ask for a token, ask whether all is well, or come in by another provider."""
    for _ in range(3):
        assert LiveClient(program.portal, "nobody").log_in(EMAIL, PASSWORD).status_code == 303
        assert program.token(grant_type="client_credentials").status_code == 200
        assert program.send("GET", "/ready").json()["status"] == "ready"
    assert comes_in()
    assert not all(each.done() for each in hanging)
