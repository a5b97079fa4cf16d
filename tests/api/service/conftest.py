"""A portal on each database, and backends of it."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.api.service.backends import Backend


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    """A seeded portal."""
    return make_app(open_database(request.param))


@pytest.fixture
def backend(app: Flask) -> Backend:
    """A service that may do everything."""
    return Backend(app)
