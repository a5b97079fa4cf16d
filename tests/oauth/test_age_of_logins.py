"""``max_age`` and consent hold when a code is given, not only when a request arrives (Core section 3.1.2.1)."""

import pytest
from flask import Flask

from app.services.foundation.environment import NOBODY
from tests.clock import Clock
from tests.relying_party import REDIRECT_URI, RelyingParty, add_client, answer, csrf_token, log_in
from tests.security.parties import decided

RESUME = "/api/oauth/authorize/resume"


@pytest.fixture
def third(app: Flask, spa: RelyingParty) -> RelyingParty:
    """A client that asks for consent."""
    return RelyingParty(spa.browser, "third", add_client(app, "third", consent_policy="once"))


def logged_in(client: RelyingParty, page: str) -> str:
    """Where the person is led after logging in."""
    assert page.startswith("/login?interaction="), page
    return str(client.browser.get(log_in(client.browser, path=page).location).location)


@pytest.mark.parametrize(("max_age", "seconds"), [("60", 1800), ("60", 60), ("600", 1800), ("90", 100)])
def test_a_consent_page_left_open_asks_for_the_login_again(
    third: RelyingParty, clock: Clock, max_age: str, seconds: int
) -> None:
    page = third.authorize(max_age=max_age).location
    token = csrf_token(third.browser, page)
    clock.advance(seconds=seconds)
    response = third.browser.post(page, data={"csrf_token": token, "decision": "allow"})
    page = third.browser.get(response.location).location
    target = logged_in(third, page)
    if target.startswith("/consent"):
        target = decided(third.browser, target).location
    assert target.startswith(f"{REDIRECT_URI}?code=")


@pytest.mark.parametrize("seconds", [1800, 61])
@pytest.mark.parametrize("is_own_login", [True, False])
def test_an_unused_code_is_given_anew_only_to_a_login_that_is_young_enough(
    spa: RelyingParty, clock: Clock, seconds: int, is_own_login: bool
) -> None:
    page = spa.authorize(max_age="60", prompt="login" if is_own_login else "select_account").location
    resume = f"{RESUME}?{page.partition('?')[2]}"
    if is_own_login:
        first = logged_in(spa, page)
    else:
        listed = spa.browser.get(page).text
        form = {"csrf_token": csrf_token(spa.browser, page)}
        form["account"] = listed.partition('name="account" value="')[2].partition('"')[0]
        first = spa.browser.get(spa.browser.post(page, data=form).location).location
    assert first.startswith(f"{REDIRECT_URI}?code="), first
    again = spa.browser.get(resume)
    assert answer(again)["code"]
    clock.advance(seconds=seconds)
    assert logged_in(spa, spa.browser.get(resume).location).startswith(f"{REDIRECT_URI}?code=")


@pytest.mark.parametrize("max_age", ["0", "1"])
def test_no_age_can_be_met_at_all_and_with_consent(third: RelyingParty, clock: Clock, max_age: str) -> None:
    page = logged_in(third, third.authorize(max_age="0").location)
    clock.advance(seconds=5)
    page = decided(third.browser, page).location
    assert logged_in(third, page).startswith(f"{REDIRECT_URI}?code=")


def test_a_consent_withdrawn_after_the_answer_gives_no_new_code(app: Flask, third: RelyingParty, person: str) -> None:
    page = third.authorize().location
    resume = page.replace("/consent", RESUME)
    code = answer(decided(third.browser, page))["code"]
    with app.app_context():
        services = app.extensions["services"]
        assert services.consents.withdraw(person, "third", NOBODY)
        services.db.commit()
    assert third.browser.get(resume).location == page
    assert third.redeem(code).json["error"] == "invalid_grant"
    # Who allows it again gets a code.
    assert decided(third.browser, page).location.startswith(f"{REDIRECT_URI}?code=")


def test_a_consent_withdrawn_after_the_code_was_used_asks_for_nothing(
    app: Flask, third: RelyingParty, person: str
) -> None:
    page = third.authorize().location
    assert third.redeem(answer(decided(third.browser, page))["code"]).status_code == 200
    with app.app_context():
        services = app.extensions["services"]
        services.consents.withdraw(person, "third", NOBODY)
        services.db.commit()
    again = third.browser.get(page.replace("/consent", RESUME))
    assert (again.status_code, "Location" in again.headers) == (200, False)


def test_a_first_party_consent_that_was_asked_for_holds_only_while_it_is_given(
    app: Flask, spa: RelyingParty, person: str
) -> None:
    page = spa.authorize(prompt="consent").location
    assert answer(decided(spa.browser, page))["code"]
    with app.app_context():
        services = app.extensions["services"]
        services.consents.withdraw(person, "public", NOBODY)
        services.db.commit()
    assert spa.browser.get(page.replace("/consent", RESUME)).location == page
