"""What a request costs inside: statements and a profile of each workload, in this process on SQLite.

``python -m benchmarks.inside`` counts the statements; ``python -m benchmarks.inside c`` profiles that workload as well.
"""

import cProfile
import pstats
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask_migrate
import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.settings import Settings
from benchmarks.workloads import NAMES
from tests.portal import close
from tests.relying_party import RelyingParty, add_client, add_person, log_in

REPEATS = 300


def main() -> None:
    """Count, and profile what was asked for."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as directory:
        url = f"sqlite:///{directory}/portal.db"
        app = create_app(Settings.for_testing(Path(directory), url, RATE_LIMIT_ENABLED="false", LOG_LEVEL="WARNING"))
        with app.app_context():
            flask_migrate.upgrade()
        assert app.test_cli_runner().invoke(args=["seed"]).exit_code == 0
        said = listen(app)
        for letter, work in workloads(app).items():
            work()
            said.clear()
            work()
            print(f"{letter}  {NAMES[letter]:32} {len(said):2} statements: {', '.join(said)}")
            if letter in sys.argv[1:]:
                profile(work)
        close(app)


def workloads(app: Flask) -> dict[str, Callable[[], object]]:
    """The workloads of :mod:`benchmarks.workloads` through Flask's test client."""
    add_person(app)
    grants = ["authorization_code", "refresh_token", "client_credentials"]
    secret = add_client(app, "bench", is_confidential=True, grants=grants)
    browser = app.test_client()
    log_in(browser)
    client = RelyingParty(browser, "bench", secret)
    tokens = client.tokens()
    chain = [tokens["refresh_token"]]

    def rotate() -> None:
        chain[0] = client.refresh(chain[0]).json["refresh_token"]

    return {
        "a": lambda: client.token(grant_type="client_credentials", scope="read:groups"),
        "b": lambda: client.userinfo(tokens["access_token"]),
        "c": rotate,
        "d": lambda: client.tokens(prompt="none"),
        "e": lambda: browser.get("/.well-known/openid-configuration"),
    }


def listen(app: Flask) -> list[str]:
    """The first words of every statement from now on, in order."""
    said: list[str] = []

    def note(statement: str) -> None:
        if not statement.startswith("PRAGMA"):
            said.append(" ".join(statement.split()[: 3 if statement.startswith(("INSERT", "DELETE")) else 2])[:40])

    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine

        @sa.event.listens_for(engine, "checkout")
        def trace(raw: Any, *_: object) -> None:
            assert isinstance(raw, sqlite3.Connection)
            raw.set_trace_callback(note)

    return said


def profile(work: Callable[[], object]) -> None:
    """Where the time goes, most expensive first."""
    profiler = cProfile.Profile()
    with profiler:
        for _ in range(REPEATS):
            work()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
