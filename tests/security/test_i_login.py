"""Section I, logging in: nothing is revealed, forms are ours, the session is new, and guessing is slow.

OWASP ASVS 5.0 sections 3.5, 6.3 and 7.2; WSTG-IDNT-04, WSTG-SESS-03, WSTG-SESS-05, WSTG-CLNT-04.
"""

import re
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models import User
from app.stores import sqlite
from tests.clock import Clock
from tests.relying_party import EMAIL, PASSWORD, add_person, csrf_token, log_in
from tests.security.answers import is_page
from tests.security.parties import Parties

EVIL = [
    "https://evil.test",
    "//evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "javascript:alert(1)",
    "%2f%2fevil.test",
    "https:evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "\thttps://evil.test",
    "https://localhost:8000@evil.test",
    "//localhost:8000.evil.test",
    "evil.test",
    "data:text/html,x",
    " /terms",
    "/%0d%0aSet-Cookie: x=y\r\nX: y",
]


def without_secrets(response: TestResponse) -> tuple[int, str, list[str]]:
    """An answer without what differs each time: form tokens, nonces, ids."""
    text = re.sub(r'value="[^"]*"|nonce-[\w-]+|[0-9a-f]{32}', "", response.text)
    return response.status_code, text, sorted({name for name, _ in response.headers})


def without_password(parties: Parties) -> str:
    """Somebody who never set one."""
    add_person(parties.app, "social@example.com")
    with parties.app.app_context():
        db = parties.app.extensions["services"].db
        db.session.execute(sa.update(User).where(User.email == "social@example.com").values(password_hash=None))
        db.commit()
    return "social@example.com"


def test_i160_wrong_unknown_disabled_and_without_a_password_are_one_answer(fresh: Parties) -> None:
    _, gone = fresh.newcomer()
    fresh.run("users", "disable", gone)
    tried = [(EMAIL, "wrong"), ("nobody@example.com", PASSWORD), (gone, PASSWORD), (without_password(fresh), PASSWORD)]
    answers = [log_in(fresh.app.test_client(), email=email, password=password) for email, password in tried]
    for answer in answers:
        is_page(answer, 401)
    assert len({str(without_secrets(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("kind", ["none", "empty", "forged", "another browser's"])
def test_i161_a_form_without_its_own_token_logs_nobody_in(parties: Parties, kind: str) -> None:
    browser = parties.app.test_client()
    own = csrf_token(browser, "/login")
    token = {
        "none": None,
        "empty": "",
        "forged": own[:-4] + "AAAA",
        "another browser's": csrf_token(parties.app.test_client(), "/login"),
    }[kind]
    form = {"email": EMAIL, "password": PASSWORD, **({} if token is None else {"csrf_token": token})}
    answer = browser.post("/login", data=form)
    is_page(answer)
    assert "portal_session" not in str(answer.headers.getlist("Set-Cookie"))
    assert browser.get("/logout").location == "/logged-out"


def test_i162_the_cookie_is_new_after_a_login_and_the_old_one_dead(parties: Parties) -> None:
    browser = parties.app.test_client()
    planted = "a" * 43
    browser.set_cookie("portal_session", planted)
    log_in(browser)
    first = browser.get_cookie("portal_session")
    assert first is not None
    assert first.value != planted
    log_in(browser, path="/login?switch=1")
    second = browser.get_cookie("portal_session")
    assert second is not None
    assert second.value != first.value
    for dead in (planted, first.value):
        thief = parties.app.test_client()
        thief.set_cookie("portal_session", dead)
        assert thief.get("/logout").location == "/logged-out"


@pytest.mark.parametrize("origin", ["https://evil.test", "http://localhost:8000.evil.test", "http://localhost:8001"])
def test_i163_another_sites_form_does_not_log_its_victim_in(parties: Parties, origin: str) -> None:
    attacker, victim = parties.app.test_client(), parties.app.test_client()
    form = {"csrf_token": csrf_token(attacker, "/login"), "email": EMAIL, "password": PASSWORD}
    csrf_token(victim, "/login")
    # The attacker's own token is nothing in the victim's browser, and the origin gives the site away.
    is_page(victim.post("/login", data=form, headers={"Origin": origin}), 403)
    is_page(victim.post("/login", data=form, headers={"Origin": "null"}), 400)
    is_page(victim.post("/login", data=form), 400)
    assert victim.get("/logout").location == "/logged-out"


@pytest.mark.parametrize("target", EVIL)
def test_i164_after_logging_in_or_confirming_people_stay_here(fresh: Parties, target: str) -> None:
    browser = fresh.app.test_client()
    form = {"csrf_token": csrf_token(browser, "/login"), "email": EMAIL, "password": PASSWORD}
    for name in ("next", "return_to", "redirect", "continue"):
        answer = browser.post("/login", query_string={name: target, "switch": 1}, data=form)
        assert (answer.status_code, answer.location) == (303, "/")
        form["csrf_token"] = csrf_token(browser, "/login?switch=1")
    assert browser.get("/confirm", query_string={"next": target}).location == "/"
    fresh.clock.advance(seconds=601)
    form = {"csrf_token": csrf_token(browser, "/confirm"), "password": PASSWORD}
    assert browser.post("/confirm", query_string={"next": target}, data=form).location == "/"


def guess(app: Flask, address: str, password: str = "wrong", browser: FlaskClient | None = None) -> int:
    browser = browser or app.test_client()
    page = "/login?switch=1"
    form = {"csrf_token": csrf_token(browser, page), "email": EMAIL, "password": password}
    return browser.post(page, data=form, environ_base={"REMOTE_ADDR": address}).status_code


def test_i167_guessing_from_one_address_and_from_many_is_slowed_down(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="none")
    add_person(app)
    assert [guess(app, "192.0.2.1") for _ in range(10)] == [401] * 5 + [429] * 5
    # The address may not try another account either, nor any address this one, with the right password least of all.
    assert log_in_from(app, "192.0.2.1", "nobody@example.com") == 429
    assert [guess(app, f"198.51.100.{number}") for number in range(10)] == [429] * 10
    assert guess(app, "203.0.113.9", PASSWORD) == 429


def log_in_from(app: Flask, address: str, email: str) -> int:
    browser = app.test_client()
    form = {"csrf_token": csrf_token(browser, "/login"), "email": email, "password": PASSWORD}
    return browser.post("/login", data=form, environ_base={"REMOTE_ADDR": address}).status_code


def test_i167_the_owner_is_locked_out_neither_at_home_nor_for_ever(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = time.time()
    monkeypatch.setattr(sqlite, "time", SimpleNamespace(time=lambda: moment))
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="none", RATE_LIMIT_LOGIN="3/10 seconds")
    add_person(app)
    home = app.test_client()
    assert guess(app, "203.0.113.1", PASSWORD, home) == 303
    assert [guess(app, f"198.51.100.{number}") for number in range(6)][3:] == [429] * 3
    assert guess(app, "203.0.113.1", PASSWORD, home) == 303
    elsewhere = app.test_client()
    assert guess(app, "203.0.113.2", PASSWORD, elsewhere) == 429
    moment += 25
    assert guess(app, "203.0.113.2", PASSWORD, elsewhere) == 303


def test_i179_who_is_logged_in_already_is_led_on(parties: Parties) -> None:
    assert parties.browser.get("/login").location == "/"
    _, email = parties.newcomer()
    form = {"csrf_token": csrf_token(parties.browser, "/logout"), "email": email, "password": PASSWORD}
    assert parties.browser.post("/login", data=form).location == "/"
    assert EMAIL in parties.browser.get("/logout").text
    assert email not in parties.browser.get("/logout").text


def test_i179_another_person_gets_a_session_and_a_cookie_of_their_own(fresh: Parties, clock: Clock) -> None:
    browser = fresh.app.test_client()
    log_in(browser)
    before = browser.get_cookie("portal_session")
    _, email = fresh.newcomer()
    assert log_in(browser, email=email, path="/login?switch=1").status_code == 303
    after = browser.get_cookie("portal_session")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    confirm = "/confirm?next=/terms"
    fresh.clock.advance(seconds=601)
    page = browser.get(confirm)
    assert email in page.text
    assert EMAIL not in page.text
