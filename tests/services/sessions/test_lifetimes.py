"""How long sessions live: as the operator says now, not as was said when they began."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.clock import Clock
from tests.relying_party import EMAIL, add_person, csrf_token, log_in

DAY = 24


@pytest.fixture
def url(open_database: Callable[..., str]) -> str:
    return open_database()


@pytest.fixture
def start(make_app: Callable[..., Flask], url: str) -> Callable[..., Flask]:
    """Starts the portal on one database, with the settings it is given this time."""
    return lambda **environ: make_app(url, **environ)


@pytest.fixture
def remembered(start: Callable[..., Flask]) -> FlaskClient:
    """A browser whose person asked to be remembered, with 30 days allowed."""
    app = start()
    add_person(app)
    browser = app.test_client()
    assert "Max-Age=2592000" in str(log_in(browser, remember="y").headers.getlist("Set-Cookie"))
    return browser


def is_in(app: Flask, browser: FlaskClient) -> bool:
    """Whether the browser's session is good at this portal; it counts as a use."""
    cookie = browser.get_cookie("portal_session")
    assert cookie
    visitor = app.test_client()
    visitor.set_cookie("portal_session", cookie.value)
    return visitor.get("/logout").status_code == 200


def is_listed(app: Flask) -> bool:
    with app.app_context():
        services = app.extensions["services"]
        return bool(services.sessions.page(services.accounts.find(EMAIL).id).total)


def test_who_is_remembered_needs_no_steady_use(
    start: Callable[..., Flask], remembered: FlaskClient, clock: Clock
) -> None:
    app = start()
    clock.advance(hours=30 * DAY, seconds=-1)
    assert (is_in(app, remembered), is_listed(app)) == (True, True)
    clock.advance(seconds=1)
    assert (is_in(app, remembered), is_listed(app)) == (False, False)


def test_steady_use_does_not_move_the_last_end(
    start: Callable[..., Flask], remembered: FlaskClient, clock: Clock
) -> None:
    app = start()
    for _ in range(29):
        clock.advance(hours=DAY)
        assert is_in(app, remembered)
    clock.advance(hours=DAY)
    assert not is_in(app, remembered)


def test_fewer_days_shorten_sessions_that_are_there(
    start: Callable[..., Flask], remembered: FlaskClient, clock: Clock
) -> None:
    app = start(SESSION_REMEMBER_DAYS="7")
    clock.advance(hours=7 * DAY, seconds=-1)
    assert (is_in(app, remembered), is_listed(app)) == (True, True)
    clock.advance(seconds=1)
    assert (is_in(app, remembered), is_listed(app)) == (False, False)


def test_more_days_lengthen_none(start: Callable[..., Flask], remembered: FlaskClient, clock: Clock) -> None:
    app = start(SESSION_REMEMBER_DAYS="90")
    clock.advance(hours=30 * DAY)
    assert (is_in(app, remembered), is_listed(app)) == (False, False)


def test_fewer_hours_shorten_sessions_that_are_there(start: Callable[..., Flask], clock: Clock) -> None:
    app = start()
    add_person(app)
    browser = app.test_client()
    log_in(browser)
    shorter = start(SESSION_ABSOLUTE_HOURS="2")
    for _ in range(3):
        clock.advance(minutes=30)
        assert is_in(shorter, browser)
    clock.advance(minutes=30)
    assert (is_in(shorter, browser), is_listed(shorter)) == (False, False)


def test_without_remembering_nobody_is_asked_and_a_forged_wish_is_not_heard(
    start: Callable[..., Flask], clock: Clock
) -> None:
    app = start(SESSION_REMEMBER_DAYS="0")
    add_person(app)
    browser = app.test_client()
    page = browser.get("/login").text
    assert 'name="remember"' not in page
    assert 'name="password"' in page
    response = log_in(browser, remember="y")
    (line,) = [each for each in response.headers.getlist("Set-Cookie") if each.startswith("portal_session=")]
    assert "Max-Age" not in line
    assert is_in(app, browser)
    clock.advance(hours=1)
    assert not is_in(app, browser)


def test_without_remembering_those_who_were_idle_out_like_others(
    start: Callable[..., Flask], remembered: FlaskClient, clock: Clock
) -> None:
    app = start(SESSION_REMEMBER_DAYS="0")
    assert (is_in(app, remembered), is_listed(app)) == (True, True)
    clock.advance(hours=1)
    assert (is_in(app, remembered), is_listed(app)) == (False, False)


def test_without_remembering_steady_use_lasts_as_long_as_for_others(
    start: Callable[..., Flask], remembered: FlaskClient, clock: Clock
) -> None:
    app = start(SESSION_REMEMBER_DAYS="0")
    for _ in range(23):
        clock.advance(minutes=30)
        assert is_in(app, remembered)
    clock.advance(minutes=30)
    assert (is_in(app, remembered), is_listed(app)) == (False, False)


@pytest.mark.parametrize(("days", "words"), [("30", "For 30 days."), ("7", "For 7 days."), ("1", "For 1 day.")])
def test_the_page_says_how_long(start: Callable[..., Flask], days: str, words: str) -> None:
    page = start(SESSION_REMEMBER_DAYS=days).test_client().get("/login", headers={"Accept-Language": "en"}).text
    assert words in re.sub(r"\s+", " ", page)


def test_an_older_cookie_of_a_remembered_person_is_written_anew_with_what_is_left(
    remembered: FlaskClient, clock: Clock
) -> None:
    """When the browser goes on as that person after having been somebody else."""
    app = remembered.application
    add_person(app, "bob@example.com")
    clock.advance(hours=10 * DAY)
    log_in(remembered, email="bob@example.com", path="/login?switch=1")
    page = remembered.get("/select-account").text
    found = re.findall(r'name="account" value="([^"]+)"', page)
    form = {"csrf_token": csrf_token(remembered, "/select-account"), "account": found[1]}
    lines = remembered.post("/select-account", data=form).headers.getlist("Set-Cookie")
    (line,) = [each for each in lines if each.startswith("portal_session=")]
    assert f"Max-Age={20 * DAY * 3600}" in line
