"""Running nodes say in their logs, from their start on, that a secret is not the one it has to be."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from cryptography.fernet import Fernet

from tests.databases import SqliteDatabases
from tests.portal import Portal, WarmPortal
from tests.server.test_serving import wait_for

DIFFERING = ("SECRET_KEY is another one", "ENCRYPTION_KEYS is another one")


@pytest.fixture
def nodes(sqlite_databases: SqliteDatabases, tmp_path: Path) -> Iterator[tuple[Portal, Portal]]:
    """Two nodes over one database, of which the second has secrets of its own."""
    with ExitStack() as stack:
        url = stack.enter_context(sqlite_databases.fresh(tmp_path / "first", "seeded"))
        other = {"SECRET_KEY": "o" * 40, "ENCRYPTION_KEYS": Fernet.generate_key().decode()}
        first = WarmPortal(tmp_path / "first", url)
        (tmp_path / "second").mkdir()
        second = WarmPortal(tmp_path / "second", url, **other)
        first.environment["PUBLIC_URL"] = second.environment["PUBLIC_URL"] = first.url
        for portal in (first, second):
            portal.start()
            stack.callback(portal.stop)
        yield first, second


def test_nodes_that_disagree_say_so(nodes: tuple[Portal, Portal]) -> None:
    first, second = nodes
    for portal, status in ((first, 200), (second, 503)):
        wait_for(lambda portal=portal: all(text in portal.log.read_text() for text in DIFFERING), 20)
        answer = requests.get(f"{portal.url}/ready", timeout=5)
        assert answer.status_code == status
        assert all(text in answer.json()["checks"]["secrets"] for text in DIFFERING)
    assert "key_unusable" not in first.log.read_text()

    def lines() -> list[str]:
        # The audit trail has a key of its own, of which is said when there is something to sign.
        whole = second.log.read_text().rpartition("\n")[0]
        return [line for line in whole.splitlines() if " key_unusable " in line]

    # Each of four keys, once by each of two workers.
    wait_for(lambda: len(lines()) >= 8, 20)
    assert len(lines()) == 8
    assert all("does not open: ENCRYPTION_KEYS lacks" in line for line in lines())
    assert "Traceback" not in first.log.read_text() + second.log.read_text()
    assert json.loads(first.flask("keys", "list", "--json"))[0]["opens"] is True
