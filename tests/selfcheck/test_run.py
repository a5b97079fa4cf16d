"""A run: what a sane portal is told, what is on record of it, and that nothing of it remains."""

import json
import signal
import time
from collections.abc import Callable
from contextlib import closing

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import Base
from app.selfcheck import codes, visitor
from app.selfcheck.findings import Outcome
from app.selfcheck.run import PROBES, run
from app.selfcheck.visitor import Pace
from tests.clock import Clock
from tests.databases import running_portal
from tests.portal import Portal
from tests.relying_party import add_person, log_in
from tests.selfcheck.faulty import checked, in_process
from tests.servers import PROJECT_ROOT, unrestricted_engine
from tests.warm import Command

RECORD = {"oauth_audit_logs", "audit_seals", "audit_chain", "audit_checkpoints", "audit_keys"}
"""What is on record stays."""
NOT_OURS = {"known_secrets", "selfcheck_reports", "usage_hours"}
"""Written by whichever portal starts, the report itself, and figures of the whole portal by the hour."""
PATIENCE_SECONDS = 120
UNHURRIED = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_DEFAULT": "100000/minute"}


def counts(url: str) -> dict[str, int]:
    """How many rows there are in each table but the record."""
    engine = unrestricted_engine(url)
    tables = [table for name, table in Base.metadata.tables.items() if name not in RECORD | NOT_OURS]
    with engine.connect() as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in tables
        }


LENT = "SELECT count(*) FROM users WHERE email LIKE '%@selfcheck.invalid'"
LOGGED_IN = f"{LENT} AND id IN (SELECT user_id FROM user_sessions)"  # noqa: S608


def has_lent(url: str, question: str = LENT) -> bool:
    """Whether somebody is there who was made for a run."""
    with unrestricted_engine(url).connect() as connection:
        return bool(connection.execute(sa.text(question)).scalar_one())


def begun(portal: Portal) -> Command:
    """A run in a process of its own, as soon as its person has logged in."""
    command = Command(["flask", "--app", "wsgi", "selfcheck"], portal.environment, PROJECT_ROOT)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not has_lent(portal.environment["DATABASE_URL"], LOGGED_IN):
        assert time.monotonic() < deadline, command.completed(1)
        time.sleep(0.05)
    return command


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_sane_portal_passes_and_nothing_remains_however_a_run_ends(
    request: pytest.FixtureRequest, engine: str, make_app: Callable[..., Flask], clock: Clock
) -> None:
    databases = request.getfixturevalue("postgres_databases" if engine == "postgresql" else "sqlite_databases")
    with running_portal(databases, **UNHURRIED) as portal:
        url = portal.environment["DATABASE_URL"]
        before = counts(url)
        report = json.loads(portal.flask("selfcheck", "--json"))
        assert {each["name"] for each in report["findings"] if each["outcome"] == "failed"} == set()
        assert [each["name"] for each in report["findings"]] == [probe.name for probe in PROBES]
        assert report["tested"] > report["passed"] > 40
        assert all(each["seen"]["ko"] != each["seen"]["en"] for each in report["findings"])
        assert counts(url) == before

        command = begun(portal)
        command._process.send_signal(signal.SIGTERM)
        assert command.completed(PATIENCE_SECONDS).returncode == 128 + signal.SIGTERM
        assert counts(url) == before

        command = begun(portal)
        command._process.kill()
        command.completed(PATIENCE_SECONDS)
        assert has_lent(url)
        portal.stop()
        app = make_app(url, INSTANCE_PATH=str(portal.instance))
        with app.app_context():
            services = app.extensions["services"]
            services.throwaways.sweep()
            assert has_lent(url)
            clock.advance(hours=1)
            assert services.throwaways.sweep() == 3
            services.cleaning.run(pause=0)
        remains = counts(url)
        # The portal that was stopped had no time to clear away what expires by itself.
        assert {name: (remains[name], before[name]) for name in before if remains[name] > before[name]} == {}


@pytest.fixture
def portal(make_app: Callable[..., Flask]) -> Flask:
    """A portal in this process."""
    return make_app(**UNHURRIED)


def test_a_run_that_is_left_or_breaks_goes_on_and_leaves_nothing(
    portal: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = portal.extensions["services"].settings.storage.database_url
    before = counts(url)
    with in_process(portal, monkeypatch), portal.app_context():
        with closing(run(portal.extensions["services"], only={"issuer", "login", "code_replay"})) as findings:
            assert next(findings).outcome is Outcome.PASSED
            assert next(findings).outcome is Outcome.PASSED
            assert has_lent(url)
        assert counts(url) == before
    with monkeypatch.context() as patch:
        patch.setattr(codes, "tokens_of", lambda _: 1 / 0)
        with in_process(portal, patch):
            found = checked(portal, only={"code_replay", "code_client", "schema"})
    outcomes = {name: finding.outcome for name, finding in found.items()}
    assert outcomes == {
        "code_replay": Outcome.NOT_TESTED,
        "code_client": Outcome.PASSED,
        "schema": Outcome.PASSED,
    }
    assert counts(url) == before


def test_a_run_is_on_record_as_what_it_is_and_locks_nobody_out(portal: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    add_person(portal)
    with in_process(portal, monkeypatch) as asked:
        checked(portal, only={"login_limit"})
    assert asked.count("/login") > 6
    assert log_in(portal.test_client()).status_code == 303
    with portal.app_context():
        records = portal.extensions["services"].db.session.execute(
            sa.text("SELECT action, actor, client_id, details FROM oauth_audit_logs ORDER BY created_at, id")
        )
        ours = [row for row in records if row.actor == "selfcheck" or (row.client_id or "").startswith("selfcheck-")]
    actions = [row.action for row in ours]
    assert {"client:created", "client:deleted", "consent:granted", "selfcheck:run"} <= set(actions)
    (details,) = [row.details for row in ours if row.action == "selfcheck:run"]
    assert json.loads(details) == {"passed": 1, "tested": 1, "failed": "", "is_whole": False}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("http://127.0.0.1:1",), "does not answer"),
        (("http://127.0.0.1:1/path",), "has to be an origin"),
        (("ftp://example.com",), "has to be an origin"),
        (("--only", "nothing"), "There is no probe nothing"),
    ],
)
def test_what_cannot_run_exits_with_2_and_makes_nothing(app: Flask, arguments: tuple[str, ...], said: str) -> None:
    result = app.test_cli_runner().invoke(args=["selfcheck", *arguments])
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_what_failed_exits_with_1(portal: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    portal.config["TESTING"] = True
    monkeypatch.setattr(portal.extensions["services"].db, "role_weakness", lambda: "It may do everything.")
    monkeypatch.setattr("app.selfcheck.inside.PASSES_BY", "It may do everything.")
    result = portal.test_cli_runner().invoke(args=["selfcheck", "--only", "database_role", "--only", "store"])
    assert result.exit_code == 1
    assert "FAILED" in result.output
    assert "1 of 2 passed." in result.output


def test_a_run_keeps_to_its_share_of_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(visitor.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(visitor.time, "sleep", sleep)
    pace = Pace(2, 60)
    for path in ("/login", "/.well-known/jwks.json", "/api/oauth/token", "/login", "/login", "/login", "/login"):
        pace.wait(path)
    assert slept == [60.0, 60.0]


def test_every_sentence_a_probe_can_say_is_there_in_both_languages(app: Flask) -> None:
    catalogue = (PROJECT_ROOT / "translations/ko/LC_MESSAGES/messages.po").read_text()
    for probe in PROBES:
        assert f'msgid "{probe.title}"' in catalogue
        assert not probe.advice or probe.advice[:60].replace('"', '\\"') in catalogue
