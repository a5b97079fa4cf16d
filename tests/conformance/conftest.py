"""One portal on https for the whole room, with one account; every test registers a relying party of its own."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app import create_app
from app.settings import Settings
from tests.clock import Clock
from tests.conformance.relying_party import ISSUER, RelyingParty
from tests.databases import SqliteDatabases
from tests.portal import close
from tests.relying_party import add_person


@pytest.fixture(scope="session")
def clock() -> Clock:
    """The portal's clock; tests move it on and never back."""
    return Clock()


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory, sqlite_databases: SqliteDatabases, clock: Clock) -> Iterator[Flask]:
    """The portal, as people reach it over TLS."""
    instance = tmp_path_factory.mktemp("conformance")
    with sqlite_databases.fresh(instance, "seeded") as url:
        settings = Settings.for_testing(instance, url, PUBLIC_URL=ISSUER, RATE_LIMIT_ENABLED="false")
        app = create_app(settings, clock)
        add_person(app)
        yield app
        close(app)


@pytest.fixture
def response_mode() -> str:
    """The response mode that requests ask for; empty: none is named."""
    return ""


@pytest.fixture
def rp(app: Flask, clock: Clock, response_mode: str) -> RelyingParty:
    """A relying party; nobody is logged in at its browser."""
    return RelyingParty(app, clock, response_mode)
