"""Section L: sessions and the account page. Ending them, their ends by themselves, and cookies that are none.

OWASP ASVS 5.0 chapter 7. There is no limit of sessions per person (docs/security.md says why): 214 holds that nobody's
session ends because of another one.
"""

import secrets
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from app import create_app
from app.settings import Settings
from tests.portal import close
from tests.relying_party import EMAIL, NAME, PASSWORD, RelyingParty, csrf_token, log_in
from tests.security.answers import is_challenged, is_page, is_refused
from tests.security.parties import Parties, left

DEVICES = "/account/sessions"


@pytest.fixture
def processes(fresh: Parties) -> Iterator[list[Flask]]:
    """The portal, and another worker on its database."""
    settings = Settings.for_testing(fresh.directory, fresh.database_url, RATE_LIMIT_ENABLED="false")
    other = create_app(settings, fresh.clock)
    yield [fresh.app, other]
    close(other)


def session_of(parties: Parties, browser: FlaskClient) -> str:
    """The id of a browser's session, as its own chooser shows it."""
    return browser.get("/select-account").text.partition('name="account" value="')[2].partition('"')[0]


def elsewhere(parties: Parties) -> FlaskClient:
    """Another device of Ada's, logged in."""
    browser = parties.app.test_client()
    assert log_in(browser).status_code == 303
    return browser


def is_dead(process: Flask, browser: FlaskClient) -> bool:
    """Whether the cookie of a browser opens nothing at a process."""
    cookie = browser.get_cookie("portal_session")
    assert cookie
    thief = process.test_client()
    thief.set_cookie("portal_session", cookie.value)
    return bool(thief.get(DEVICES).status_code == 303 and thief.get("/logout").location == "/logged-out")


def pressed(browser: FlaskClient, path: str) -> str:
    """Press the button of the list of devices that leads there; answers where it led."""
    answer = browser.post(path, data={"csrf_token": csrf_token(browser, DEVICES)})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_l205_one_that_is_ended_is_refused_at_its_next_request_in_every_worker(
    fresh: Parties, processes: list[Flask]
) -> None:
    lost, kept = elsewhere(fresh), elsewhere(fresh)
    client = RelyingParty(lost, "web", fresh.web.secret)
    tokens = client.tokens()
    assert session_of(fresh, lost) in fresh.browser.get(DEVICES).text
    pressed(fresh.browser, f"{DEVICES}/{session_of(fresh, lost)}/end")
    for process in processes:
        assert is_dead(process, lost)
        assert not is_dead(process, kept)
        assert not is_dead(process, fresh.browser)
        is_challenged(RelyingParty(process.test_client(), "web", client.secret).userinfo(tokens["access_token"]))
    is_refused(client.refresh(tokens["refresh_token"]), "invalid_grant")


def test_l205_all_others_end_and_this_one_stays(fresh: Parties, processes: list[Flask]) -> None:
    others = [elsewhere(fresh) for _ in range(3)]
    bob, _ = fresh.newcomer()
    pressed(fresh.browser, f"{DEVICES}/end-others")
    for process in processes:
        assert [is_dead(process, each) for each in others] == [True] * 3
        assert not is_dead(process, fresh.browser)
        assert not is_dead(process, bob)


GUESSES = ["{theirs}", "00000000-0000-4000-8000-000000000000", "1", "-1", "0", "{theirs}%00", "{upper}", "x" * 2000]


@pytest.mark.parametrize("guess", GUESSES)
def test_l206_a_guessed_id_ends_nothing(parties: Parties, guess: str) -> None:
    """The same answer for the session of another person and for none at all, on the page and in the API."""
    browser, email = parties.newcomer()
    theirs = session_of(parties, browser)
    name = guess.format(theirs=theirs, upper=theirs.upper())
    form = {"csrf_token": csrf_token(parties.browser, DEVICES)}
    is_page(parties.browser.post(f"{DEVICES}/{name}/end", data=form), 404)
    answer = parties.nobody.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
    bearer = {"Authorization": f"Bearer {answer.json['access_token']}"}
    assert parties.nobody.delete(f"/api/v1/auth/sessions/{name}", headers=bearer).status_code == 404
    assert email in browser.get("/logout").text


def test_l206_nothing_is_ended_by_a_link(parties: Parties) -> None:
    for path in (f"{DEVICES}/{session_of(parties, parties.browser)}/end", f"{DEVICES}/end-others"):
        assert parties.browser.get(path).status_code == 405
    assert parties.browser.get("/logout").status_code == 200


def test_l207_an_idle_session_ends(fresh: Parties, processes: list[Flask]) -> None:
    fresh.clock.advance(minutes=59, seconds=59)
    assert not is_dead(processes[1], fresh.browser)
    fresh.clock.advance(minutes=59, seconds=59)
    assert not is_dead(processes[0], fresh.browser)
    fresh.clock.advance(hours=1)
    assert [is_dead(process, fresh.browser) for process in processes] == [True, True]


def test_l207_a_session_in_steady_use_ends_all_the_same(fresh: Parties, processes: list[Flask]) -> None:
    for _ in range(23):
        fresh.clock.advance(minutes=30)
        assert not is_dead(processes[0], fresh.browser)
    fresh.clock.advance(minutes=30)
    assert [is_dead(process, fresh.browser) for process in processes] == [True, True]


def test_l207_who_is_remembered_is_so_for_thirty_days(fresh: Parties, processes: list[Flask]) -> None:
    browser = fresh.app.test_client()
    log_in(browser, remember="y")
    for _ in range(29):
        fresh.clock.advance(days=1)
        assert not is_dead(processes[0], browser)
    fresh.clock.advance(days=1)
    assert [is_dead(process, browser) for process in processes] == [True, True]


def changed(browser: FlaskClient, current: str) -> int:
    path = "/account/security/password"
    form = {"csrf_token": csrf_token(browser, path), "current": current, "password": "a wholly new passphrase 7"}
    return browser.post(path, data=form).status_code


def test_l208_a_new_password_takes_the_old_one_and_ends_the_other_sessions(
    fresh: Parties, processes: list[Flask]
) -> None:
    other = elsewhere(fresh)
    before = fresh.browser.get_cookie("portal_session")
    assert changed(fresh.browser, "a wrong guess") == 400
    assert not is_dead(processes[0], other)
    assert changed(fresh.browser, PASSWORD) == 303
    after = fresh.browser.get_cookie("portal_session")
    assert before
    assert after
    assert before.value != after.value
    for process in processes:
        thief = process.test_client()
        thief.set_cookie("portal_session", before.value)
        assert thief.get("/logout").location == "/logged-out"
        assert is_dead(process, other)
        assert not is_dead(process, fresh.browser)
    assert log_in(fresh.app.test_client()).status_code == 401


def signed(value: str, key: str) -> str:
    return str(URLSafeTimedSerializer(key, salt="cookie-session").dumps({"_id": value, "csrf_token": value}))


COOKIES: list[Callable[[str], str]] = [
    lambda good: good[:-1] + ("a" if good[-1] != "a" else "b"),
    lambda good: ("a" if good[0] != "a" else "b") + good[1:],
    lambda good: good + "a",
    lambda good: good[:-1],
    lambda good: good.swapcase(),
    lambda good: good + " ",
    lambda good: f'"{good}',
    lambda good: f"{good}.{good}",
    lambda good: f"{good}\x00",
    lambda good: "é" * 43,
    lambda good: "",
    lambda good: "x" * 100_000,
    lambda good: signed(good, "another secret key, long enough for all"),
    lambda good: secrets.token_urlsafe(32),
    lambda good: "' OR 1=1 --",
]


@pytest.mark.parametrize("name", ["portal_session", "portal_accounts", "portal_accounts_kept", "portal_form"])
@pytest.mark.parametrize("change", COOKIES, ids=range(len(COOKIES)))
def test_l211_a_cookie_that_was_changed_is_none(parties: Parties, name: str, change: Callable[[str], str]) -> None:
    good = parties.browser.get_cookie("portal_session")
    assert good
    for path in (DEVICES, "/login", "/logout", "/select-account", "/"):
        answer = parties.app.test_client().get(path, headers={"Cookie": f"{name}={change(good.value)}"})
        assert answer.status_code in {200, 302, 303}, (path, answer.status_code)
        assert NAME not in answer.text
    assert parties.browser.get("/logout").status_code == 200


def test_l213_without_remembering_long_sessions_end_by_the_rules_of_others(fresh: Parties) -> None:
    browser = fresh.app.test_client()
    log_in(browser, remember="y")
    environ = {"RATE_LIMIT_ENABLED": "false", "SESSION_REMEMBER_DAYS": "0"}
    stricter = create_app(Settings.for_testing(fresh.directory, fresh.database_url, **environ), fresh.clock)
    assert 'name="remember"' not in stricter.test_client().get("/login").text
    assert not is_dead(stricter, browser)
    fresh.clock.advance(hours=1)
    assert is_dead(stricter, browser)
    close(stricter)


def test_l214_no_session_ends_because_there_are_many(fresh: Parties) -> None:
    client = fresh.client("steady")
    tokens = client.tokens()
    many = [elsewhere(fresh) for _ in range(30)]
    assert client.userinfo(tokens["access_token"]).status_code == 200
    assert [is_dead(fresh.app, each) for each in (fresh.browser, *many)] == [False] * 31


def test_l214_a_browser_that_holds_too_many_ends_only_its_own(fresh: Parties) -> None:
    """Five people at most in one browser: the session there that was not used for longest makes room."""
    browser, first = fresh.app.test_client(), elsewhere(fresh)
    log_in(browser)
    for _ in range(5):
        _, email = fresh.newcomer()
        fresh.clock.advance(minutes=1)
        log_in(browser, email=email, path="/login?switch=1")
    assert EMAIL not in browser.get("/select-account").text
    assert not is_dead(fresh.app, first)
    assert not is_dead(fresh.app, fresh.browser)
    left(browser)
    assert not is_dead(fresh.app, first)
