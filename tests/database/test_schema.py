"""Code and schema of different ages: each case is said in one line, and who is rolled back goes on where that works."""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import Flask

from app.database.schema import MIGRATIONS, Age, fit, known
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, csrf_token, log_in
from tests.servers import PROJECT_ROOT, owner_of, unrestricted
from tests.warm import Command

HEAD, ALL = known()
LATER = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{revision}", "{down}", None, None
{statement}


def upgrade() -> None:
    op.add_column("clients", sa.Column("later_{revision}", sa.String(10), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("clients", "later_{revision}")
"""
MakeApp = Callable[..., Flask]
# Before revisions said it; what is missing means none.
UNSAID = {f"{number:04}" for number in range(1, 7)}


@pytest.mark.parametrize(
    ("found", "demands", "age", "is_usable"),
    [
        (None, {}, Age.EMPTY, False),
        ("0001", {}, Age.OLDER, False),
        (HEAD, {}, Age.SAME, True),
        ("9001", {}, Age.NEWER, False),
        ("9001", {"9001": "0003"}, Age.NEWER, True),
        ("9001", {"9001": HEAD}, Age.NEWER, True),
        ("9001", {"9001": "9001"}, Age.NEWER, False),
        ("9002", {"9001": "0003", "9002": "9001"}, Age.NEWER, False),
        ("9002", {"9001": "9001", "9002": "0003"}, Age.NEWER, False),
        ("9002", {"9001": "0003", "9002": HEAD, "0005": "0005"}, Age.NEWER, True),
        ("9002", {"9001": "0003"}, Age.NEWER, False),
    ],
)
def test_what_works_with_what(found: str | None, demands: dict[str, str], age: Age, is_usable: bool) -> None:
    result = fit(found, demands)
    assert (result.age, result.is_usable) == (age, is_usable)
    assert "\n" not in result.sentence


def test_every_migration_says_which_older_code_works_with_it() -> None:
    for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions():
        oldest = getattr(script.module, "oldest_code", None)
        assert script.revision in UNSAID or oldest in ALL, script.revision
    assert "oldest_code: str = ${repr(up_revision)}" in (MIGRATIONS / "script.py.mako").read_text()


def test_what_alembic_finds_is_known_without_it() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert (scripts.get_current_head(), {script.revision for script in scripts.walk_revisions()}) == known()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each of the two."""
    return str(request.param)


def migrated_by_later_code(app: Flask, directory: Path, *oldest: str | None) -> None:
    """Have code that is newer, by as many revisions as say what ``oldest`` does, migrate the database."""
    shutil.copytree(MIGRATIONS, directory, ignore=shutil.ignore_patterns("__pycache__"))
    down = HEAD
    for number, each in enumerate(oldest):
        revision = f"{9001 + number}"
        text = LATER.format(revision=revision, down=down, statement=f"oldest_code = {each!r}" if each else "")
        (directory / "versions" / f"{revision}_later.py").write_text(text)
        down = revision
    with app.app_context():
        flask_migrate.upgrade(directory=str(directory))


def said_at_start(app: Flask, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about the schema that a worker begins with."""
    caplog.clear()
    with caplog.at_level(logging.INFO):
        app.extensions["background"].start()
        app.extensions["background"].stop()
    return [vars(line)["reason"] for line in caplog.records if line.getMessage() == "schema_differs"]


def asked(app: Flask) -> tuple[int, str, str]:
    """Readiness: the status, what it calls it, and what it says of the schema."""
    answer = app.test_client().get("/ready")
    found: Any = answer.json
    return answer.status_code, found["status"], found["checks"]["schema"]


def upgraded(app: Flask) -> tuple[int, list[str]]:
    """How ``db upgrade`` ends, and the lines it prints."""
    done = app.test_cli_runner().invoke(args=["db", "upgrade"])
    return done.exit_code, done.output.strip().splitlines()


def assert_no_500(app: Flask) -> None:
    """Whatever is asked, nothing breaks."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    browser = app.test_client()
    assert browser.get("/health").status_code == 200
    for path in ("/", "/login", "/register", "/account", "/api/v1/auth/me", "/api/oauth/authorize?client_id=web"):
        assert browser.get(path).status_code < 500 or browser.get(path).status_code == 503, path
    form = {"client_id": "web", "grant_type": "refresh_token", "refresh_token": "A" * 64, "token": "A" * 64}
    for path in ("token", "introspect", "revoke"):
        assert browser.post(f"/api/oauth/{path}", data=form).status_code == 503, path
    answer = browser.post("/api/v1/auth/login", json={"email": EMAIL, "password": "wrong"})
    assert answer.status_code in {401, 503}


def test_an_empty_database(
    make_app: MakeApp, open_database: Callable[..., str], engine: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(open_database(engine, "bare"))
    line = "The database holds no schema of the portal: run «flask --app wsgi db upgrade»."
    assert asked(app) == (503, "unavailable", line)
    assert said_at_start(app, caplog) == [line]
    assert_no_500(app)
    for command in (["seed"], ["users", "list"], ["keys", "rotate"]):
        done = app.test_cli_runner().invoke(args=command)
        assert (done.exit_code, done.output) == (1, f"Error: {line}\n")
    assert upgraded(app) == (0, [f"Migrated. The schema is revision {HEAD}."])
    assert app.test_cli_runner().invoke(args=["seed"]).exit_code == 0
    assert asked(app) == (200, "ready", "ok")
    assert said_at_start(app, caplog) == []


def test_a_schema_that_is_older(
    make_app: MakeApp, open_database: Callable[..., str], engine: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(open_database(engine))
    with app.app_context():
        flask_migrate.downgrade(revision="0003")
    line = f"The schema is revision 0003 and this code needs {HEAD}: run «flask --app wsgi db upgrade»."
    assert asked(app) == (503, "unavailable", line)
    assert said_at_start(app, caplog) == [line]
    assert_no_500(app)
    assert upgraded(app) == (0, [f"Migrated. The schema is revision {HEAD}."])
    assert asked(app) == (200, "ready", "ok")
    assert upgraded(app) == (0, [f"The schema is revision {HEAD}. There is nothing to migrate."])


def test_a_schema_that_is_newer_and_works(
    make_app: MakeApp,
    open_database: Callable[..., str],
    engine: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app(open_database(engine))
    add_person(app)
    migrated_by_later_code(app, tmp_path / "later", "0004", HEAD)
    line = f"The schema is revision 9002, newer than this code's {HEAD}, which works with it."
    assert asked(app) == (200, "ready", "ok")
    assert said_at_start(app, caplog) == [line]
    assert upgraded(app) == (0, [f"{line} There is nothing to migrate."])
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    assert RelyingParty(browser, "web", add_client(app, "web", is_confidential=True)).tokens()["access_token"]
    # The later code may be undone as well, and is then not remembered.
    with app.app_context():
        flask_migrate.downgrade(directory=str(tmp_path / "later"), revision=HEAD)
    assert upgraded(app) == (0, [f"The schema is revision {HEAD}. There is nothing to migrate."])


@pytest.mark.parametrize("oldest", [("9001",), ("0004", "9001"), ("9001", "0004"), (None,), ("0004", None)])
def test_a_schema_that_is_newer_and_does_not_work(
    make_app: MakeApp, open_database: Callable[..., str], engine: str, tmp_path: Path, oldest: tuple[str | None, ...]
) -> None:
    app = make_app(open_database(engine))
    migrated_by_later_code(app, tmp_path / "later", *oldest)
    found = f"{9000 + len(oldest)}"
    line = (
        f"The schema is revision {found}, newer than this code's {HEAD}, which does not work with it: run newer code."
    )
    assert asked(app) == (503, "unavailable", line)
    assert upgraded(app) == (1, [f"Error: {line}"])


def test_what_is_kept_of_migrations_is_no_difference_to_the_models(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app()
    migrated_by_later_code(app, tmp_path / "later", "0004")
    with app.app_context():
        flask_migrate.downgrade(directory=str(tmp_path / "later"), revision=HEAD)
        flask_migrate.check()


@pytest.mark.parametrize("schema", ["", "portal_dev"])
def test_four_that_migrate_and_seed_at_once_do_it_once(
    open_database: Callable[..., str], instance: Path, engine: str, schema: str
) -> None:
    if schema and engine == "sqlite":
        return
    environment = {
        "PATH": os.environ["PATH"],
        "INSTANCE_PATH": str(instance),
        "DATABASE_URL": (url := open_database(engine, "bare")),
        "DATABASE_OWNER_URL": owner_of(url),
        "DB_SCHEMA": schema,
    }

    def four_at_once(*words: str) -> list[str]:
        four = [Command(["flask", "--app", "wsgi", *words], environment, PROJECT_ROOT) for _ in range(4)]
        done = [each.completed(120) for each in four]
        assert [each.returncode for each in done] == [0] * 4, done
        assert not [each for each in done if "Traceback" in each.stderr or "ERROR" in each.stderr]
        return [each.stdout for each in done]

    assert all(f"The schema is revision {HEAD}." in said for said in four_at_once("db", "upgrade"))
    seeded = four_at_once("seed")
    assert sum("These credentials were generated" in said for said in seeded) == 1
    assert sum("Everything is there already." in said for said in seeded) == 3


MEETS = """
from alembic import op
import sqlalchemy as sa

revision, down_revision, branch_labels, depends_on = "9001", "{down}", None, None


def upgrade() -> None:
    op.add_column("clients", sa.Column("later", sa.String(10)))
    op.add_column("users", sa.Column("later", sa.String(10)))


def downgrade() -> None:
    op.drop_column("users", "later")
    op.drop_column("clients", "later")
"""


@pytest.mark.parametrize("times", [1, 5])
def test_who_migrates_beside_requests_that_lock_the_other_way_round_begins_anew(
    open_database: Callable[..., str],
    make_app: MakeApp,
    tmp_path: Path,
    times: int,
) -> None:
    """A request that read one table and goes on to the other; the server ends the wait of whoever waited longest."""
    url = open_database("postgresql", "seeded")
    app, later = make_app(url), tmp_path / "later"
    shutil.copytree(MIGRATIONS, later, ignore=shutil.ignore_patterns("__pycache__"))
    (later / "versions" / "9001_later.py").write_text(MEETS.format(down=HEAD))
    plain = sa.make_url(unrestricted(url)).set(drivername="postgresql").render_as_string(hide_password=False)
    locked = "SELECT count(*) FROM pg_locks WHERE relation = 'clients'::regclass AND mode = 'AccessExclusiveLock'"
    begun, over = threading.Event(), threading.Event()

    def requests() -> None:
        with ExitStack() as open_until_the_end, psycopg.connect(plain, autocommit=True) as watcher:
            waiting = [open_until_the_end.enter_context(psycopg.connect(plain)) for _ in range(times)]
            for reader in waiting:  # each holds the one table before the first of them goes on
                reader.execute("SET LOCAL deadlock_timeout = '60s'")
                reader.execute("SELECT count(*) FROM users")
            begun.set()
            for reader in waiting:
                while watcher.execute(locked).fetchone() == (0,) and not over.wait(0.01):
                    pass
                reader.execute("SELECT count(*) FROM clients")
                reader.rollback()

    meeting = threading.Thread(target=requests)
    meeting.start()
    try:
        assert begun.wait(30)
        with app.app_context():
            if times < 5:
                flask_migrate.upgrade(directory=str(later))
                assert app.extensions["services"].db.schema_fit().age is Age.NEWER
            else:
                with pytest.raises(sa.exc.OperationalError, match="deadlock"):
                    flask_migrate.upgrade(directory=str(later))
                assert app.extensions["services"].db.schema_fit().age is Age.SAME
    finally:
        over.set()
        meeting.join()


@pytest.fixture
def humble(open_database: Callable[..., str], make_app: MakeApp) -> Iterator[tuple[str, str]]:
    """The URL of a schema that somebody else has made, for a role that may read and write its rows; and its name."""
    owners = open_database("postgresql", "bare")
    app = make_app(owners, DB_SCHEMA="portal")
    with app.app_context():
        flask_migrate.upgrade()
    assert app.test_cli_runner().invoke(args=["seed"]).exit_code == 0
    url = sa.make_url(owners)
    role = f"humble_{url.database}"
    with psycopg.connect(unrestricted(owners).replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN")
        owner.execute(f"REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA portal TO {role}")
        owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA portal TO {role}")
        yield url.set(username=role).render_as_string(), "portal"
        owner.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_role_that_may_only_read_and_write_suffices(make_app: MakeApp, humble: tuple[str, str]) -> None:
    url, schema = humble
    app = make_app(url, DB_SCHEMA=schema)
    assert upgraded(app) == (0, [f"The schema is revision {HEAD}. There is nothing to migrate."])
    assert app.test_cli_runner().invoke(args=["seed"]).output == "Everything is there already.\n"
    assert asked(app) == (200, "ready", "ok")
    add_person(app)
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    web = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))
    assert web.refresh(web.tokens()["refresh_token"]).status_code == 200
    assert browser.post("/logout", data={"csrf_token": csrf_token(browser, "/account")}).status_code in {200, 303}
    for command in (["tokens", "cleanup"], ["keys", "rotate"], ["users", "list"]):
        assert app.test_cli_runner().invoke(args=command).exit_code == 0, command


def test_what_the_role_lacks_is_said_in_one_line(make_app: MakeApp, humble: tuple[str, str]) -> None:
    app = make_app(humble[0], DB_SCHEMA="another")
    status, lines = upgraded(app)
    assert (status, len(lines)) == (1, 1)
    assert lines[0].startswith("Error: The database cannot be used: permission denied for database")
    assert asked(app)[0] == 503
