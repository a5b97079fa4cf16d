"""A person's open sessions, page by page: whose they are, which count, and how they are found."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.errors import InvalidInput, NotFound
from app.models import UserSession, new_id
from app.services.foundation.environment import NOBODY
from tests.clock import Clock
from tests.relying_party import EMAIL, PASSWORD, RelyingParty, add_client, add_person, log_in

CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    return make_app(open_database(request.param))


def add_sessions(app: Flask, user_id: str, count: int, clock: Clock, **fields: Any) -> list[str]:
    """So many sessions, the last one used last; answers their ids."""
    now = clock()
    rows = [
        {
            "id": new_id(),
            "token_hash": new_id(),
            "user_id": user_id,
            "device_name": "",
            "ip_address": "127.0.0.1",
            "user_agent": CHROME,
            "is_remembered": False,
            "access_count": 1,
            "authenticated_at": now,
            "created_at": now,
            "last_used_at": now - timedelta(seconds=(count - number) // 2),
            "expires_at": now + timedelta(hours=12),
            "ended_at": None,
            **fields,
        }
        for number in range(count)
    ]
    with app.app_context():
        services = app.extensions["services"]
        services.db.session.execute(sa.insert(UserSession), rows)
        services.db.session.commit()
    return [row["id"] for row in rows]


def all_pages(app: Flask, user_id: str, limit: int) -> tuple[list[str], set[int]]:
    """The ids of every page in turn, and the totals they told."""
    found: list[str] = []
    totals, after = set(), None
    with app.app_context():
        while True:
            page = app.extensions["services"].sessions.page(user_id, limit=limit, after=after)
            found += [each.id for each in page.items]
            totals.add(page.total)
            if (after := page.next) is None:
                return found, totals


@pytest.mark.parametrize("limit", [1, 7, 45, 46, 100])
def test_each_session_stands_on_one_page_the_latest_used_first(app: Flask, clock: Clock, limit: int) -> None:
    """Also where several were used at the same moment."""
    ada, bob = add_person(app), add_person(app, "bob@example.com")
    ids = add_sessions(app, ada, 45, clock)
    add_sessions(app, bob, 3, clock)
    found, totals = all_pages(app, ada, limit)
    assert sorted(found) == sorted(ids)
    assert totals == {45}
    assert found[0] in ids[-2:]
    assert found[-1] in ids[:2]
    assert len(all_pages(app, bob, limit)[0]) == 3


def test_one_session_is_found_apart_and_left_out_of_the_others(app: Flask, clock: Clock) -> None:
    ada, bob = add_person(app), add_person(app, "bob@example.com")
    ids = add_sessions(app, ada, 5, clock)
    (bobs,) = add_sessions(app, bob, 1, clock)
    (over,) = add_sessions(app, ada, 1, clock, ended_at=clock())
    with app.app_context():
        sessions = app.extensions["services"].sessions
        found = sessions.find_own(ada, ids[2])
        assert found
        assert found.id == ids[2]
        assert [sessions.find_own(ada, other) for other in (bobs, over, "", new_id())] == [None] * 4
        first = sessions.page(ada, limit=2, without=ids[2])
        second = sessions.page(ada, limit=2, without=ids[2], after=first.next)
    assert (first.total, second.total, second.next) == (4, 4, None)
    assert sorted(each.id for each in [*first.items, *second.items]) == sorted({*ids} - {ids[2]})


def test_what_is_over_is_not_shown(app: Flask, clock: Clock) -> None:
    ada = add_person(app)
    long_ago = clock() - timedelta(hours=2)
    add_sessions(app, ada, 2, clock, last_used_at=long_ago)
    add_sessions(app, ada, 2, clock, expires_at=clock())
    add_sessions(app, ada, 2, clock, ended_at=long_ago)
    add_sessions(app, ada, 2, clock, authenticated_at=clock() - timedelta(hours=12))
    remembered = add_sessions(app, ada, 2, clock, last_used_at=long_ago, is_remembered=True)
    found, totals = all_pages(app, ada, 20)
    assert sorted(found) == sorted(remembered)
    assert totals == {2}


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "A" * 5000, "MjAyNi0wMS0wMSBh", "OTk5OS0xMi0zMVQyMzo1OTo1OS0yMzowMCBh"]
)
def test_a_place_nobody_was_given_is_refused(app: Flask, cursor: str) -> None:
    ada = add_person(app)
    with app.app_context(), pytest.raises(InvalidInput):
        app.extensions["services"].sessions.page(ada, after=cursor)


def test_a_session_shows_its_device_and_its_applications(app: Flask, client: FlaskClient) -> None:
    ada = add_person(app)
    client.environ_base["HTTP_USER_AGENT"] = CHROME
    log_in(client)
    for name in ("zeta", "alpha"):
        party = RelyingParty(client, name, add_client(app, name, is_confidential=True, name=name.title()))
        party.tokens()
        party.tokens()
    gone = RelyingParty(client, "gone", add_client(app, "gone", is_confidential=True, name="Gone"))
    gone.token(grant_type="none")
    refresh_token = gone.tokens()["refresh_token"]
    assert client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD}).status_code == 200
    auth = ("gone", gone.secret or "")
    assert client.post("/api/oauth/revoke", data={"token": refresh_token}, auth=auth).status_code == 200
    with app.app_context():
        (session,) = app.extensions["services"].sessions.page(ada).items
    assert (session.device_name, session.user_agent, session.ip_address) == ("Chrome · Windows", CHROME, "127.0.0.1")
    assert session.apps == ("Alpha", "Zeta")


def test_only_open_sessions_of_ones_own_can_be_ended(app: Flask, clock: Clock) -> None:
    ada, bob = add_person(app), add_person(app, "bob@example.com")
    (own, ended), (others,) = add_sessions(app, ada, 2, clock), add_sessions(app, bob, 1, clock)
    (idle,) = add_sessions(app, ada, 1, clock, last_used_at=clock() - timedelta(hours=2))
    with app.app_context():
        services = app.extensions["services"]
        services.sessions.end_own(ada, ended, "test", NOBODY)
        for session_id in (ended, others, idle, new_id(), "", "1"):
            with pytest.raises(NotFound):
                services.sessions.end_own(ada, session_id, "test", NOBODY)
        services.db.session.commit()
    assert all_pages(app, ada, 20)[0] == [own]
    assert all_pages(app, bob, 20)[0] == [others]


def test_a_page_is_read_from_the_index_and_nothing_is_sorted(app: Flask, clock: Clock) -> None:
    ada = add_person(app)
    add_sessions(app, ada, 2000, clock)
    with app.app_context():
        services = app.extensions["services"]
        seen: list[tuple[str, Any]] = []

        def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            seen.append((statement, parameters))

        sa.event.listen(services.db.engine, "before_cursor_execute", note)
        first = services.sessions.page(ada, limit=20)
        services.sessions.page(ada, limit=20, after=first.next)
        sa.event.remove(services.db.engine, "before_cursor_execute", note)
        pages = [each for each in seen if "ORDER BY user_sessions.last_used_at DESC" in each[0]][::2]
        assert len(pages) == 2
        raw = services.db.session.connection()
        raw.exec_driver_sql("ANALYZE")
        explain = "EXPLAIN QUERY PLAN " if raw.dialect.name == "sqlite" else "EXPLAIN "
        for statement, parameters in pages:
            plan = str(raw.exec_driver_sql(explain + statement, parameters).all())
            assert "ix_user_sessions_open" in plan
            assert "sort" not in plan.lower()
            assert "TEMP B-TREE" not in plan


def test_the_command_line_lists_names_of_devices(app: Flask, client: FlaskClient) -> None:
    add_person(app)
    client.environ_base["HTTP_USER_AGENT"] = CHROME
    log_in(client)
    printed = app.test_cli_runner().invoke(args=["sessions", "list", EMAIL]).stdout
    assert "Chrome · Windows" in printed


def renewing(app: Flask, browser: FlaskClient) -> RelyingParty:
    """An application that renews its tokens, in the browser of who logs in there."""
    add_client(app, "renewing")
    log_in(browser)
    return RelyingParty(browser, "renewing")


def test_a_device_by_which_an_application_renews_its_tokens_is_listed_and_ended_after_the_session_idled_out(
    app: Flask, clock: Clock
) -> None:
    ada = add_person(app)
    browser = app.test_client()
    application = renewing(app, browser)
    tokens = application.tokens()
    clock.advance(hours=13)
    assert browser.get("/logout").location == "/logged-out"
    (session_id,), totals = all_pages(app, ada, 10)
    assert totals == {1}
    tokens = application.refresh(tokens["refresh_token"]).json
    with app.app_context():
        services = app.extensions["services"]
        assert services.sessions.page(ada).items[0].apps == ("renewing",)
        services.sessions.end_own(ada, session_id, "test", NOBODY)
        services.db.commit()
    assert application.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert all_pages(app, ada, 10) == ([], {0})


def test_a_session_that_is_over_and_left_nothing_is_not_listed(app: Flask, clock: Clock) -> None:
    ada = add_person(app)
    add_client(app, "brief", grants=["authorization_code"])
    browser = app.test_client()
    log_in(browser)
    RelyingParty(browser, "brief").tokens()
    clock.advance(hours=13)
    assert all_pages(app, ada, 10) == ([], {0})


def test_cleaning_keeps_a_session_as_long_as_tokens_of_it_are_renewed(app: Flask, clock: Clock) -> None:
    ada = add_person(app)
    application = renewing(app, app.test_client())
    tokens = application.tokens()
    for _ in range(2):
        clock.advance(days=20)
        tokens = application.refresh(tokens["refresh_token"]).json
    with app.app_context():
        app.extensions["services"].cleaning.run(pause=0)
    (session_id,), _ = all_pages(app, ada, 10)
    clock.advance(days=60)
    with app.app_context():
        services = app.extensions["services"]
        services.cleaning.run(pause=0)
        assert services.sessions.user_of(session_id) is None
