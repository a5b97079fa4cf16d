"""Ending very much at once: the same statements however much it is, and nothing of it left over."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import AuditLog, RefreshToken, RevokedToken, TokenFamily, UserSession, new_id
from app.services.foundation.environment import NOBODY
from tests.clock import Clock
from tests.relying_party import RelyingParty, add_client, add_person, log_in


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    app = make_app(open_database(request.param))
    add_client(app, "web", is_confidential=True)
    return app


def add_used_sessions(app: Flask, user_id: str, count: int, clock: Clock) -> list[str]:
    """Sessions that each hold a family of two generations; the first access token has expired."""
    now = clock()
    sessions, families, tokens = [], [], []
    for _ in range(count):
        session, family = new_id(), new_id()
        moments = {"created_at": now, "expires_at": now + timedelta(hours=12)}
        person = {"user_id": user_id, "session_id": session, "client_id": "web", "scope": "openid"}
        sessions.append(
            {
                "id": session,
                "token_hash": new_id(),
                "user_id": user_id,
                "authenticated_at": now,
                "last_used_at": now,
                **moments,
            }
        )
        issued = [(f"old-{family}"[:43], now - timedelta(seconds=1)), (f"new-{family}"[:43], now + timedelta(hours=1))]
        first = {"access_jti": issued[0][0], "access_expires_at": issued[0][1]}
        families.append({"id": family, "authenticated_at": now, **person, **first, **moments})
        for generation, (jti, expires_at) in enumerate(issued):
            tokens.append(
                {
                    "id": new_id(),
                    "token_hash": new_id(),
                    "family_id": family,
                    "access_jti": jti,
                    "access_issued_at": now,
                    "access_expires_at": expires_at,
                    "rotation_count": generation,
                    "sealed_successor": "sealed",
                    **person,
                    **moments,
                }
            )
    with app.app_context():
        db = app.extensions["services"].db
        for model, rows in ((UserSession, sessions), (TokenFamily, families), (RefreshToken, tokens)):
            db.session.execute(sa.insert(model), rows)
        db.session.commit()
    return [row["id"] for row in sessions]


def end_all(app: Flask, user_id: str, **options: Any) -> tuple[int, list[str]]:
    """How many ended, and the statements that were sent."""
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    with app.app_context():
        services = app.extensions["services"]
        sa.event.listen(services.db.engine, "before_cursor_execute", note)
        ended = services.sessions.end_all(user_id, "test", NOBODY, **options)
        sa.event.remove(services.db.engine, "before_cursor_execute", note)
        services.db.commit()
    return ended, sent


def rows_of(app: Flask, *columns: Any, where: Any) -> list[Any]:
    with app.app_context():
        return list(app.extensions["services"].db.session.execute(sa.select(*columns).where(where)).all())


def test_the_statements_are_the_same_for_one_and_for_many(app: Flask, clock: Clock) -> None:
    sent = []
    for number, count in enumerate((1, 400)):
        person = add_person(app, f"{number}@example.com")
        add_used_sessions(app, person, count, clock)
        ended, statements = end_all(app, person)
        assert ended == count
        sent.append(statements)
    assert sent[0] == sent[1]
    assert len(sent[0]) < 10


def test_all_that_hangs_on_them_is_over_and_nothing_else(app: Flask, clock: Clock) -> None:
    ada, bob = add_person(app), add_person(app, "bob@example.com")
    ids, others = add_used_sessions(app, ada, 300, clock), add_used_sessions(app, bob, 2, clock)
    kept = ids[7]
    assert end_all(app, ada, except_id=kept)[0] == 299
    still_open = [kept, *others]
    open_sessions = rows_of(app, UserSession.id, where=UserSession.ended_at.is_(None))
    assert sorted(row.id for row in open_sessions) == sorted(still_open)
    families = rows_of(app, TokenFamily.session_id, where=TokenFamily.revoked_at.is_(None))
    assert sorted(row.session_id for row in families) == sorted(still_open)
    tokens = rows_of(app, RefreshToken.session_id, where=RefreshToken.revoked_at.is_(None))
    assert sorted(row.session_id for row in tokens) == sorted(still_open * 2)
    is_left = sa.and_(RefreshToken.revoked_at.is_not(None), RefreshToken.sealed_successor.is_not(None))
    assert rows_of(app, RefreshToken.id, where=is_left) == []
    denied = rows_of(app, RevokedToken.jti, RevokedToken.user_id, RevokedToken.reason, where=sa.true())
    assert len(denied) == 299
    assert {row.jti[:4] for row in denied} == {"new-"}
    assert {(row.user_id, row.reason) for row in denied} == {(ada, "test")}


def test_it_is_one_line_of_the_audit_and_a_second_time_none(app: Flask, clock: Clock) -> None:
    ada = add_person(app)
    add_used_sessions(app, ada, 50, clock)
    end_all(app, ada)
    assert end_all(app, ada)[0] == 0
    endings = AuditLog.action.in_(["session:ended", "oauth:token:revoked"])
    rows = rows_of(app, AuditLog.action, AuditLog.user_id, AuditLog.client_id, AuditLog.details, where=endings)
    assert sorted((row.action, row.user_id, row.client_id, row.details) for row in rows) == [
        ("oauth:token:revoked", ada, "web", {"reason": "test", "families": 50}),
        ("session:ended", ada, None, {"reason": "test", "sessions": 50}),
    ]


def test_it_counts_at_the_next_request_in_every_process(
    app: Flask, make_app: Callable[..., Flask], clock: Clock
) -> None:
    url = app.extensions["services"].settings.storage.database_url
    ada = add_person(app)
    browser = app.test_client()
    log_in(browser)
    secret = add_client(app, "here", is_confidential=True)
    tokens = RelyingParty(browser, "here", secret).tokens()
    add_used_sessions(app, ada, 100, clock)
    end_all(app, ada)
    cookie = browser.get_cookie("portal_session")
    assert cookie
    for process in (app, make_app(url)):
        other = process.test_client()
        other.set_cookie("portal_session", cookie.value)
        party = RelyingParty(other, "here", secret)
        assert "error=login_required" in party.authorize(prompt="none").location
        assert party.userinfo(tokens["access_token"]).status_code == 401
        assert party.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_a_token_that_was_denied_before_stays_denied_for_its_first_reason(app: Flask) -> None:
    ada = add_person(app)
    browser = app.test_client()
    log_in(browser)
    party = RelyingParty(browser, "web2", add_client(app, "web2", is_confidential=True))
    token = party.tokens()["access_token"]
    auth = ("web2", party.secret or "")
    assert browser.post("/api/oauth/revoke", data={"token": token}, auth=auth).status_code == 200
    (before,) = rows_of(app, RevokedToken.reason, where=sa.true())
    end_all(app, ada)
    assert rows_of(app, RevokedToken.reason, where=sa.true()) == [before]
