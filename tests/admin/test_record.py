"""The audit log: found, read one by one, proven, taken along; and what lesser administrators see of it."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.admin.record import exporting
from app.admin.record.sentences import SENTENCES
from app.services.foundation.environment import Caller
from app.services.record.audit import Event
from app.services.record.search import Filters
from tests.account.browsing import Facts, english, send, shown
from tests.admin.offices import administrator
from tests.clock import Clock
from tests.relying_party import add_person, log_in
from tests.security.answers import is_page
from tests.servers import unrestricted_engine

ADA = "ada@example.com"
LATEST = "SELECT id FROM oauth_audit_logs WHERE action = :action ORDER BY created_at DESC, id DESC LIMIT 1"
LOG = "/admin/audit"


@pytest.fixture
def ada(app: Flask) -> str:
    """Somebody who logged in once and was refused once."""
    person = add_person(app, ADA)
    log_in(english(app), ADA, password="a wrong guess")
    log_in(english(app), ADA)
    return person


def record(app: Flask, event: Event, caller: Caller | None = None, **told: Any) -> str:
    """Put something on record; answers its id."""
    with app.app_context():
        services = app.extensions["services"]
        record_id: str = services.audit.record(event, caller or Caller(), **told)
        services.db.commit()
    return record_id


def test_every_event_is_told_in_a_sentence_of_its_own() -> None:
    assert set(SENTENCES) == set(Event)
    assert len(set(SENTENCES.values())) == len(SENTENCES)


@pytest.mark.parametrize(
    ("query", "texts", "others"),
    [
        ("action=account:login:", ("The person logged in.", "A login was refused."), ("An account was created",)),
        ("action=account:login:failed", ("A login was refused.",), ("The person logged in.",)),
        ("action=account:&success=no", ("A login was refused.",), ("The person logged in.",)),
        ("person=ada@example.com&success=yes", ("The person logged in.",), ("A login was refused.",)),
        ("person=ADA@Example.com&error=wrong_credentials", ("A login was refused.",), ("The person logged in.",)),
        ("network=127.0.0.0/8&action=account:login:", ("The person logged in.",), ()),
        ("network=203.0.113.0/24", ("No record fits this.",), ()),
        ("until=2001-01-01T00:00", ("No record fits this.",), ()),
        ("actor=nobody", ("No record fits this.",), ()),
        ("client=nothing", ("No record fits this.",), ()),
        ("request=nothing", ("No record fits this.",), ()),
    ],
)
def test_records_are_found(app: Flask, ada: str, query: str, texts: tuple[str, ...], others: tuple[str, ...]) -> None:
    page = administrator(app).get(f"{LOG}?{query}")
    assert is_page(page, 200)
    rows = shown(page).partition("<tbody>")[2] or shown(page).partition('class="empty"')[2]
    assert [text for text in texts if text not in rows] == []
    assert [text for text in others if text in rows] == []


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("network=everywhere", "This is neither an address nor a network"),
        ("since=yesterday", "This is not a date with a time."),
        ("until=9999-12-31T23:59:59%2B00:00", "This is not a date with a time."),
        ("since=0001-01-01T00:00", "This is not a date with a time."),
        ("person=nobody@example.com", "No account has this e-mail address."),
        ("after=x", "This place in the list does not exist."),
    ],
)
def test_what_cannot_be_asked_is_said_beside_what_was_typed(app: Flask, query: str, says: str) -> None:
    page = administrator(app).get(f"{LOG}?{query}")
    assert is_page(page, 400)
    assert says in page.text


@pytest.mark.parametrize("query", ["action='", "success=perhaps", "client=a&client=b", "error=%ED%95%9C", "person=%00"])
def test_other_parameters_are_no_error_of_the_portal(app: Flask, query: str) -> None:
    assert administrator(app).get(f"{LOG}?{query}").status_code in {200, 400}


def test_times_are_those_of_who_asks(app: Flask, clock: Clock) -> None:
    office = administrator(app)
    record(app, Event.ROLE_CREATED)
    local = (clock() + timedelta(hours=9)).replace(tzinfo=None)  # the portal's zone is Asia/Seoul
    before, after = (f"{(local + timedelta(minutes=each)).isoformat(timespec='minutes')}" for each in (-2, 2))
    assert "A role was created." in rows(office, f"action=role:created&since={before}&until={after}")
    assert "A role was created." not in rows(office, f"action=role:created&since={after}")


def rows(office: FlaskClient, query: str) -> str:
    return shown(office.get(f"{LOG}?{query}")).partition("<tbody>")[2]


def test_a_long_log_is_paged_both_ways(app: Flask, clock: Clock) -> None:
    office = administrator(app)
    for number in range(120):
        clock.advance(seconds=1)
        record(app, Event.GROUP_CREATED, client_id=f"number-{number:03}")
    seen, address, pages = [], f"{LOG}?action=group:created", []
    while address:
        page = shown(office.get(address))
        pages.append(page)
        seen += [part[:10] for part in page.split('<code class="id">')[1:]]
        address = _link(page, "Next page")
    assert seen == [f"number-{number:03}" for number in reversed(range(120))]
    back = shown(office.get(_link(pages[-1], "Previous page")))
    assert back.split("<tbody>")[1].split("</tbody>")[0] == pages[1].split("<tbody>")[1].split("</tbody>")[0]


def _link(page: str, words: str) -> str:
    before, found, _ = page.partition(f">{words}")
    return before.rpartition('href="')[2].partition('"')[0] if found else ""


def test_a_search_that_stopped_says_how_far_it_came(app: Flask, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr("app.services.record.search.MOST_JUDGED", 5)
    office = administrator(app)
    record(app, Event.ROLE_DELETED, error="because")
    for _ in range(12):
        clock.advance(seconds=1)
        record(app, Event.ROLE_DELETED)
    page = shown(office.get(f"{LOG}?error=because"))
    assert "Searched back to" in page
    for _ in range(5):
        if "A role was deleted." in page.partition("<tbody>")[2]:
            break
        page = shown(office.get(_link(page, "Next page")))
    assert "because" in page.partition("<tbody>")[2]


def test_reading_is_on_record_and_in_ones_activity(app: Flask) -> None:
    office = administrator(app)
    office.get(f"{LOG}?action=role:created&client=shop")
    (row,) = Facts(app).all("SELECT actor, user_id, details FROM oauth_audit_logs WHERE action = 'audit:read'")
    told = row.details if isinstance(row.details, dict) else json.loads(row.details)
    assert row.actor == row.user_id
    assert (told["action"], told["client"], told["count"]) == ("role:created", "shop", 0)
    assert "You read the audit log." in shown(office.get("/account/activity"))


def tamper(app: Flask, statement: str, record_id: str) -> None:
    """What the portal's own role may not do."""
    with app.app_context():
        url = app.extensions["services"].db.engine.url.render_as_string(hide_password=False)
    engine = unrestricted_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement), {"id": record_id})
    engine.dispose()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_one_record_says_what_proves_it(
    make_app: Callable[..., Flask], open_database: Callable[..., str], engine: str
) -> None:
    app = make_app(open_database(engine))
    office = administrator(app)
    nasty = '<script>alert(1)</script>"'
    one = record(app, Event.CLIENT_CHANGED, Caller("203.0.113.9", nasty), client_id="shop", name=nasty, many=3)
    page = office.get(f"{LOG}/{one}")
    assert is_page(page, 200)
    assert nasty not in page.text
    assert "It is sealed within a minute" in page.text
    with app.app_context():
        app.extensions["services"].trail.prepare()
    assert [each in shown(office.get(f"{LOG}/{one}")) for each in ("As it was sealed", "Signed by checkpoint")] == [
        True
    ] * 2
    tamper(app, "UPDATE oauth_audit_logs SET client_id = 'other' WHERE id = :id", one)
    assert "Changed since it was sealed" in shown(office.get(f"{LOG}/{one}"))
    tamper(app, "UPDATE oauth_audit_logs SET client_id = 'shop', ip = '203.0.113.10' WHERE id = :id", one)
    assert "Changed since it was sealed" in shown(office.get(f"{LOG}/{one}"))
    assert office.get(f"{LOG}/{'0' * 8}-0000-4000-8000-{'0' * 12}").status_code == 404


def test_an_erased_record_is_told_as_that(app: Flask, ada: str) -> None:
    office = administrator(app)
    one = record(app, Event.PROFILE_CHANGED, Caller("203.0.113.9", actor=ada), user_id=ada, fields="bio")
    with app.app_context():
        services = app.extensions["services"]
        services.trail.prepare()
        services.administration.delete(ada)
        services.db.commit()
    page = shown(office.get(f"{LOG}/{one}"))
    for text in ("Erased with the account.", "As it was sealed"):
        assert text in page
    assert "203.0.113.9" not in page


def test_an_auditor_sees_ids_and_no_names(app: Flask, ada: str) -> None:
    office = administrator(app, "admin:audit")
    page = shown(office.get(f"{LOG}?person={ada}"))
    assert ada in page
    assert "The person logged in." in page
    assert "/admin/people/" not in page
    one = Facts(app).one(LATEST, action="account:login:succeeded")
    assert "/admin/people/" not in shown(office.get(f"{LOG}/{one}"))
    refused = office.get(f"{LOG}?person={ADA}")
    assert refused.status_code == 400
    assert "e-mail addresses are for administrators of people" in refused.text
    assert office.get(f"{LOG}?person=nobody@example.com").status_code == 400
    assert office.get(f"{LOG}/export").status_code == 200


@pytest.mark.parametrize("permission", ["admin:users", "admin:clients", "admin:keys", "admin:system"])
def test_others_do_not_come_in(app: Flask, permission: str) -> None:
    office = administrator(app, permission)
    one = record(app, Event.ROLE_CREATED)
    for path in (LOG, f"{LOG}/{one}", f"{LOG}/export"):
        assert office.get(path).status_code == 403
    assert LOG not in office.get("/admin").text
    assert Facts(app).one("SELECT count(*) FROM oauth_audit_logs WHERE action LIKE 'audit:%'") == 0


def exported(office: FlaskClient, form: str, query: str = "") -> list[Any]:
    """All parts of an export."""
    address, texts = f"{LOG}/export?{query}", []
    while address:
        part = send(office, address, f"{LOG}/export", format=form)
        assert part.status_code == 200, part.text
        assert part.headers["Content-Disposition"].endswith(f'.{form}"')
        texts.append(part.text)
        address = part.headers.get("X-Next-Part", "")
    if form == "jsonl":
        return [json.loads(line) for line in "".join(texts).splitlines()]
    return list(csv.DictReader(io.StringIO("".join(texts))))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("query", ["action=group:", "action=group:&success=yes"])
def test_what_is_filtered_is_exported_part_by_part(
    app: Flask, monkeypatch: pytest.MonkeyPatch, clock: Clock, form: str, query: str
) -> None:
    monkeypatch.setattr(exporting, "PART", 4)
    office = administrator(app)
    for number in range(10):
        clock.advance(seconds=1)
        record(app, Event.GROUP_CREATED, Caller("203.0.113.9", "=cmd|' /C calc'!A0"), client_id="shop", number=number)
    record(app, Event.ROLE_CREATED)
    assert "10 records." in shown(office.get(f"{LOG}/export?{query}"))
    found = exported(office, form, query)
    assert len({each["id"] for each in found}) == len(found) == 10
    assert {each["action"] for each in found} == {"group:created"}
    assert {each["user_agent"] for each in found} == {
        "=cmd|' /C calc'!A0" if form == "jsonl" else "'=cmd|' /C calc'!A0"
    }
    numbers = [(each["details"] if form == "jsonl" else json.loads(each["details"]))["number"] for each in found]
    assert numbers == list(reversed(range(10)))
    told = "SELECT details FROM oauth_audit_logs WHERE action = 'audit:exported'"
    parts = [
        each.details if isinstance(each.details, dict) else json.loads(each.details) for each in Facts(app).all(told)
    ]
    assert sum(each["count"] for each in parts) == 10
    assert {(each["form"], each["action"]) for each in parts} == {(form, "group:")}


def test_an_export_wants_a_fresh_login_its_form_and_a_form_there_is(app: Flask, clock: Clock) -> None:
    office = administrator(app)
    assert office.post(f"{LOG}/export", data={"format": "csv"}).status_code == 400
    assert send(office, f"{LOG}/export", format="pdf").status_code == 400
    assert send(office, f"{LOG}/export?network=x", f"{LOG}/export", format="csv").status_code == 400
    assert Facts(app).one("SELECT count(*) FROM oauth_audit_logs WHERE action = 'audit:exported'") == 0
    clock.advance(minutes=20)
    assert office.get(f"{LOG}/export").status_code == 303


def test_records_of_an_error_are_found_by_the_service(app: Flask, ada: str) -> None:
    with app.app_context():
        services = app.extensions["services"]
        found = services.records.page(Filters(error="wrong_credentials"), Caller(), limit=10).items
    assert [each["action"] for each in found] == ["account:login:failed"]
