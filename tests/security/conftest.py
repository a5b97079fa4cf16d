"""The parties of the catalogue, once for each file, or for one test alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import SqliteDatabases
from tests.security.parties import Parties, opened


@pytest.fixture(scope="module")
def parties(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """Shared by a file; its tests leave the clock, Ada and her session alone."""
    with opened(sqlite_databases, tmp_path_factory.mktemp("parties")) as found:
        yield found


@pytest.fixture
def fresh(sqlite_databases: SqliteDatabases, tmp_path: Path) -> Iterator[Parties]:
    """For a test that moves the clock or ends what others need."""
    with opened(sqlite_databases, tmp_path / "parties") as found:
        yield found
