"""The password once more before something sensitive: the same person, throttled, and back to where it was needed."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models import AuditLog
from tests.clock import Clock
from tests.login.test_pages import shown_errors
from tests.relying_party import EMAIL, PASSWORD, add_person, csrf_token, log_in

PAGE = "/confirm?next=/terms"


@pytest.fixture
def person(app: Flask) -> str:
    return add_person(app)


@pytest.fixture
def stale(app: Flask, client: FlaskClient, person: str, clock: Clock) -> FlaskClient:
    """A browser whose person typed the password a while ago."""
    log_in(client)
    clock.advance(seconds=601)
    return client


def confirm(browser: FlaskClient, password: str = PASSWORD, path: str = PAGE, **fields: str) -> TestResponse:
    return browser.post(path, data={"csrf_token": csrf_token(browser, path), "password": password, **fields})


def events(app: Flask) -> list[tuple[str, bool]]:
    with app.app_context():
        confirmed = sa.select(AuditLog).where(AuditLog.action == "account:password:confirmed")
        return [(row.user_id, row.success) for row in app.extensions["services"].db.session.scalars(confirmed)]


def test_it_is_asked_only_a_while_after_the_password_was_typed(client: FlaskClient, person: str, clock: Clock) -> None:
    log_in(client)
    clock.advance(seconds=600)
    assert client.get(PAGE).location == "/terms"
    clock.advance(seconds=1)
    page = client.get(PAGE, headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert "it is a while since you typed your password" in page.text
    assert EMAIL in page.text


def test_the_right_password_leads_on_under_a_new_cookie(app: Flask, stale: FlaskClient, person: str) -> None:
    old = stale.get_cookie("portal_session")
    answer = confirm(stale)
    assert answer.location == "/terms"
    new = stale.get_cookie("portal_session")
    assert old is not None
    assert new is not None
    assert old.value != new.value
    thief = app.test_client()
    thief.set_cookie("portal_session", old.value)
    assert thief.get("/logout").location == "/logged-out"
    assert stale.get(PAGE).location == "/terms"
    assert events(app) == [(person, True)]


def test_confirming_keeps_the_session_as_long_as_it_was_meant_to_be_kept(
    app: Flask, client: FlaskClient, person: str, clock: Clock
) -> None:
    log_in(client, remember="y")
    clock.advance(seconds=601)
    cookies = str(confirm(client).headers.getlist("Set-Cookie"))
    assert "portal_session" in cookies
    assert "Max-Age=2592000" in cookies


def test_another_persons_password_confirms_nothing(app: Flask, stale: FlaskClient, person: str) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.accounts.create("bob@example.com", "another fine password 7")
        services.db.commit()
    refused = confirm(stale, "another fine password 7", email="bob@example.com")
    assert (refused.status_code, len(shown_errors(refused.text))) == (401, 1)
    assert stale.get(PAGE).status_code == 200
    assert events(app) == [(person, False)]


@pytest.mark.parametrize("fields", [{"password": ""}, {"password": "wrong"}, {"csrf_token": "stale"}])
def test_a_refused_confirmation_keeps_cookie_and_place(stale: FlaskClient, fields: dict[str, str]) -> None:
    refused = confirm(stale, **fields)
    assert refused.status_code in {400, 401}
    assert "portal_session" not in str(refused.headers.getlist("Set-Cookie"))
    assert confirm(stale).location == "/terms"


def test_who_is_logged_out_is_sent_to_log_in(client: FlaskClient) -> None:
    assert client.get(PAGE).location == "/login?next=/terms"
    assert client.post(PAGE, data={"password": PASSWORD}).location == "/login?next=/terms"


def test_a_disabled_person_confirms_nothing(app: Flask, stale: FlaskClient) -> None:
    token = csrf_token(stale, PAGE)
    app.test_cli_runner().invoke(args=["users", "disable", EMAIL])
    assert stale.post(PAGE, data={"csrf_token": token, "password": PASSWORD}).location == "/login?next=/terms"


def test_guesses_are_counted_with_those_at_the_login_page(make_app: Callable[..., Flask], clock: Clock) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="none")
    add_person(app)
    browser = app.test_client()
    log_in(browser)
    clock.advance(seconds=601)
    answers = [confirm(browser, "wrong") for _ in range(3)]
    answers += [log_in(browser, path="/login?switch=1", password="wrong") for _ in range(2)]
    answers += [confirm(browser, PASSWORD)]
    assert [each.status_code for each in answers] == [401] * 5 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
