"""DATABASE_URL as people have it: what is read, what is refused in one line, and that no part of it is repeated."""

import os
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest
import sqlalchemy as sa

from app.settings import ConfigurationError, Settings
from app.settings.database_urls import database_url
from tests.servers import PROJECT_ROOT, free_port
from tests.warm import Command

SECRET = "hun.ter2"


def arguments(url: str) -> dict[str, object]:
    """What the driver is called with."""
    read = sa.make_url(database_url(url))
    (_, named) = sa.create_engine(read).dialect.create_connect_args(read)
    return {name: value for name, value in named.items() if name != "context"}


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "POSTGRESQL"])
@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("u:p@h:5433/db", {"user": "u", "password": "p", "host": "h", "port": 5433, "dbname": "db"}),
        ("h/db", {"host": "h", "dbname": "db"}),
        ("u:p%40%2F%25@h/db", {"user": "u", "password": "p@/%", "host": "h", "dbname": "db"}),
        ("u:p/:#?[]%&=+ !@h/db", {"user": "u", "password": "p/:#?[]%&=+ !", "host": "h", "dbname": "db"}),
        ("u%40x:p@h/d%20b", {"user": "u@x", "password": "p", "host": "h", "dbname": "d b"}),
        ("u:p@[::1]:5433/db", {"user": "u", "password": "p", "host": "::1", "port": 5433, "dbname": "db"}),
        ("u:p@a:1,b:2/db", {"user": "u", "password": "p", "host": "a,b", "port": "1,2", "dbname": "db"}),
        ("u@a,b/db", {"user": "u", "host": "a,b", "port": "5432,5432", "dbname": "db"}),
        ("u@a:1,b/db", {"user": "u", "host": "a,b", "port": "1,5432", "dbname": "db"}),
        ("[::1]:1,[::2]:2/db", {"host": "::1,::2", "port": "1,2", "dbname": "db"}),
        ("u@/db?host=a:1&host=b:2", {"user": "u", "host": "a,b", "port": "1,2", "dbname": "db"}),
        ("/db?host=a,b&port=5", {"host": "a,b", "port": "5,5", "dbname": "db"}),
        ("/db?host=/run/postgresql", {"host": "/run/postgresql", "port": "5432", "dbname": "db"}),
        ("/db?host=/run/postgresql&port=5433", {"host": "/run/postgresql", "port": "5433", "dbname": "db"}),
        ("u@%2Frun%2Fpostgresql:5433/db", {"user": "u", "host": "/run/postgresql", "port": "5433", "dbname": "db"}),
        ("h/db?sslmode=verify-full", {"host": "h", "dbname": "db", "sslmode": "verify-full"}),
        ("h/db?ssl=true", {"host": "h", "dbname": "db", "sslmode": "require"}),
        ("h/db?options=-c%20work_mem%3D1MB", {"host": "h", "dbname": "db", "options": "-c work_mem=1MB"}),
        ("h/db?user=u@x&password=p", {"user": "u@x", "password": "p", "host": "h", "dbname": "db"}),
        (
            "a,b/db?target_session_attrs=read-write&connect_timeout=9",
            {
                "host": "a,b",
                "port": "5432,5432",
                "dbname": "db",
                "target_session_attrs": "read-write",
                "connect_timeout": "9",
            },
        ),
    ],
)
def test_forms_that_are_read(scheme: str, rest: str, expected: dict[str, object]) -> None:
    assert arguments(f"{scheme}://{rest}") == expected


@pytest.mark.parametrize("rest", ["u:p@a:1,b:2/db?target_session_attrs=any", "u@h:5433/d%20b?options=-cx%3Dy"])
def test_postgresql_itself_reads_the_same(rest: str) -> None:
    mine = {name: str(value) for name, value in arguments(f"postgresql://{rest}").items()}
    assert mine == psycopg.conninfo.conninfo_to_dict(f"postgresql://{rest}")


MISTYPED = [
    f"postgresql://u:{SECRET}:5432/db",
    f"postgresql://u:{SECRET}@h:54x2/db",
    f"postgresql://u:x{SECRET}/y:@h:99999/db",
    f"postgresql://u:a@{SECRET}@h/db",
    f"postgresql://u:{SECRET}@a@h/db",
    f"postgresql://u/{SECRET}@h/db",
    f"postgresql://h:5432/db?user=u&password={SECRET}@h",
    f"postgresql://u:{SECRET}",
    f"postgresql://u:{SECRET}@h/db?sslmode={SECRET}",
    f"postgresql://u:{SECRET}@h/db?sslmod=require",
    f"postgresql://u:{SECRET}@h/db?{SECRET}=1",
    f"postgresql://u:{SECRET}@h/db?connect_timeout={SECRET}",
    f"postgresql://u:{SECRET}@h/db?target_session_attrs=primry",
    f"postgresql://u:{SECRET}@a:1,b:2,c:x/db",
    f"postgresql://u:{SECRET}@a,b,c/db?port=1,2",
    f"postgresql://u:{SECRET}@a,,b/db",
    f"postgresql://u:{SECRET}@[::1/db",
    f"postgresql://u:{SECRET}@h\n/db",
    f"postgresql:/u:{SECRET}@h/db",
    f"postgresql+psycopg2://u:{SECRET}@h/db",
    f"mysql://u:{SECRET}@h/db",
    f"u:{SECRET}@h/db",
    "sqlite://",
    "sqlite:///",
    "sqlite:///:memory:",
    "sqlite:////var/lib/",
    "sqlite:portal.db",
]


@pytest.mark.parametrize("url", MISTYPED)
def test_a_mistyped_one_is_one_line_without_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment({"INSTANCE_PATH": str(tmp_path), "DATABASE_URL": url})
    (problem,) = refused.value.problems
    assert problem.startswith("DATABASE_URL ")
    assert SECRET not in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    "url", [f"postgresql://u:{SECRET}@h/db", f"postgresql://u@h/db?password={SECRET}&sslpassword={SECRET}"]
)
def test_it_is_shown_without_its_secrets(tmp_path: Path, url: str) -> None:
    settings = Settings.from_environment({"INSTANCE_PATH": str(tmp_path), "DATABASE_URL": url})
    (shown,) = [row.value for row in settings.rows() if row.variable == "DATABASE_URL"]
    assert SECRET not in shown
    assert "@h/db" in shown


def test_a_file_is_relative_to_the_instance_directory(tmp_path: Path) -> None:
    Settings.from_environment({"INSTANCE_PATH": str(tmp_path), "DATABASE_URL": "sqlite:///data/portal.db"})
    assert (tmp_path / "data").is_dir()
    (tmp_path / "plain").touch()
    with pytest.raises(ConfigurationError, match="plain cannot be written"):
        Settings.from_environment({"INSTANCE_PATH": str(tmp_path), "DATABASE_URL": "sqlite:///plain/portal.db"})


def started(command: tuple[str, ...], instance: Path, url: str) -> "CompletedProcess[str]":
    """A command of the portal as an operator runs it."""
    environment = {"PATH": os.environ["PATH"], "INSTANCE_PATH": str(instance), "DATABASE_URL": url}
    return Command(command, {**environment, "PORT": str(free_port())}, PROJECT_ROOT).completed()


SERVE = ("gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
COMMANDS = [("flask", "--app", "wsgi", *words) for words in (("config", "check"), ("db", "upgrade"), ("seed",))]


@pytest.mark.parametrize("command", [SERVE, *COMMANDS], ids=" ".join)
def test_every_start_says_it_in_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    run = started(command, tmp_path, f"postgresql://u:{SECRET}/x:y@h:54x2/db")
    assert run.returncode == 1
    (line,) = (run.stdout + run.stderr).strip().splitlines()
    assert line.startswith("DATABASE_URL has a host or port")
    assert SECRET not in line


@pytest.mark.parametrize("words", ["db upgrade", "db current", "seed", "users list", "keys list"])
def test_a_database_that_cannot_be_reached_is_one_line(tmp_path: Path, words: str) -> None:
    url = f"postgresql://u:{SECRET}@127.0.0.1:{free_port()},127.0.0.1:{free_port()}/db"
    run = started(("flask", "--app", "wsgi", *words.split()), tmp_path, url)
    assert run.returncode == 1
    (line,) = (run.stdout + run.stderr).strip().splitlines()
    assert line.startswith("Error: The database cannot be used: ")
    assert "refused" in line
    assert SECRET not in line


def test_a_password_in_the_place_of_a_host_is_not_repeated(tmp_path: Path) -> None:
    run = started(("flask", "--app", "wsgi", "db", "upgrade"), tmp_path, f"postgresql://u:{SECRET}@{SECRET}/db")
    assert (run.returncode, SECRET in run.stdout + run.stderr) == (1, False)


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "portal.db").write_text("This is a text, and long enough to be read as the head of a file." * 20)
    run = started(("flask", "--app", "wsgi", "users", "list"), tmp_path, "sqlite:///portal.db")
    assert run.returncode == 1
    (line,) = (run.stdout + run.stderr).strip().splitlines()
    assert line == "Error: The database cannot be used: file is not a database."
