"""Connected applications: what they may in words, and that removing one ends all of it at once."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.account.browsing import Facts, english, send, shown
from tests.clock import Clock
from tests.relying_party import SCOPE, RelyingParty, add_client, add_person, csrf_token, log_in
from tests.security.parties import decided

PATH = "/account/apps"


@pytest.fixture
def first(app: Flask, browser: FlaskClient) -> RelyingParty:
    """A first-party application that holds tokens for Ada."""
    return RelyingParty(browser, "first", add_client(app, "first", name="MAX First", is_confidential=True))


@pytest.fixture
def third(app: Flask, browser: FlaskClient) -> RelyingParty:
    """Somebody else's application, which asks for consent."""
    secret = add_client(app, "third", name="Weather Notes", is_confidential=True, consent_policy="once")
    return RelyingParty(browser, "third", secret)


def consented(party: RelyingParty) -> dict[str, str]:
    """The tokens the application gets when Ada allows it."""
    code = decided(party.browser, party.authorize().location).location.partition("code=")[2].partition("&")[0]
    return dict(party.redeem(code).json)


def test_nothing_is_connected_at_first(browser: FlaskClient) -> None:
    assert "No application has access." in shown(browser.get(PATH))
    assert "No application has access" in shown(browser.get("/account"))


def test_an_application_says_what_it_may_since_when_and_whose_it_is(
    app: Flask, browser: FlaskClient, first: RelyingParty, third: RelyingParty
) -> None:
    consented(third)
    first.tokens(scope="openid email")
    text = shown(browser.get(PATH))
    assert text.count("<h2>") == 2
    assert "MAX solution" in text.partition("MAX First</h2>")[2].partition("</li>")[0]
    assert "MAX solution" not in text.partition("Weather Notes</h2>")[2].partition("<form")[0]
    assert f"{len(SCOPE.split())} permissions" in text
    assert "2 permissions" in text
    with app.app_context():
        services = app.extensions["services"]
        for scope in services.scopes.sentences(SCOPE.split(), "en"):
            assert scope.sentence in text
    assert "offline_access" not in text
    assert "2 applications have access" in shown(browser.get("/account"))


def test_when_it_was_used_is_told_shortly_and_exactly_in_the_details(
    browser: FlaskClient, third: RelyingParty, clock: Clock
) -> None:
    consented(third)
    clock.advance(minutes=9)
    app = shown(browser.get(PATH)).partition("Weather Notes</h2>")[2]
    assert re.search(r"Last used: <time [^>]*>9 minutes ago</time>", app.partition("<details")[0])
    folded = app.partition("<details")[2].partition("</details>")[0]
    for name in ("Access since", "Last used"):
        assert re.search(rf"<dt>{name}</dt><dd><time [^>]*>\w+ \d+, \d+, \d+:\d\d [AP]M KST</time>", folded)


def test_an_application_can_be_opened_unless_it_is_switched_off(
    app: Flask, browser: FlaskClient, third: RelyingParty, facts: Facts
) -> None:
    consented(third)
    facts.do("UPDATE clients SET home_uri = 'https://notes.example/' WHERE client_id = 'third'")
    app.test_cli_runner().invoke(args=["clients", "disable", "third"])
    text = shown(browser.get(PATH))
    assert "Switched off by the operator" in text
    assert "https://notes.example/" not in text
    app.test_cli_runner().invoke(args=["clients", "enable", "third"])
    text = shown(browser.get(PATH))
    assert 'href="https://notes.example/" aria-label="Open Weather Notes"' in text
    assert "Not in use now" in text


def test_removing_access_ends_consent_and_tokens_at_once(browser: FlaskClient, third: RelyingParty) -> None:
    tokens = consented(third)
    waiting = third.code()
    response = send(browser, f"{PATH}/third/remove", PATH)
    assert (response.status_code, response.location) == (303, PATH)
    text = shown(browser.get(PATH))
    assert "The access is removed." in text
    assert "Weather Notes" not in text
    assert third.userinfo(tokens["access_token"]).status_code == 401
    assert third.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert third.redeem(waiting).json["error"] == "invalid_grant"
    assert third.authorize(prompt="none").location.partition("error=")[2].startswith("consent_required")


def test_removing_a_first_party_application_ends_its_tokens_though_there_is_no_consent(
    browser: FlaskClient, first: RelyingParty
) -> None:
    tokens = first.tokens()
    assert "gets access again when you open it" in shown(browser.get(PATH))
    assert send(browser, f"{PATH}/first/remove", PATH).status_code == 303
    assert first.userinfo(tokens["access_token"]).status_code == 401
    assert "MAX First" not in shown(browser.get(PATH))


def test_another_persons_connection_is_neither_shown_nor_removed(
    app: Flask, browser: FlaskClient, third: RelyingParty
) -> None:
    tokens = consented(third)
    add_person(app, "bob@example.com")
    bob = english(app)
    log_in(bob, email="bob@example.com")
    assert "Weather Notes" not in shown(bob.get(PATH))
    assert send(bob, f"{PATH}/third/remove", PATH).status_code == 404
    assert third.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("client_id", ["nobody", "third", "%00", "' OR 1=1", "é", "x" * 300])
def test_what_is_not_connected_is_not_there(browser: FlaskClient, third: RelyingParty, client_id: str) -> None:
    token = csrf_token(browser, PATH)
    assert browser.post(f"{PATH}/{client_id}/remove", data={"csrf_token": token}).status_code == 404


def test_an_application_whose_tokens_are_over_is_connected_no_more(
    browser: FlaskClient, first: RelyingParty, third: RelyingParty, clock: Clock, app: Flask
) -> None:
    first.tokens()
    consented(third)
    clock.advance(days=31)
    again = english(app)
    log_in(again)
    text = shown(again.get(PATH))
    assert "MAX First" not in text
    assert "Weather Notes" in text  # the consent is remembered
    assert "Not in use now" in text


def test_a_name_is_text(app: Flask, browser: FlaskClient, facts: Facts) -> None:
    secret = add_client(app, "evil", name='<b onclick="x">%(app)s</b>', is_confidential=True)
    RelyingParty(browser, "evil", secret).tokens()
    for path in (PATH, "/account/activity", "/account/sessions"):
        text = browser.get(path).text
        assert "<b onclick" not in text
        assert "&lt;b onclick" in text
