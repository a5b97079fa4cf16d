"""The tests, the measurements and the portal do not depend on what a machine happens to have."""

import os
import subprocess
import sys

import pytest

from tests.machine import OURS
from tests.servers import PROJECT_ROOT, free_port, unrestricted

HOSTILE = {
    "LC_ALL": "xx_YY.ISO-8859-1",
    "LANGUAGE": "tlh",
    "TZ": "Pacific/Nowhere",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "PGSSLMODE": "require",
    "PGOPTIONS": "-c default_transaction_read_only=on",
    "DATABASE_URL": "sqlite:////nowhere/portal.db",
    "APP_ENV": "production",
    "FLASK_DEBUG": "1",
}
NO_ZONES = {"PYTHONTZPATH": ""}


def run(program: str, environment: dict[str, str], limit: str = "") -> str:
    """What a program says that is run at the root of the project with this environment and nothing else."""
    command = ["bash", "-c", f'{limit} exec "$@"', "bash", sys.executable, "-c", program]
    environment = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run(command, env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nothing_of_the_environment_decides_how_tests_run() -> None:
    said = run("import tests, os; print(sorted(set(os.environ) - {'LC_CTYPE'}))", {**HOSTILE, "CI": "true"})
    assert said == str(sorted({"PATH", "CI", *OURS}))


def test_a_portal_of_the_tests_is_reached_past_a_proxy_and_speaks_to_its_own_database(database_url: str) -> None:
    program = f"""
import tests, sqlalchemy as sa
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
import requests
with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
    Thread(target=server.handle_request).start()
    print(requests.get(f"http://localhost:{{server.server_port}}/", timeout=5).status_code)
with sa.create_engine({unrestricted(database_url)!r}).begin() as connection:
    connection.execute(sa.text("CREATE TABLE written (id INTEGER)"))
"""
    assert run(program, HOSTILE) == "501"


def test_a_low_limit_of_open_files_is_raised_as_far_as_the_system_allows() -> None:
    said = run(
        "import tests, resource as r; print(*r.getrlimit(r.RLIMIT_NOFILE))", {}, "ulimit -Sn 256; ulimit -Hn 1500;"
    )
    assert said == "1500 1500"


@pytest.mark.parametrize("environment", [NO_ZONES, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_the_portal_needs_neither_the_systems_zones_nor_its_locale(environment: dict[str, str]) -> None:
    program = """
from babel.dates import get_timezone
from app.services.people.profiles import available_timezones
from app.settings import Settings
assert {"Asia/Seoul", "Europe/Berlin"} <= available_timezones()
assert get_timezone("Asia/Seoul") is not None
import app.wiring
"""
    assert run(program, environment) == ""


def test_ports_are_given_out_once() -> None:
    given = [free_port() for _ in range(200)]
    assert len(set(given)) == len(given)
