"""What is to happen after a commit happens after that of its own unit of work, once, and leaves nothing behind."""

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.database.unit_of_work import UnitSession
from tests.relying_party import RelyingParty, add_client, add_person, log_in


@pytest.fixture
def portal(database_url: str, make_app: Callable[..., Flask]) -> Flask:
    return make_app(database_url)


def test_it_follows_the_commit_and_not_what_was_taken_back(portal: Flask) -> None:
    db, done = portal.extensions["services"].db, []
    with portal.app_context():
        db.afterwards(lambda: done.append("first"))
        db.session.execute(sa.text("SELECT 1"))
        assert done == []
        db.rollback()
        db.commit()
        assert done == []
        db.afterwards(lambda: done.append("second"))
        db.commit()
        db.commit()
        assert done == ["second"]
        db.afterwards(lambda: done.append("third"))
    with portal.app_context():
        db.commit()
    assert done == ["second"]


def test_the_commit_of_another_thread_is_none(portal: Flask) -> None:
    db, done = portal.extensions["services"].db, []

    def other() -> None:
        with portal.app_context():
            db.session.execute(sa.text("SELECT 1"))
            db.commit()

    with portal.app_context():
        db.afterwards(lambda: done.append("mine"))
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert done == []
        db.commit()
    assert done == ["mine"]


def test_requests_that_revoke_and_send_leave_no_listener_behind(portal: Flask) -> None:
    """Each left one for ever on the class of all sessions, where threads that committed at once met it: a 500."""
    add_person(portal)
    add_client(portal, "spa")
    browser = portal.test_client()
    log_in(browser)
    party = RelyingParty(browser, "spa")
    with portal.app_context():
        before = len(list(portal.extensions["services"].db.session().dispatch.after_commit.parent_listeners))
    for _ in range(3):
        token = party.tokens()["refresh_token"]
        assert browser.post("/api/oauth/revoke", data={"token": token, "client_id": "spa"}).status_code == 200
        browser.post("/forgot-password", data={"email": "ada@example.com"})
    with portal.app_context():
        services = portal.extensions["services"]
        services.outbox.add("mail", {}, life=services.tokens.lifetimes.access)
        services.db.commit()
        session = services.db.session()
        assert isinstance(session, UnitSession)
        assert len(list(session.dispatch.after_commit.parent_listeners)) == before == 0
