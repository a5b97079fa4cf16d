"""A portal beside stand-ins of identity providers: it is at localhost and they are at 127.0.0.1, another site."""

from collections.abc import Iterator

import pytest

from tests.browser.travelling import Stage
from tests.databases import SqliteDatabases
from tests.providers import portal_beside_providers


@pytest.fixture(scope="module")
def shared_stage(sqlite_databases: SqliteDatabases) -> Iterator[Stage]:
    """Shared by a module."""
    with portal_beside_providers(sqlite_databases) as (portal, providers):
        yield Stage(portal, providers)


@pytest.fixture
def stage(shared_stage: Stage) -> Iterator[Stage]:
    """The same; nothing stays switched on at the providers, and nobody has agreed to anything there."""
    yield shared_stage
    for provider in shared_stage.providers.all.values():
        provider.reset()
