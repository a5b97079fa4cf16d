"""The audit log verified from a page, a part at a time; and what is found on it by an id that is pasted."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.services.foundation.environment import Caller
from app.services.record import walking
from app.services.record.audit import Event
from tests.account.browsing import Facts, send, shown
from tests.admin.offices import administrator
from tests.security.answers import is_page
from tests.servers import unrestricted_engine

VERIFY = "/admin/audit/verify"
MARK = re.compile(r'name="mark" value="([^"]+)"')


def tell(app: Flask, count: int = 25) -> str:
    """Put records on the log, sealed and signed; answers the id of one in the middle."""
    ids = []
    with app.app_context():
        services = app.extensions["services"]
        for number in range(count):
            ids.append(services.audit.record(Event.GROUP_CREATED, Caller("203.0.113.9"), number=number))
            services.db.commit()
            if number % 10 == 0:
                services.trail.prepare()
        services.trail.prepare()
    return str(ids[count // 2])


def tamper(app: Flask, statement: str, record_id: str) -> None:
    """What the portal's own role may not do."""
    with app.app_context():
        url = app.extensions["services"].db.engine.url.render_as_string(hide_password=False)
    engine = unrestricted_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement), {"id": record_id})
    engine.dispose()


def verified(office: FlaskClient) -> tuple[str, int]:
    """The last page, and in how many parts it was done."""
    answer, parts = send(office, VERIFY), 1
    while found := MARK.search(answer.text):
        assert is_page(answer, 200)
        assert "<progress" in answer.text
        answer, parts = send(office, VERIFY, mark=found[1]), parts + 1
    assert is_page(answer, 200)
    return shown(answer), parts


def told_by_the_service(app: Flask) -> tuple[bool, int]:
    with app.app_context():
        report, _ = app.extensions["services"].trail.verify()
    return report.is_whole, report.rows


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_whole_log_is_whole_in_parts_as_at_once(
    make_app: Callable[..., Flask], open_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setattr(walking, "PART", 7)
    app = make_app(open_database(engine))
    office = administrator(app)
    tell(app)
    assert is_page(office.get(VERIFY), 200)
    page, parts = verified(office)
    assert parts > 3
    assert "Whole" in page
    assert told_by_the_service(app)[0]
    assert Facts(app).one("SELECT count(*) FROM oauth_audit_logs WHERE action = 'audit:read'") == 1


@pytest.mark.parametrize("part", [3, 7, 10_000])
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE oauth_audit_logs SET client_id = 'other' WHERE id = :id", "was edited"),
        ("UPDATE oauth_audit_logs SET ip = '203.0.113.10' WHERE id = :id", "were edited"),
        ("DELETE FROM oauth_audit_logs WHERE id = :id", "was removed"),
        ("DELETE FROM audit_seals WHERE record_id = :id", "removed"),
        ("DELETE FROM audit_checkpoints WHERE number = 2 AND :id <> ''", "follows checkpoint 1"),
    ],
)
def test_what_was_done_to_it_is_named_whatever_the_parts(
    app: Flask, monkeypatch: pytest.MonkeyPatch, part: int, statement: str, says: str
) -> None:
    monkeypatch.setattr(walking, "PART", part)
    office, one = administrator(app), tell(app)
    tamper(app, statement, one)
    page, _ = verified(office)
    assert "Something was changed" in page
    assert says in page
    assert "Change nothing." in page
    assert not told_by_the_service(app)[0]


def test_only_a_place_that_the_portal_gave_is_gone_on_from(app: Flask) -> None:
    office = administrator(app)
    for mark in ("x", "e30.aaaa.bbbb"):
        answer = send(office, VERIFY, mark=mark)
        assert is_page(answer, 400)
        assert "Begin again." in answer.text
    assert office.post(VERIFY).status_code == 400
    assert administrator(app, "admin:users", email="other@example.com").get(VERIFY).status_code == 403


def test_a_pasted_id_is_found_by_who_may_see_what_it_is_of(app: Flask) -> None:
    one, office = tell(app, 1), administrator(app)
    session = Facts(app).one("SELECT id FROM user_sessions")
    auditor = administrator(app, "admin:audit", email="auditor@example.com")
    helper = administrator(app, "admin:users", email="helper@example.com")
    request = "0123456789abcdef0123456789abcdef"
    for query, url, part in (
        (one, f"/admin/audit/{one}", auditor),
        (request, f"/admin/audit?request={request}", auditor),
        (session, f"/admin/sessions/{session}", helper),
    ):
        other = helper if part is auditor else auditor
        assert url in shown(office.get(f"/admin/search?q={query}"))
        assert url in shown(part.get(f"/admin/search?q={query}"))
        assert url not in shown(other.get(f"/admin/search?q={query}"))
