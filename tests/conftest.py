"""Fixtures that everything shares; they only compose what servers.py, databases.py and chromium.py build."""

import os
from collections.abc import Generator, Iterator

import pytest
import redis
from playwright.sync_api import Browser, Page, sync_playwright

from tests.chromium import Windows, launched
from tests.servers import RedisServer, running, started

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In continuous integration a test that could not run is a failure."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report


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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The installed Chromium."""
    with sync_playwright() as playwright:
        yield from started(launched(playwright))


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
