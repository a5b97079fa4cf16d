"""The self-check run from its page: one at a time, to its end, and what is told of it afterwards."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.admin.system import running
from app.models import SelfcheckReport
from app.selfcheck.run import INSIDE, PROBES
from app.services.foundation.environment import NOBODY, Caller
from app.services.foundation.powers import CLIENTS, SYSTEM
from app.services.upkeep.selfchecks import MOST_KEPT
from tests.account.browsing import send, shown
from tests.admin.offices import administrator
from tests.clock import Clock
from tests.selfcheck.faulty import in_process

PAGE, NEW = "/admin/self-check", "/admin/self-check/new"
REPORT = re.compile(r"/admin/self-check/[0-9a-f-]{36}")
UNHURRIED = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_DEFAULT": "100000/minute"}


class AtOnce:
    """A thread that has run when it was started."""

    def __init__(self, target: Callable[..., None], args: tuple[Any, ...], **_: object) -> None:
        self.target, self.args = target, args

    def start(self) -> None:
        """Run it."""
        self.target(*self.args)


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    """A portal on each engine."""
    return make_app(open_database(request.param, "seeded"), **UNHURRIED)


@pytest.fixture
def threads(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Runs end before the page that begins them answers; what they ask for."""
    monkeypatch.setattr(running, "Thread", AtOnce)
    with in_process(app, monkeypatch) as asked:
        yield asked


def rows(app: Flask) -> list[Any]:
    """Reports as they are kept, the first one first."""
    with app.app_context():
        table = SelfcheckReport.__table__
        return list(app.extensions["services"].db.session.execute(sa.select(table).order_by(table.c.began_at)))


def begin(office: FlaskClient, way: str) -> Any:
    """The form by which a run begins."""
    return send(office, NEW, NEW, way=way)


def test_a_run_tries_everything_and_its_report_says_so(
    app: Flask, threads: list[str], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = administrator(app, SYSTEM)
    assert "No self-check was run yet" in shown(office.get(PAGE))
    assert "Never run" in shown(office.get("/admin"))
    assert begin(office, "public").headers["Location"] == PAGE
    (first,) = rows(app)
    assert [each["name"] for each in first.found] == [probe.name for probe in PROBES]
    assert (first.slot, first.problem, first.address) == (None, "", app.extensions["services"].settings.issuer)
    assert "/api/oauth/authorize" in threads
    page = shown(office.get(PAGE))
    passed = sum(each["outcome"] == "passed" for each in first.found)
    tested = sum(each["outcome"] != "not_tested" for each in first.found)
    assert f"{passed} of {tested} held" in page
    assert "office@example.com" in page
    assert "Not tested" in page
    home = office.get("/admin")
    assert f"{passed} of {tested} held" in shown(home)
    assert first.id in home.text

    clock.advance(minutes=1)
    monkeypatch.setattr(app.extensions["services"].keys, "missing", lambda: ["ES256"])
    assert begin(office, "public").status_code == 303
    page = office.get(f"{PAGE}/{rows(app)[1].id}").text
    assert "finding-failed" in page
    changed = page.partition('id="changes"')[2].partition("</section>")[0]
    assert changed.count("<li>") == 1
    assert "Signing keys can sign" in changed
    assert REPORT.findall(changed) == [f"{PAGE}/{first.id}"]
    assert "1 did not hold" in shown(office.get("/admin"))


def test_what_is_read_from_inside_asks_nobody(app: Flask, threads: list[str]) -> None:
    office = administrator(app, SYSTEM)
    assert begin(office, "inside").status_code == 303
    assert {each["name"] for each in rows(app)[0].found} == INSIDE
    assert threads == []
    assert "Never run" in shown(office.get("/admin"))


@pytest.mark.parametrize("way", ["http://169.254.169.254", "http://localhost:9", "", "PUBLIC"])
def test_no_other_address_can_be_named(app: Flask, threads: list[str], way: str) -> None:
    office = administrator(app, SYSTEM)
    assert begin(office, way).status_code == 400
    assert send(office, NEW, NEW, way="nowhere", address="http://169.254.169.254").status_code == 400
    assert (threads, rows(app)) == ([], [])


def test_one_runs_at_a_time_and_a_stopped_one_is_shown_as_that(app: Flask, clock: Clock) -> None:
    office = administrator(app, SYSTEM)
    services = app.extensions["services"]
    with app.app_context():
        under_way = services.selfchecks.begin("http://localhost:8000", 3, NOBODY)
        services.db.session.commit()
    page = office.get(PAGE)
    assert "0 of 3 tried" in shown(page)
    assert int(page.headers["Refresh"]) > 0
    refused = begin(office, "inside")
    assert refused.status_code == 400
    assert "A self-check is running already." in refused.text
    assert send(office, f"{PAGE}/stop", PAGE).status_code == 303
    with app.app_context():
        assert not services.selfchecks.note(under_way, [])
        services.db.session.commit()
    page = office.get(PAGE)
    assert "This run was stopped." in shown(page)
    assert "Refresh" not in page.headers
    clock.advance(seconds=1)
    assert begin(office, "inside").status_code == 303


def test_a_run_ends_with_its_process_or_after_a_while(app: Flask, clock: Clock) -> None:
    office = administrator(app, SYSTEM)
    services = app.extensions["services"]
    with app.app_context():
        services.selfchecks.begin("http://localhost:8000", 3, NOBODY)
        services.db.session.commit()
    clock.advance(minutes=6)
    assert "Not finished" in shown(office.get(PAGE))
    with app.app_context():
        late = services.selfchecks.begin("http://localhost:8000", 3, NOBODY)
        for goes_on in (True, True, False):
            clock.advance(minutes=4)
            assert services.selfchecks.note(late, []) is goes_on
        services.db.session.commit()
    assert {row.problem for row in rows(app)} == {"left", "late"}


def test_the_last_reports_are_kept_and_a_person_who_goes_takes_the_name(app: Flask, clock: Clock) -> None:
    services = app.extensions["services"]
    office = administrator(app, SYSTEM)
    with app.app_context():
        who = services.accounts.find("office@example.com").id
        for _ in range(MOST_KEPT + 2):
            clock.advance(minutes=1)
            services.selfchecks.end(services.selfchecks.begin("", 0, Caller(user_id=who)))
        services.selfchecks.keep("http://localhost:8000", [], clock())
        services.db.session.commit()
    assert len(rows(app)) == MOST_KEPT
    page = shown(office.get(PAGE))
    assert "A command" in page
    with app.app_context():
        services.deletions.delete(who, NOBODY)
    assert {row.begun_by for row in rows(app)} == {None}
    assert "Somebody whose account is gone" in shown(administrator(app, SYSTEM, email="other@example.com").get(PAGE))


def test_others_get_nothing(app: Flask) -> None:
    office = administrator(app, CLIENTS)
    for path in (PAGE, NEW, f"{PAGE}/00000000-0000-0000-0000-000000000000"):
        assert office.get(path).status_code == 403
    assert "Self-check" not in shown(office.get("/admin"))
    gone = administrator(app, SYSTEM, email="system@example.com")
    assert gone.get(f"{PAGE}/00000000-0000-0000-0000-000000000000").status_code == 404
