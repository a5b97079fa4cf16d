"""A forgotten password: the same answer for everybody, a link for who has an account, and all that a reset ends."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.clock import Clock
from tests.login.test_pages import shown_errors
from tests.mailbox import only_mail, received
from tests.relying_party import EMAIL, NAME, PASSWORD, RelyingParty, add_client, add_person, csrf_token, log_in

ENGLISH = {"Accept-Language": "en"}
NEW = "violet lantern 72 harbour"


@pytest.fixture
def person(app: Flask) -> str:
    return add_person(app)


def ask(browser: FlaskClient, email: str = EMAIL, path: str = "/forgot-password") -> TestResponse:
    return browser.post(path, data={"csrf_token": csrf_token(browser, path), "email": email})


def choose(browser: FlaskClient, path: str, password: str = NEW) -> TestResponse:
    """Open a mailed link and send the form on it."""
    page = browser.get(path)
    assert page.status_code == 200, page.text
    action = re.search(r'<form method="post" action="(/reset-password[^"]*)"', page.text)
    fields = dict(re.findall(r'name="(csrf_token|token)"[^>]*value="([^"]*)"', page.text))
    assert action
    return browser.post(action[1].replace("&amp;", "&"), data={**fields, "password": password})


def mailed_link(app: Flask, **arguments: str) -> str:
    """The link that somebody who asks for one gets."""
    assert ask(app.test_client(), **arguments).status_code == 303
    return only_mail(app, "reset_password").path


def test_the_link_is_mailed_in_the_language_of_the_page_and_says_until_when_it_is_good(
    app: Flask, client: FlaskClient, person: str, clock: Clock
) -> None:
    client.set_cookie("lang", "en")
    assert ask(client, " Ada@Example.com ").location == "/forgot-password?sent=1"
    mail = only_mail(app, "reset_password")
    assert (mail.to, mail.language, mail.values["name"]) == (EMAIL, "en", NAME)
    assert re.fullmatch(r"/reset-password\?token=[A-Za-z0-9_-]{43}", mail.path)
    clock.advance(hours=1)
    assert mail.values["expires_at"] == {"at": clock.now.isoformat()}


def test_nobody_is_mailed_for_an_address_without_an_active_account(app: Flask, client: FlaskClient) -> None:
    add_person(app, "gone@example.com")
    app.test_cli_runner().invoke(args=["users", "disable", "gone@example.com"])
    assert only_mail(app, "account_disabled").to == "gone@example.com"
    for email in ("gone@example.com", "nobody@example.com", "nobody@example.com' OR 1=1 --@example.com"):
        ask(client, email)
    assert received(app) == []


def test_a_new_password_ends_everything_the_old_one_opened(app: Flask, client: FlaskClient, person: str) -> None:
    log_in(client)
    party = RelyingParty(client, "web", add_client(app, "web", is_confidential=True))
    tokens, code = party.tokens(), party.code()
    link = mailed_link(app)
    visitor = app.test_client()
    assert choose(visitor, link).location == "/login?switch=1"
    assert party.userinfo(tokens["access_token"]).status_code == 401
    assert party.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert party.redeem(code).json["error"] == "invalid_grant"
    assert client.get("/logout").location == "/logged-out"
    assert log_in(app.test_client()).status_code == 401
    assert log_in(app.test_client(), password=NEW).status_code == 303


def test_a_reset_logs_nobody_in_and_leads_to_the_login_page_with_the_address_filled_in(
    app: Flask, client: FlaskClient, person: str
) -> None:
    answer = choose(client, mailed_link(app))
    assert "portal_session" not in str(answer.headers.getlist("Set-Cookie"))
    page = client.get(answer.location, headers=ENGLISH)
    assert f'value="{EMAIL}"' in page.text
    assert "Your password was changed. Log in with the new one." in page.text
    assert "Your password was changed" not in client.get(answer.location, headers=ENGLISH).text


def test_the_request_of_an_application_goes_on_after_a_reset_in_another_browser(app: Flask, person: str) -> None:
    secret = add_client(app, "web", is_confidential=True)
    start = RelyingParty(app.test_client(), "web", secret).authorize().location
    interaction = start.partition("interaction=")[2]
    link = mailed_link(app, path=f"/forgot-password?interaction={interaction}")
    assert link.endswith(f"&interaction={interaction}")
    elsewhere = app.test_client()
    login = choose(elsewhere, link).location
    assert login == f"/login?interaction={interaction}&switch=1"
    onward = log_in(elsewhere, path=login, password=NEW)
    assert "code=" in elsewhere.get(onward.location).location


def test_the_request_of_an_application_that_is_over_does_not_stop_a_reset(app: Flask, person: str) -> None:
    link = mailed_link(app)
    assert choose(app.test_client(), f"{link}&interaction=gone").location == "/login?switch=1"


@pytest.mark.parametrize("password", ["short", "password1", "ada@example.com", "x" * 1025, ""])
def test_a_weak_password_is_refused_and_leaves_the_link_good(app: Flask, person: str, password: str) -> None:
    link, browser = mailed_link(app), app.test_client()
    refused = choose(browser, link, password)
    assert refused.status_code == 400
    assert shown_errors(refused.text)
    assert choose(browser, link).status_code == 303


def test_a_form_without_its_token_is_shown_again_and_changes_nothing(app: Flask, person: str) -> None:
    link, browser = mailed_link(app), app.test_client()
    refused = browser.post("/reset-password", data={"token": link.partition("token=")[2], "password": NEW})
    assert refused.status_code == 400
    assert NEW not in refused.text
    assert choose(browser, link).status_code == 303


def test_opening_the_link_changes_nothing(app: Flask, person: str) -> None:
    link = mailed_link(app)
    for _ in range(3):
        assert app.test_client().get(link).status_code == 200
        assert app.test_client().head(link).status_code == 200
    assert log_in(app.test_client()).status_code == 303


def test_a_link_that_is_no_good_offers_a_new_one_and_the_way_back(app: Flask, person: str) -> None:
    start = RelyingParty(app.test_client(), "web", add_client(app, "web", is_confidential=True)).authorize().location
    kept = start.partition("?")[2]
    page = app.test_client().get(f"/reset-password?token=unknown&{kept}", headers=ENGLISH)
    assert page.status_code == 410
    assert "Your password is what it was." in page.text
    assert f'href="/forgot-password?{kept}"' in page.text
    assert f'href="/login?{kept}"' in page.text


def test_a_reset_proves_the_address_voids_other_links_and_is_told(
    app: Flask, client: FlaskClient, clock: Clock
) -> None:
    form = {"name": "Min", "email": "min@example.com", "password": PASSWORD}
    client.post("/register", data={**form, "csrf_token": csrf_token(client, "/register")})
    verification = only_mail(app, "verify_email").path
    older = mailed_link(app, email="min@example.com")
    link = mailed_link(app, email="min@example.com")
    browser = app.test_client()
    clock.advance(minutes=1)
    assert choose(browser, link).status_code == 303
    told = only_mail(app, "password_changed")
    assert (told.to, told.values["at"]) == ("min@example.com", {"at": clock.now.isoformat()})
    assert {told.values["place"], PASSWORD in str(told), NEW in str(told)} == {"127.0.0.1", False}
    for dead in (link, older, verification):
        assert app.test_client().get(dead).status_code == 410
    with app.app_context():
        assert app.extensions["services"].accounts.find("min@example.com").email_verified


def test_the_browser_that_reset_the_password_is_known_and_no_other(app: Flask, person: str) -> None:
    before = app.test_client()
    log_in(before)
    link, browser = mailed_link(app), app.test_client()
    choose(browser, link)
    received(app)
    log_in(browser, password=NEW)
    assert received(app) == []
    log_in(before, path="/login?switch=1", password=NEW)
    only_mail(app, "new_device")


def test_an_account_is_mailed_five_links_an_hour_and_the_answer_stays_the_same(
    make_app: Callable[..., Flask], clock: Clock
) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_LOGIN="100/minute", RATE_LIMIT_DEFAULT="none")
    add_person(app)
    answers = {ask(app.test_client()).location for _ in range(8)}
    assert answers == {"/forgot-password?sent=1"}
    assert [mail.template for mail in received(app)] == ["reset_password"] * 5


@pytest.mark.parametrize(
    "email", ["", "no e-mail", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com"]
)
def test_what_is_no_address_is_said_beside_its_field(app: Flask, client: FlaskClient, email: str) -> None:
    refused = ask(client, email)
    assert (refused.status_code, len(shown_errors(refused.text))) == (400, 1)
    assert received(app) == []


def test_where_no_mail_can_leave_nothing_promises_one(
    make_app: Callable[..., Flask], open_database: Callable[..., str]
) -> None:
    production = {
        "APP_ENV": "production",
        "PUBLIC_URL": "https://id.example.com",
        "SECRET_KEY": "s" * 40,
        "ENCRYPTION_KEYS": "Zm9yIHRlc3RzIG9ubHksIDMyIGJ5dGVzIGxvbmchISE=",
    }
    browser = make_app(open_database("sqlite", "empty"), **production).test_client()
    assert browser.get("/forgot-password", base_url="https://id.example.com").status_code == 404
    assert "/forgot-password" not in browser.get("/login", base_url="https://id.example.com").text


def test_the_login_page_leads_to_a_new_password_without_losing_the_request(app: Flask, client: FlaskClient) -> None:
    start = RelyingParty(client, "web", add_client(app, "web", is_confidential=True)).authorize().location
    assert f'href="/forgot-password?{start.partition("?")[2]}"' in client.get(start).text
