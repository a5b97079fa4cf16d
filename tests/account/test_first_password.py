"""An account without a password says so, and gets one from whoever has just proven to be its person."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.services.foundation.environment import NOBODY
from tests.account.browsing import IPHONE, Facts, english, send, shown
from tests.clock import Clock
from tests.login.test_pages import shown_errors
from tests.mailbox import received
from tests.relying_party import EMAIL, csrf_token, log_in, take_password

SECURITY, PAGE = "/account/security", "/account/security/password"
NEW = "violet lantern 72 harbour"


@pytest.fixture
def without(app: Flask, browser: FlaskClient, ada: str) -> FlaskClient:
    """The browser of Ada, whose account never had a password."""
    take_password(app, ada)
    return browser


def test_the_page_says_that_there_is_none_and_leads_to_the_first(without: FlaskClient) -> None:
    page = shown(without.get(SECURITY))
    assert "No password yet" in page
    assert "Set a password" in page
    assert "Change password" not in page
    form = shown(without.get(PAGE))
    assert 'name="current"' not in form
    assert f'value="{EMAIL}" autocomplete="username"' in form
    assert 'autocomplete="new-password"' in form


def test_who_has_one_is_asked_for_it(browser: FlaskClient) -> None:
    assert "No password yet" not in shown(browser.get(SECURITY))
    assert 'name="current"' in shown(browser.get(PAGE))
    assert send(browser, PAGE, password=NEW).status_code == 400


def test_the_first_password_opens_the_account_and_ends_what_is_elsewhere(
    app: Flask, browser: FlaskClient, ada: str
) -> None:
    phone = english(app, IPHONE)
    log_in(phone)
    take_password(app, ada)
    before = browser.get_cookie("portal_session")
    received(app)
    response = send(browser, PAGE, password=NEW)
    assert (response.status_code, response.location) == (303, SECURITY)
    page = shown(browser.get(SECURITY))
    assert "Your password is set. You are logged out everywhere else." in page
    assert "Change password" in page
    after = browser.get_cookie("portal_session")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert phone.get("/account").status_code == 303
    assert [mail.template for mail in received(app)] == ["password_changed"]
    assert log_in(app.test_client(), password=NEW).status_code == 303


@pytest.mark.parametrize("password", ["", "short", "password1", EMAIL, "x" * 2000])
def test_a_weak_one_is_none(without: FlaskClient, facts: Facts, password: str) -> None:
    response = send(without, PAGE, password=password)
    assert response.status_code == 400
    assert len(shown_errors(response.text)) == 1
    assert facts.one("SELECT password_hash FROM users WHERE email = :email", email=EMAIL) is None


def test_it_wants_a_proof_that_is_not_old(without: FlaskClient, facts: Facts, clock: Clock) -> None:
    token = csrf_token(without, PAGE)
    clock.advance(minutes=11)
    for response in (without.get(PAGE), without.post(PAGE, data={"csrf_token": token, "password": NEW})):
        assert (response.status_code, response.location) == (303, f"/confirm?next={PAGE}")
    assert facts.one("SELECT password_hash FROM users WHERE email = :email", email=EMAIL) is None


def test_a_form_of_another_site_sets_none(without: FlaskClient, facts: Facts) -> None:
    assert without.post(PAGE, data={"password": NEW}).status_code == 400
    assert without.post(PAGE, data={"password": NEW}, headers={"Origin": "https://evil.test"}).status_code == 403
    assert facts.one("SELECT password_hash FROM users WHERE email = :email", email=EMAIL) is None


def test_one_that_was_set_meanwhile_is_not_overwritten(app: Flask, without: FlaskClient, ada: str) -> None:
    token = csrf_token(without, PAGE)
    with app.app_context():
        services = app.extensions["services"]
        services.accounts.set_first_password(ada, "quiet amber 51 meadow", NOBODY, keep_session_id=None)
        services.db.session.commit()
    refused = without.post(PAGE, data={"csrf_token": token, "password": NEW})
    assert refused.status_code in {303, 400}
    assert log_in(app.test_client(), password="quiet amber 51 meadow").status_code == 303
    assert log_in(app.test_client(), password=NEW).status_code == 401


@pytest.mark.parametrize(
    "path", ["/account", "/account/security/email", "/account/data/delete", "/account/data/export"]
)
def test_what_is_sensitive_is_there_for_who_has_none(without: FlaskClient, clock: Clock, path: str) -> None:
    assert without.get(path).status_code == 200
    clock.advance(minutes=11)
    assert without.get(path).location in (None, f"/confirm?next={path}")


def test_who_has_none_changes_the_address_and_ends_the_account(without: FlaskClient) -> None:
    assert send(without, "/account/security/email", email="new@example.com").status_code == 303
    assert send(without, "/account/data/delete", email=EMAIL).status_code == 303
