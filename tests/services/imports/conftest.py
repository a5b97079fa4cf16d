"""A portal on each database for a file of tests; what tests import stays, under addresses of their own."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app import create_app
from app.settings import Settings
from tests.clock import Clock
from tests.portal import close


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def portal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A seeded portal with a group and a role besides those of every portal."""
    databases = request.getfixturevalue("postgres_databases" if request.param == "postgresql" else "sqlite_databases")
    directory = tmp_path_factory.mktemp("imports")
    with databases.fresh(directory, "seeded") as url:
        app = create_app(Settings.for_testing(directory, url, RATE_LIMIT_ENABLED="false"), Clock())
        for command in (("groups", "create", "디자인 팀"), ("roles", "create", "editor")):
            assert app.test_cli_runner().invoke(args=command).exit_code == 0
        yield app
        close(app)
