"""A person's own browsers: known by a cookie, with a count of attempts of their own; new ones are told about."""

import re
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models import KnownDevice
from app.services.foundation.environment import sha256
from tests.clock import Clock
from tests.login.test_addresses import register
from tests.mailbox import only_mail, received
from tests.relying_party import EMAIL, PASSWORD, add_person, csrf_token, log_in

OTHER = "bob@example.com"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)


@pytest.fixture
def person(app: Flask) -> str:
    return add_person(app)


@pytest.fixture
def limited(make_app: Callable[..., Flask]) -> Flask:
    """A portal that counts, with Ada in it."""
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="none")
    add_person(app)
    return app


def device_of(browser: FlaskClient) -> str:
    cookie = browser.get_cookie("portal_device")
    return cookie.value if cookie else ""


def known(app: Flask) -> list[tuple[str, str]]:
    """Every browser that is known: the hash of its cookie and whose it is."""
    with app.app_context():
        rows = app.extensions["services"].db.session.execute(sa.select(KnownDevice.device_hash, KnownDevice.user_id))
        return [(device_hash, user_id) for device_hash, user_id in rows]


def guess(app: Flask, address: str, email: str = EMAIL, browser: FlaskClient | None = None) -> TestResponse:
    browser = browser or app.test_client()
    form = {"csrf_token": csrf_token(browser, "/login?switch=1"), "email": email, "password": "wrong"}
    return browser.post("/login?switch=1", data=form, environ_base={"REMOTE_ADDR": address})


def addresses() -> Iterator[str]:
    yield from (f"192.0.2.{number}" for number in range(1, 255))


def test_a_login_gives_the_browser_a_cookie_of_which_only_the_hash_is_kept(
    app: Flask, client: FlaskClient, person: str
) -> None:
    answer = log_in(client)
    (line,) = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith("portal_device=")]
    morsel = SimpleCookie(line)["portal_device"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", morsel.value)
    assert {name: value for name, value in morsel.items() if value and name != "expires"} == {
        "path": "/",
        "httponly": True,
        "samesite": "Lax",
        "max-age": "31536000",
    }
    assert known(app) == [(sha256(morsel.value), person)]


def test_over_tls_the_cookie_is_bound_to_the_host(make_app: Callable[..., Flask]) -> None:
    app = make_app(PUBLIC_URL="https://id.example.com", SESSION_COOKIE_SAMESITE="None")
    add_person(app)
    answer = log_in(app.test_client())
    (line,) = [each for each in answer.headers.getlist("Set-Cookie") if "portal_device=" in each]
    assert line.startswith("__Host-portal_device=")
    assert line.endswith("; Secure; HttpOnly; Path=/; SameSite=Lax")


@pytest.mark.parametrize("fields", [{"password": "wrong"}, {"email": "nobody@example.com"}, {"csrf_token": "x"}])
def test_a_failed_login_makes_no_browser_known(
    app: Flask, client: FlaskClient, person: str, fields: dict[str, str]
) -> None:
    assert "portal_device" not in str(log_in(client, **fields).headers.getlist("Set-Cookie"))
    assert known(app) == []


def test_the_first_browser_is_no_news_and_the_second_one_is(app: Flask, person: str, clock: Clock) -> None:
    log_in(app.test_client())
    assert received(app) == []
    clock.advance(minutes=5)
    browser = app.test_client()
    form = {"csrf_token": csrf_token(browser, "/login"), "email": EMAIL, "password": PASSWORD}
    browser.post("/login", data=form, headers={"User-Agent": CHROME}, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    mail = only_mail(app, "new_device")
    assert (mail.to, mail.path) == (EMAIL, "/account/sessions")
    assert {name: mail.values[name] for name in ("device", "place", "at")} == {
        "device": CHROME,
        "place": "192.0.2.7",
        "at": {"at": clock.now.isoformat()},
    }
    with app.app_context():
        events = (
            app.extensions["services"]
            .db.session.connection()
            .exec_driver_sql("select user_id, ip from oauth_audit_logs where action = 'account:device:added'")
        )
        assert [tuple(event) for event in events] == [(person, "192.0.2.7")]


def test_a_known_browser_is_no_news_for_a_year_after_its_last_use(app: Flask, person: str, clock: Clock) -> None:
    browser = app.test_client()
    log_in(app.test_client())
    log_in(browser)
    received(app)
    for days in (364, 364):
        clock.advance(days=days)
        assert log_in(browser).status_code == 303
        assert received(app) == []
    clock.advance(days=365)
    log_in(browser)
    only_mail(app, "new_device")


def test_registering_makes_the_browser_known(app: Flask, client: FlaskClient) -> None:
    register(client)
    only_mail(app, "verify_email")
    log_in(client, email="min@example.com", path="/login?switch=1")
    assert received(app) == []


def test_a_browser_of_two_people_is_known_for_both_and_one_persons_is_not_the_others(
    app: Flask, client: FlaskClient, person: str
) -> None:
    add_person(app, OTHER)
    log_in(app.test_client(), email=OTHER)
    log_in(client)
    log_in(client, email=OTHER, path="/login?switch=1")
    assert [mail.to for mail in received(app)] == [OTHER]
    for email in (EMAIL, OTHER):
        log_in(client, email=email, path="/login?switch=1")
    assert received(app) == []


def test_a_cookie_that_was_planted_does_not_become_the_persons(app: Flask, client: FlaskClient, person: str) -> None:
    add_person(app, OTHER)
    attacker = app.test_client()
    log_in(attacker, email=OTHER)
    planted = device_of(attacker)
    client.set_cookie("portal_device", planted)
    log_in(client)
    assert device_of(client) != planted
    assert sha256(planted) not in {device_hash for device_hash, _ in known(app)}


@pytest.mark.parametrize("cookie", ["x", "y" * 43, "a" * 3500, "é" * 30])
def test_a_cookie_that_is_not_ours_is_none(app: Flask, client: FlaskClient, person: str, cookie: str) -> None:
    client.set_cookie("portal_device", cookie)
    assert log_in(client).status_code == 303
    assert device_of(client) != cookie
    assert len(known(app)) == 1


def test_mails_about_programs_that_keep_no_cookies_are_bounded(limited: Flask, clock: Clock) -> None:
    app = limited
    for address in list(addresses())[:13]:
        browser = app.test_client()
        form = {"csrf_token": csrf_token(browser, "/login"), "email": EMAIL, "password": PASSWORD}
        browser.set_cookie("portal_device", "")
        browser.post("/login?switch=1", data=form, environ_base={"REMOTE_ADDR": address})
    assert len(received(app)) <= 10


def test_at_most_fifty_browsers_are_remembered_for_a_person(app: Flask, person: str, clock: Clock) -> None:
    with app.app_context():
        services = app.extensions["services"]
        tokens = []
        for _ in range(52):
            clock.advance(seconds=1)
            tokens.append(services.devices.remember(person, ""))
        assert [services.devices.is_known(person, token) for token in tokens] == [False] * 2 + [True] * 50
        services.db.commit()


def test_strangers_cannot_lock_the_owners_browser_out(limited: Flask) -> None:
    app, source = limited, addresses()
    owner = app.test_client()
    log_in(owner)
    answers = [guess(app, next(source)).status_code for _ in range(8)]
    assert answers == [401] * 5 + [429] * 3  # the owner's first login was no guess
    assert log_in(app.test_client()).status_code == 429
    assert log_in(owner, path="/login?switch=1").status_code == 303


def test_a_known_browser_has_no_more_guesses_than_others(limited: Flask) -> None:
    owner = limited.test_client()
    log_in(owner)
    form = {"csrf_token": csrf_token(owner, "/login?switch=1"), "email": EMAIL, "password": "wrong"}
    answers = [owner.post("/login?switch=1", data=form) for _ in range(6)]
    assert [each.status_code for each in answers] == [401] * 5 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


def test_a_browser_known_for_one_account_is_a_stranger_to_others(limited: Flask) -> None:
    add_person(limited, OTHER)
    browser, source = limited.test_client(), addresses()
    log_in(browser, email=OTHER)
    answers = [guess(limited, next(source), browser=browser).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


def test_a_cookie_with_an_address_that_has_no_account_changes_nothing(limited: Flask) -> None:
    browser, source = limited.test_client(), addresses()
    log_in(browser)
    for email in ("nobody@example.com", OTHER):
        answers = [guess(limited, next(source), email, browser).status_code for _ in range(6)]
        assert answers == [401] * 5 + [429]
