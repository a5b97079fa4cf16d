"""Google, Kakao, Naver, Discord and Acme for a test: real HTTP on loopback, in threads of this process.

    with Providers(portal="http://localhost:8000") as providers:
        app = make_app(**providers.environment)
        callback = providers.google.visit(where_the_portal_sends_one, person="kim")
        providers.google.switch("hang")
        providers.google.awaited("token").parameters

What a switch can be is in ``examples/providers/switches.py``, who the people are in ``examples/providers/people.py``.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from examples.providers import providers as stand_ins
from examples.providers.browser import NotSentBack
from examples.providers.seen import masked
from tests.databases import PostgresDatabases, SqliteDatabases, running_portal
from tests.portal import Portal
from tests.servers import free_port

__all__ = [
    "NOBODY_THERE",
    "NotSentBack",
    "Providers",
    "masked",
    "portal_beside_providers",
    "providers",
    "shared_providers",
]
NOBODY_THERE = {
    "GOOGLE_CLIENT_ID": "x",
    "GOOGLE_CLIENT_SECRET": "x",
    "KAKAO_REST_API_KEY": "x",
    "KAKAO_CLIENT_SECRET": "x",
    "NAVER_CLIENT_ID": "x",
    "NAVER_CLIENT_SECRET": "x",
    "DISCORD_CLIENT_ID": "x",
    "DISCORD_CLIENT_SECRET": "x",
    "OIDC_PROVIDERS": "acme",
    "OIDC_ACME_ISSUER": "https://id.acme.example",
    "OIDC_ACME_CLIENT_ID": "x",
    "OIDC_ACME_CLIENT_SECRET": "x",
    "OIDC_ACME_NAME": "Acme ID",
}
"""The settings of a portal that shows all of them and asks none."""


class Providers(stand_ins.Providers):
    """On ports that stay free while a provider is down for a while."""

    def __init__(self, portal: str = stand_ins.PORTAL) -> None:
        super().__init__(portal, free_port)


@contextmanager
def portal_beside_providers(
    databases: SqliteDatabases | PostgresDatabases, redis_url: str = "", **changes: str
) -> Iterator[tuple[Portal, Providers]]:
    """As :func:`running_portal`, with providers that send people back to it."""
    port = free_port()
    with (
        Providers(f"http://localhost:{port}") as started,
        running_portal(databases, redis_url, PORT=str(port), **started.environment, **changes) as portal,
    ):
        yield portal, started


@pytest.fixture(scope="session")
def shared_providers() -> Iterator[Providers]:
    """Those that most tests share; they send people back to http://localhost:8000, the portal inside a test."""
    with Providers() as started:
        yield started


@pytest.fixture
def providers(shared_providers: Providers) -> Iterator[Providers]:
    """As new, whatever the last test did to them. Import both fixtures into the ``conftest.py`` of a room."""
    yield shared_providers
    for provider in shared_providers.all.values():
        provider.reset()
        provider.start()
