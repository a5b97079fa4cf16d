"""Many at once by the API, on both databases: one login each, one successor, and nothing that outlives a logout."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import Client, RefreshToken, TokenFamily
from tests.api.people import FrontEnd
from tests.relying_party import add_person

ROUNDS = 3


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """What calls give that begin at the same moment."""
    gate = Barrier(len(calls))

    def begin(call: Callable[[], Any]) -> Any:
        gate.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


def tab(front: FrontEnd) -> FrontEnd:
    """Another window of the same browser, as it is now."""
    other = FrontEnd(front.app)
    other.token = front.token
    for name in ("portal_refresh", "portal_session", "portal_device"):
        if found := front.browser.get_cookie(name):
            other.browser.set_cookie(name, found.value)
    return other


def count(app: Flask, table: Any, *conditions: Any) -> int:
    """How many rows there are."""
    with app.app_context():
        session = app.extensions["services"].db.session
        return int(session.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)))


@pytest.fixture
def portal(make_app: Callable[..., Flask], database_url: str) -> Flask:
    """A portal on each engine."""
    app = make_app(database_url)
    add_person(app)
    return app


def test_of_many_first_logins_each_gets_a_session_and_the_client_is_made_once(portal: Flask) -> None:
    ends = [FrontEnd(portal) for _ in range(6)]
    answers = at_once([end.log_in for end in ends])
    assert [answer.status_code for answer in answers] == [200] * 6
    assert all(end.is_logged_in() for end in ends)
    assert len({end.refresh_token for end in ends}) == 6
    assert count(portal, Client, Client.client_id == "portal") == 1


def test_of_many_refreshes_all_that_succeed_give_the_same_and_the_login_goes_on(portal: Flask) -> None:
    front = FrontEnd(portal)
    front.log_in()
    for _ in range(ROUNDS):
        tabs = [tab(front) for _ in range(8)]
        answers = at_once([partial(one.post, "/refresh") for one in tabs])
        assert {answer.status_code for answer in answers} <= {200, 401}
        won = [one for one, answer in zip(tabs, answers, strict=True) if answer.status_code == 200]
        assert 1 <= len(won) <= 3
        assert len({one.refresh_token for one in won}) == 1
        front = won[0]
        assert front.is_logged_in()


@pytest.mark.parametrize("path", ["/logout", "/logout/all"])
def test_nothing_is_minted_that_outlives_a_logout(portal: Flask, path: str) -> None:
    for _ in range(ROUNDS):
        front = FrontEnd(portal)
        front.log_in()
        tabs = [tab(front) for _ in range(3)]
        leaving = partial(tab(front).post, path)
        out, *answers = at_once([leaving, *(partial(one.post, "/refresh") for one in tabs)])
        assert out.status_code == 200
        for one, answer in zip(tabs, answers, strict=True):
            assert answer.status_code in {200, 401}
            one.token = answer.json.get("access_token", one.token)
            assert not one.is_logged_in()
            assert one.post("/refresh").status_code == 401
        assert not front.is_logged_in()
    assert count(portal, TokenFamily, TokenFamily.revoked_at.is_(None)) == 0
    assert count(portal, RefreshToken, RefreshToken.revoked_at.is_(None)) == 0


def test_of_many_logouts_everywhere_one_counts_what_ended(portal: Flask) -> None:
    fronts = [FrontEnd(portal) for _ in range(4)]
    for front in fronts:
        front.log_in()
    answers = at_once([partial(front.post, "/logout/all") for front in fronts])
    assert {answer.status_code for answer in answers} <= {200, 401}
    ended = [answer.json["sessions_invalidated"] for answer in answers if answer.status_code == 200]
    assert sum(ended) == 4
    assert not any(front.is_logged_in() for front in fronts)


def test_a_login_that_meets_a_logout_everywhere_is_whole_or_over(portal: Flask) -> None:
    for _ in range(ROUNDS):
        old, new = FrontEnd(portal), FrontEnd(portal)
        old.log_in()
        answers = at_once([partial(old.post, "/logout/all"), new.log_in])
        assert [answer.status_code for answer in answers] == [200, 200]
        assert not old.is_logged_in()
        # Access token, refresh token and session agree on whether this login came first or last.
        assert new.is_logged_in() == (tab(new).post("/refresh").status_code == 200)
