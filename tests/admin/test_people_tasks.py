"""What administrators have done to many: chosen, foreseen, done a part at a time, told of; and files of people."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.server import uploads
from app.server.background import Background
from app.services.batches import batches
from app.services.foundation.environment import NOBODY
from tests.account.browsing import Facts, send, shown
from tests.admin.offices import administrator
from tests.clock import Clock
from tests.relying_party import PASSWORD, add_person, csrf_token, log_in

HASH = "$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm"
IMPORT = "/admin/people/import"


@pytest.fixture(params=["sqlite", "postgresql"])
def app(
    request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]
) -> Iterator[Flask]:
    """A portal whose parts are small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "AT_ONCE", {"selection": 2, "import": 100})
        yield make_app(open_database(request.param, "seeded"))


@pytest.fixture
def people(app: Flask) -> list[str]:
    """Five people."""
    return [add_person(app, f"p{number}@example.com") for number in range(5)]


def choose(office: FlaskClient, *ids: str, query: str = "", **fields: str) -> TestResponse:
    """Choose people in the list."""
    page = f"/admin/people{query}"
    form = {"csrf_token": csrf_token(office, page), "person": list(ids), **fields}
    return office.post(page, data=form)


def turn(app: Flask, times: int = 50) -> None:
    """What the background does of tasks, a part after the other."""
    with app.app_context():
        background = Background(app, [app.extensions["services"].batches])
        while times and background.deliver():
            times -= 1


def upload(office: FlaskClient, content: bytes, **fields: str) -> TestResponse:
    """Send a file of people."""
    form = {"csrf_token": csrf_token(office, IMPORT), "written": "csv", "file": (BytesIO(content), "people.csv")}
    return office.post(IMPORT, data={**form, **fields})


def table(*rows: str) -> bytes:
    return "\n".join(("email,name,password_hash", *rows)).encode()


def active(app: Flask) -> set[str]:
    return {row.email for row in Facts(app).all("SELECT email FROM users WHERE is_active AND email LIKE 'p%'")}


def report(office: FlaskClient, task: str) -> list[list[str]]:
    answer = office.get(f"{task}/report.csv")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))[1:]


def test_those_who_were_chosen_are_disabled_and_nobody_else(app: Flask, people: list[str]) -> None:
    office = administrator(app)
    send(office, f"/admin/people/{people[0]}/disable", "/admin/people")
    chosen = choose(office, *people[:3], people[0], "nonsense", "\0", "0" * 36)
    assert chosen.status_code == 303
    task = chosen.location
    foreseen = shown(office.get(f"{task}?deed=disable"))
    assert "It would be done to 2 people." in foreseen
    assert "1 person is left out: It is so already." in foreseen
    assert active(app) == {f"p{number}@example.com" for number in range(1, 5)}
    assert send(office, f"{task}?deed=disable", task).status_code == 303
    running = office.get(task)
    assert running.headers["Refresh"] == "3"
    assert "<progress" in running.text
    turn(app)
    done = office.get(task)
    assert "Refresh" not in done.headers
    assert active(app) == {"p3@example.com", "p4@example.com"}
    assert report(office, task) == [
        ["p0@example.com", "skipped", "It is so already."],
        ["p1@example.com", "done", ""],
        ["p2@example.com", "done", ""],
    ]
    # Once is enough.
    assert send(office, f"{task}?deed=enable", "/admin/people").status_code == 400
    assert log_in(app.test_client(), "p1@example.com").status_code == 401


@pytest.mark.parametrize(
    ("deed", "query"),
    [
        ("enable", ""),
        ("verify", ""),
        ("log-out", ""),
        ("reset", ""),
        ("plan", "&plan=pro"),
        ("place", "&group=Lab&role=member"),
    ],
)
def test_each_deed_does_what_it_says(app: Flask, people: list[str], deed: str, query: str) -> None:
    office, theirs = administrator(app), app.test_client()
    with app.app_context():
        services = app.extensions["services"]
        services.groups.create("Lab", "workspace", NOBODY)
        services.administration.disable(people[1])
        services.administration.vouch(people[0], is_verified=False)
        services.db.session.commit()
    log_in(theirs, "p0@example.com")
    task = choose(office, *people[:2]).location
    assert send(office, f"{task}?deed={deed}{query}", task).status_code == 303
    turn(app)
    results = {email: result for email, result, _ in report(office, task)}
    facts = Facts(app)
    if deed == "enable":
        assert results == {"p0@example.com": "skipped", "p1@example.com": "done"}
        assert "p1@example.com" in active(app)
    elif deed == "verify":
        assert results == {"p0@example.com": "done", "p1@example.com": "skipped"}
        assert facts.one("SELECT email_verified FROM users WHERE email = 'p0@example.com'")
    elif deed == "log-out":
        assert theirs.get("/account/profile").status_code == 303
    elif deed == "reset":
        assert results == {"p0@example.com": "done", "p1@example.com": "skipped"}
        assert facts.one("SELECT count(*) FROM deliveries WHERE kind = 'password_reset'") == 1
    elif deed == "plan":
        assert {row.plan for row in facts.all("SELECT plan FROM users WHERE email IN ('p0@example.com')")} == {"pro"}
    else:
        inside = "SELECT count(*) FROM memberships JOIN groups ON groups.id = group_id WHERE name = 'Lab'"
        assert facts.one(inside) == 2


def test_what_concerns_many_is_begun_only_by_who_proved_to_be_there(
    app: Flask, people: list[str], clock: Clock
) -> None:
    office = administrator(app)
    task = choose(office, *people).location
    clock.advance(minutes=20)
    led = send(office, f"{task}?deed=disable", task)
    assert (led.status_code, led.location.partition("?")[0]) == (303, "/confirm")
    turn(app)
    assert len(active(app)) == 5
    assert Facts(app).one("SELECT state FROM people_batches") == "ready"


def test_all_that_fit_the_filter_are_chosen_and_no_more_than_may_be(
    app: Flask, people: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office = administrator(app)
    task = choose(office, query="?q=p1", all="yes").location
    assert "1 person" in shown(office.get(task))
    monkeypatch.setattr(batches, "MOST_PEOPLE", 3)
    refused = choose(office, *people)
    assert refused.status_code == 400
    assert "More than 1,000 people fit." in refused.text
    none = choose(office)
    assert (none.status_code, "Choose at least one person." in none.text) == (400, True)


def test_a_task_goes_on_in_parts_and_stops_where_it_is_told_to(app: Flask, people: list[str]) -> None:
    office = administrator(app)
    task = choose(office, *people).location
    send(office, f"{task}?deed=disable", task)
    with app.app_context():
        services = app.extensions["services"]
        (due,) = services.outbox.claim(services.batches.kinds, 1)
        services.batches.prepare(due)
    assert len(active(app)) == 3
    assert "2 of 5" in shown(office.get(task))
    assert send(office, f"{task}/stop", task).status_code == 303
    turn(app)
    assert len(active(app)) == 3
    assert "Stopped" in shown(office.get("/admin/people/tasks"))


def test_a_part_that_is_done_again_does_nobody_a_second_time(app: Flask, people: list[str]) -> None:
    office = administrator(app)
    task = choose(office, *people[:2]).location
    send(office, f"{task}?deed=reset", task)
    with app.app_context():
        services = app.extensions["services"]
        (due,) = services.outbox.claim(services.batches.kinds, 1)
        services.batches.prepare(due)
        services.batches.prepare(due)
        services.db.session.commit()
    assert Facts(app).one("SELECT count(*) FROM deliveries WHERE kind = 'password_reset'") == 2


def test_a_task_is_its_administrators_own_and_ends_with_their_powers(app: Flask, people: list[str]) -> None:
    first = administrator(app, "admin:users", email="first@example.com")
    other = administrator(app)
    task = choose(first, *people).location
    for method, path in (("GET", task), ("GET", f"{task}/report.csv"), ("GET", f"{task}?deed=disable")):
        assert other.open(path, method=method).status_code == 404
    for path in (f"{task}?deed=disable", f"{task}/stop"):
        assert send(other, path, "/admin/people").status_code == 404
    send(first, f"{task}?deed=disable", task)
    who = Facts(app).one("SELECT id FROM users WHERE email = 'first@example.com'")
    with app.app_context():
        services = app.extensions["services"]
        services.administration.set_role(who, "member")
        services.db.session.commit()
    turn(app)
    assert len(active(app)) == 5
    assert Facts(app).one("SELECT state FROM people_batches") == "stopped"


def test_a_lesser_administrator_leaves_out_who_administers_and_gives_no_powers(app: Flask, people: list[str]) -> None:
    boss = add_person(app, "boss@example.com", is_admin=True)
    office = administrator(app, "admin:users", email="lesser@example.com")
    own = Facts(app).one("SELECT id FROM users WHERE email = 'lesser@example.com'")
    task = choose(office, people[0], boss, own).location
    foreseen = shown(office.get(f"{task}?deed=disable"))
    assert "It would be done to 1 person." in foreseen
    assert "2 people are left out: This person administers the portal" in foreseen
    assert office.get(f"{task}?deed=place&group=MAX&role=admin").status_code == 403
    assert send(office, f"{task}?deed=place&group=MAX&role=role-lesser", task).status_code == 403
    send(office, f"{task}?deed=log-out", task)
    turn(app)
    assert office.get("/admin/people").status_code == 200
    assert [row[:2] for row in report(office, task)][1:] == [
        ["boss@example.com", "skipped"],
        ["lesser@example.com", "skipped"],
    ]
    assert office.get(IMPORT).status_code == 403
    assert send(office, IMPORT, "/admin/people", written="csv").status_code == 403


def test_a_file_is_tried_then_imported_and_gone(app: Flask, people: list[str]) -> None:
    office = administrator(app)
    rows = [f"n{number}@example.com,New,{HASH}" for number in range(150)]
    content = table(
        "p0@example.com,There,", *rows, "n0@example.com,Twice,", "nothing,X,", "n200@example.com,=1+1,plain"
    )
    sent = upload(office, content)
    assert sent.status_code == 303
    task = sent.location
    kept = Facts(app).one("SELECT sealed FROM people_batches")
    assert kept
    assert HASH not in kept
    before = Facts(app).one("SELECT count(*) FROM users")
    turn(app)
    page = shown(office.get(task))
    assert "150 rows count." in page
    assert Facts(app).one("SELECT count(*) FROM users") == before
    told = {line: (result, why) for line, result, why in report(office, task)}
    assert told["2"] == ("skipped", "")
    assert told["153"] == ("refused", "email: Row 3 has this e-mail already.")
    assert told["154"][0] == told["155"][0] == "refused"
    assert send(office, task, task).status_code == 303
    turn(app)
    facts = Facts(app)
    assert facts.one("SELECT count(*) FROM users") == before + 150
    assert facts.one("SELECT sealed FROM people_batches") == ""
    assert {line: (result, why) for line, result, why in report(office, task)} == told
    (details,) = [
        row.details for row in facts.all("SELECT details FROM oauth_audit_logs WHERE action = 'people:imported'")
    ]
    recorded = json.loads(details) if isinstance(details, str) else details
    assert (recorded["created"], recorded["skipped"], recorded["refused"]) == (150, 1, 3)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "Choose a file."),
        (b"name\nAda", "The first row has to name the columns"),
        ("email\na@example.com".encode("utf-16"), "This file is not in UTF-8."),
        ("email,name\na@example.com,김민수".encode("cp949"), "This file is not in UTF-8."),
    ],
)
def test_a_file_that_is_none_is_said_beside_the_field(app: Flask, content: bytes, problem: str) -> None:
    office = administrator(app)
    refused = upload(office, content)
    assert (refused.status_code, problem in refused.text) == (400, True)
    assert Facts(app).one("SELECT count(*) FROM people_batches") == 0


def test_a_file_that_is_too_large_is_refused_by_name(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    office = administrator(app)
    for patched, size in ((batches, 2_000), (uploads, 300_000)):
        monkeypatch.setattr(patched, "MOST_BYTES", 1000)
        refused = upload(office, b"email\n" + b"x" * size)
        assert refused.status_code in {400, 413}
        assert 'id="file-error">This file is too large.' in refused.text
    assert Facts(app).one("SELECT count(*) FROM people_batches") == 0


def test_a_file_that_nobody_imports_is_gone_after_an_hour(app: Flask, clock: Clock) -> None:
    office = administrator(app)
    task = upload(office, table("a@example.com,Ada,")).location
    turn(app)
    clock.advance(minutes=61)
    assert log_in(office, "office@example.com").status_code == 303
    assert office.get(task).status_code == 404
    with app.app_context():
        app.extensions["services"].cleaning.run(pause=0)
    assert Facts(app).one("SELECT count(*) FROM people_batches") == 0
    assert Facts(app).one("SELECT count(*) FROM people_batch_lines") == 0


def test_what_a_spreadsheet_would_run_is_text_in_a_report(app: Flask) -> None:
    office = administrator(app)
    who = add_person(app, "=cmd@example.com")
    task = choose(office, who).location
    send(office, f"{task}?deed=log-out", task)
    turn(app)
    assert report(office, task) == [["'=cmd@example.com", "done", ""]]
    assert PASSWORD not in office.get(task).text
