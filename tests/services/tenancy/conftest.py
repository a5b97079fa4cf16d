"""A portal on each database for a file of tests, and its services, of whose changes nothing stays."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app import create_app
from app.settings import Settings
from app.wiring import Services
from tests.clock import Clock
from tests.portal import close
from tests.relying_party import add_person
from tests.services.tenancy.places import services_of


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def portal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A seeded portal with a person besides the administrator."""
    databases = request.getfixturevalue("postgres_databases" if request.param == "postgresql" else "sqlite_databases")
    directory = tmp_path_factory.mktemp("tenancy")
    with databases.fresh(directory, "seeded") as url:
        app = create_app(Settings.for_testing(directory, url, RATE_LIMIT_ENABLED="false"), Clock())
        add_person(app)
        yield app
        close(app)


@pytest.fixture
def services(portal: Flask) -> Iterator[Services]:
    """Its services, in one unit of work that is taken back."""
    with portal.app_context():
        found = services_of(portal)
        yield found
        found.db.rollback()
