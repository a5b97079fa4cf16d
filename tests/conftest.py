"""Fixtures that everything shares; they only compose what servers.py, databases.py and chromium.py build."""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from flask import Flask, appcontext_pushed
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from app import create_app
from app.database import ADMINISTRATION, enter
from app.settings import Settings
from tests.chromium import Windows, launched
from tests.clock import Clock
from tests.compiled import compile_once
from tests.databases import PostgresDatabases, SqliteDatabases, running_portal
from tests.mail.smtp_server import SmtpServer
from tests.portal import Portal, close
from tests.servers import PostgresCluster, RedisServer, owner_of, running, started

# Before anybody imports it: rooms beside that of the catalogue read answers by it as well.
pytest.register_assert_rewrite("tests.security.answers")
MEMORY = Path("/dev/shm")  # noqa: S108
ROOM = 1 << 30
THRESHOLDS = (20_000, 20, 20)
# Nothing that tests write outlives them: where there is room it stays in memory, and no commit waits for a disk.
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
compile_once()
# What the libraries and the tests themselves are is looked through a tenth as often, and nothing is kept longer for it.
gc.set_threshold(*THRESHOLDS)
KINDS = {
    "browser": "shows pages",
    **dict.fromkeys(("database", "delivery", "flows", "mail", "server", "stores"), "waits for processes and clocks"),
}
"""What most tests of a room spend their time with, if not with computing."""
LONG = (
    "browser/test_joining_pages.py",
    "browser/test_account_pages.py",
    "api/test_document.py",
    "security/test_every_route.py",
    "browser/test_looks.py",
    "browser/test_providers.py",
    "browser/test_coming_in.py",
    "examples/test_demo.py",
    "mail/test_portal.py",
)
"""Files that take minutes, the longest first: whoever began one near the end would end long after all others."""
TESTS = Path(__file__).parent
DEFAULT_ENGINE = os.environ.get("PYTEST_ENGINE", "sqlite")
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In continuous integration a test that could not run is a failure."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Of the project's own."""
    parser.addoption("--keep-looks", action="store_true", help="keep how pages look now, instead of comparing it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files of each kind over the whole run, so that there is work for every core until its end.

    The long ones are spread over its first half, the longest first.
    Those that measure time come last, together: mostly they wait, so that each finds the machine quiet.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    kinds: dict[str, list[Path]] = {}
    for path in files:
        rooms = path.relative_to(TESTS).parts[:-1] if path.is_relative_to(TESTS) else ()
        kind = next((KINDS[room] for room in rooms if room in KINDS), "computes")
        kinds.setdefault(kind, []).append(path)
    places = {path: place / len(kind) for kind in kinds.values() for place, path in enumerate(kind)}
    places |= {TESTS / name: place / len(LONG) / 2 for place, name in enumerate(LONG) if TESTS / name in files}
    places |= {path: places[path] + 1 for path, (first, *_) in files.items() if first.get_closest_marker("timed")}
    items[:] = [item for path in sorted(files, key=lambda path: places[path]) for item in files[path]]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as there are cores: tests wait for pages, servers and clocks half of their time."""
    return (os.cpu_count() or 1) * 2


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The Redis most tests share; a test that breaks one starts its own."""
    yield from started(running(RedisServer))


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """An empty Redis."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    """A mail server that takes everything until it is told otherwise."""
    server = SmtpServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    """Where fresh SQLite databases come from."""
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresDatabases]:
    """Where fresh PostgreSQL databases come from."""
    for cluster in started(running(PostgresCluster)):
        yield PostgresDatabases(tmp_path_factory.mktemp("postgresql"), cluster)


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """The instance directory of the portal under test, with the keys of the seeded database."""
    return tmp_path / "instance"


@pytest.fixture
def open_database(request: pytest.FixtureRequest, instance: Path) -> Iterator[Callable[..., str]]:
    """Makes the URL of a fresh database: ``open_database("postgresql", "empty")``; SQLite and seeded by default."""
    with ExitStack() as stack:

        def open_one(engine: str = DEFAULT_ENGINE, kind: str = "seeded") -> str:
            databases = request.getfixturevalue("postgres_databases" if engine == "postgresql" else "sqlite_databases")
            return str(stack.enter_context(databases.fresh(instance, kind)))

        yield open_one


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, open_database: Callable[..., str]) -> str:
    """A fresh seeded database; the test runs once on each engine."""
    return open_database(request.param)


@pytest.fixture
def postgresql_url(open_database: Callable[..., str]) -> str:
    """A fresh seeded database on PostgreSQL."""
    return open_database("postgresql")


@pytest.fixture
def clock() -> Clock:
    """The clock of ``app``."""
    return Clock()


@pytest.fixture
def make_app(instance: Path, open_database: Callable[..., str], clock: Clock) -> Iterator[Callable[..., Flask]]:
    """Builds a portal in this process, on seeded SQLite by default: ``make_app(url, RATE_LIMIT_ENABLED="true")``."""
    with ExitStack() as stack:

        def make(database_url: str = "", **environ: str) -> Flask:
            environ = {"RATE_LIMIT_ENABLED": "false", **environ}
            url = database_url or open_database()
            environ.setdefault("DATABASE_OWNER_URL", owner_of(url))
            app = create_app(Settings.for_testing(instance, url, **environ), clock)
            stack.callback(close, app)
            return app

        yield make


@appcontext_pushed.connect
def over_everything(_: Flask) -> None:
    """Tests that ask services themselves reach everybody's rows; what a request reaches it says itself."""
    enter(ADMINISTRATION)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A seeded portal on SQLite."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without script, inside this process."""
    return app.test_client()


@pytest.fixture(scope="module")
def live_portal(request: pytest.FixtureRequest) -> Iterator[Portal]:
    """A seeded portal under gunicorn, shared by a module; on SQLite, or indirectly on ``"postgresql+redis"``."""
    is_large = getattr(request, "param", "sqlite") == "postgresql+redis"
    databases = request.getfixturevalue("postgres_databases" if is_large else "sqlite_databases")
    with running_portal(databases, request.getfixturevalue("redis_server").url if is_large else "") as portal:
        yield portal


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives the browsers."""
    with sync_playwright() as started_playwright:
        yield started_playwright


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest, playwright: Playwright) -> Iterator[Browser]:
    """The installed Chromium, with the widest letters; indirectly with another set of ``tests/fonts``."""
    yield from started(launched(playwright, getattr(request, "param", "wide")))


@pytest.fixture
def windows(browser: Browser) -> Iterator[Windows]:
    """Opens watched pages; at the end none of them may have logged an unexpected error."""
    opened = Windows(browser)
    yield opened
    opened.close()
    assert opened.problems == []


@pytest.fixture
def page(windows: Windows) -> Page:
    """One watched page."""
    return windows.open()
