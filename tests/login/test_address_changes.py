"""Changing one's address: the new one is proven, the old one is told and can take it back."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.errors import InvalidInput, TooManyAttempts
from tests.clock import Clock
from tests.login.test_addresses import (
    ENGLISH,
    NEW_EMAIL,
    UNDO,
    account,
    changed,
    events,
    person,
    press,
    register,
    request_change,
)
from tests.login.test_pages import shown_errors
from tests.login.test_recovery import ask
from tests.mailbox import only_mail, received
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, log_in

__all__ = ["person"]


def test_the_new_address_counts_once_it_is_proven_and_the_old_one_is_told(
    app: Flask, client: FlaskClient, person: str, clock: Clock
) -> None:
    log_in(client)
    request_change(app, person)
    mail = only_mail(app, "change_email")
    assert (mail.to, mail.values["email"], mail.language) == (NEW_EMAIL, NEW_EMAIL, "ko")
    assert account(app, EMAIL)[0] == person
    assert UNDO in client.get(mail.path, headers=ENGLISH).text
    assert press(app.test_client(), mail.path).location == "/change-email?done=1"
    notice = only_mail(app, "email_changed")
    assert (notice.to, notice.values["old_email"], notice.values["new_email"]) == (EMAIL, EMAIL, NEW_EMAIL)
    clock.advance(days=7)
    assert notice.values["expires_at"] == {"at": clock.now.isoformat()}
    assert account(app, NEW_EMAIL) == (person, True)
    assert log_in(app.test_client()).status_code == 401
    assert log_in(app.test_client(), email=NEW_EMAIL).status_code == 303
    assert events(app) == ["account:email:change_requested", "account:email:changed"]


def test_an_old_address_that_was_never_proven_is_neither_told_nor_promised_to_be(
    app: Flask, client: FlaskClient
) -> None:
    register(client)
    received(app)
    request_change(app, account(app, "min@example.com")[0])
    mail = only_mail(app, "change_email")
    assert UNDO not in client.get(mail.path, headers=ENGLISH).text
    assert press(app.test_client(), mail.path).location == "/change-email?done=1"
    assert received(app) == []


def test_a_change_of_address_leaves_sessions_alone(app: Flask, client: FlaskClient, person: str) -> None:
    log_in(client)
    changed(app, person)
    assert client.get("/logout").status_code == 200


def test_an_address_that_is_taken_is_answered_the_same_and_its_holder_is_told(app: Flask, person: str) -> None:
    add_person(app, "eve@example.com")
    request_change(app, person)
    earlier = only_mail(app, "change_email").path
    request_change(app, person, "Eve@example.com")
    assert only_mail(app, "email_taken").to == "eve@example.com"
    assert app.test_client().get(earlier).status_code == 410


def test_an_address_that_was_taken_in_between_is_not_taken_over(app: Flask, person: str) -> None:
    request_change(app, person)
    path = only_mail(app, "change_email").path
    other = add_person(app, NEW_EMAIL)
    refused = press(app.test_client(), path)
    assert (refused.status_code, len(shown_errors(refused.text))) == (400, 1)
    assert (account(app, EMAIL)[0], account(app, NEW_EMAIL)[0]) == (person, other)


@pytest.mark.parametrize(
    "email", ["", "no e-mail", EMAIL.upper(), "a@b@example.com", "x@example.com\r\nBcc: y@z.example"]
)
def test_what_cannot_be_the_new_address_is_refused_by_its_field(app: Flask, person: str, email: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        request_change(app, person, email)
    assert refusal.value.field == "email"
    assert received(app) == []


def test_mails_to_one_address_are_bounded_whoever_asks(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true")
    for number in range(5):
        request_change(app, add_person(app, f"p{number}@example.com"), "victim@example.com")
    with pytest.raises(TooManyAttempts):
        request_change(app, add_person(app), "victim@example.com")


def test_a_change_is_taken_back_by_the_old_mailbox_and_everybody_is_out(app: Flask, client: FlaskClient) -> None:
    person = add_person(app)
    intruder = app.test_client()
    log_in(intruder)
    party = RelyingParty(intruder, "web", add_client(app, "web", is_confidential=True))
    tokens = party.tokens()
    undo = changed(app, person).path
    assert app.test_client().get(undo).status_code == 200
    assert account(app, NEW_EMAIL)[0] == person
    done = press(client, undo).location
    assert done == "/restore-email?done=1"
    page = client.get(done, headers=ENGLISH)
    assert "choose a new one now" in page.text
    assert f'value="{EMAIL}"' in client.get("/forgot-password").text
    assert account(app, EMAIL) == (person, True)
    assert intruder.get("/logout").location == "/logged-out"
    assert party.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert party.userinfo(tokens["access_token"]).status_code == 401


def test_the_first_owner_can_undo_however_often_the_address_was_changed(app: Flask, person: str, clock: Clock) -> None:
    first = changed(app, person, "thief@example.com").path
    clock.advance(seconds=1)
    second = changed(app, person, "thief2@example.com").path
    assert press(app.test_client(), second).status_code == 303
    assert account(app, "thief@example.com")[0] == person
    assert press(app.test_client(), first).status_code == 303
    assert account(app, EMAIL)[0] == person


def test_undoing_takes_later_links_away(app: Flask, person: str, clock: Clock) -> None:
    first = changed(app, person, "thief@example.com").path
    clock.advance(minutes=1)
    second = changed(app, person, "thief2@example.com").path
    request_change(app, person, "thief3@example.com")
    ask(app.test_client(), "thief2@example.com")
    mails = {mail.template: mail.path for mail in received(app)}
    assert press(app.test_client(), first).status_code == 303
    for dead in (first, second, mails["change_email"], mails["reset_password"]):
        assert app.test_client().get(dead).status_code == 410


def test_nobody_can_register_an_address_that_may_still_be_taken_back(
    app: Flask, client: FlaskClient, person: str, clock: Clock
) -> None:
    changed(app, person)
    assert register(client, EMAIL).status_code == 400
    clock.advance(days=7)
    assert register(client, EMAIL).status_code == 303
