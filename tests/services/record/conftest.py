"""One sealed trail on each engine, for all that is done to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import create_app
from app.settings import Settings
from tests.clock import Clock
from tests.portal import close
from tests.servers import unrestricted
from tests.services.record.trails import Stage


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The trail, as somebody who may change everything has it; whoever does restores it."""
    databases = request.getfixturevalue(f"{'sqlite' if request.param == 'sqlite' else 'postgres'}_databases")
    directory: Path = tmp_path_factory.mktemp("trail")
    clock = Clock()
    with databases.fresh(directory, "seeded") as url:
        app = create_app(Settings.for_testing(directory, unrestricted(url), RATE_LIMIT_ENABLED="false"), clock)
        yield Stage(app, clock)
        close(app)
