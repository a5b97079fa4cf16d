"""An operator gives an account another address: by the rules of the page, and a way out for two accounts with one."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.models import User
from tests.account.browsing import english, shown
from tests.cli.test_commands import run
from tests.cli.test_users import app, browser, recorded
from tests.cli.test_users import shown as account
from tests.login.test_addresses import press, request_change
from tests.mailbox import only_mail, received
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, log_in

__all__ = ["app", "browser"]
NEW, OTHER = "ada@한글.kr", "other@example.com"


def set_email(app: Flask, who: str, new: str, *options: str) -> dict[str, Any]:
    return dict(json.loads(run(app, "users", "set-email", who, new, *options, "--json")))


def test_the_new_address_is_kept_in_its_spelling_and_is_not_proven(app: Flask, browser: FlaskClient) -> None:
    client = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))
    tokens = client.tokens()
    told = set_email(app, " Ada@Example.com", "Ada@XN--BJ0BJ06E.kr")
    assert told == {"email": NEW, "id": account(app, NEW)["id"], "former": EMAIL, "verified": False}
    assert account(app, NEW)["verified"] is False
    assert recorded(app, "account:email:changed") == [("operator", {"is_verified": False})]
    assert log_in(app.test_client()).status_code == 401
    assert log_in(app.test_client(), email=NEW).status_code == 303
    # What was open goes on, and says the new address.
    assert browser.get("/account").status_code == 200
    assert client.userinfo(tokens["access_token"]).json["email"] == NEW
    assert client.userinfo(tokens["access_token"]).json["email_verified"] is False
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_it_may_be_known_to_be_the_persons(app: Flask) -> None:
    assert run(app, "users", "set-email", EMAIL, NEW, "--verified") == f"{EMAIL} has the e-mail {NEW} now.\n"
    assert account(app, NEW)["verified"] is True


def test_a_proven_old_address_is_told_and_can_undo_it(app: Flask, browser: FlaskClient) -> None:
    set_email(app, EMAIL, NEW, "--verified")
    notice = only_mail(app, "email_changed")
    assert (notice.to, notice.values["old_email"], notice.values["new_email"]) == (EMAIL, EMAIL, NEW)
    assert press(app.test_client(), notice.path).location == "/restore-email?done=1"
    assert account(app)["verified"] is True
    assert browser.get("/account").location.startswith("/login")


def test_an_old_address_that_was_never_proven_is_handed_nothing(app: Flask) -> None:
    run(app, "users", "update", EMAIL, "--unverified")
    set_email(app, EMAIL, NEW)
    assert received(app) == []


def test_links_that_were_mailed_before_are_void(app: Flask) -> None:
    user_id = account(app)["id"]
    request_change(app, user_id, OTHER)
    link = only_mail(app, "change_email").path
    set_email(app, EMAIL, NEW)
    assert app.test_client().get(link).status_code == 410
    assert account(app, NEW)["id"] == user_id


def test_where_no_mail_leaves_nothing_is_promised_to_the_old_address(app: Flask) -> None:
    with app.app_context():
        app.extensions["services"].mail.is_possible = False
    set_email(app, EMAIL, NEW)
    assert received(app) == []
    add_person(app, OTHER)
    assert set_email(app, OTHER, EMAIL)["email"] == EMAIL  # nobody can return to it


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("admin@example.com", "has this e-mail"),
        ("ADMIN@EXAMPLE.com", "has this e-mail"),
        ("a\u200bdmin@\uff45xample\u3002com", "has this e-mail"),
        ("mailto:admin@example.com", "has this e-mail"),
        (EMAIL.upper(), "This is the e-mail of the account already."),
        ("nonsense", "This is not an e-mail address."),
        ("", "This is not an e-mail address."),
        ("민수@example.com", "No mail can be sent"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason_and_changes_nothing(app: Flask, new: str, reason: str) -> None:
    before = account(app)
    said = run(app, "users", "set-email", EMAIL, new, fails=True)
    assert said.startswith("Error: ")
    assert reason in said
    assert account(app) == before
    assert recorded(app, "account:email:changed") == []
    assert received(app) == []


def test_an_address_to_which_another_may_still_return_is_kept_for_it(app: Flask) -> None:
    add_person(app, OTHER)
    set_email(app, EMAIL, NEW)
    assert "may still return to it" in run(app, "users", "set-email", OTHER, EMAIL, fails=True)
    assert set_email(app, NEW, EMAIL)["email"] == EMAIL  # the account itself may


def test_nobody_is_nobody(app: Flask) -> None:
    assert "no account of that e-mail or id" in run(app, "users", "set-email", "nobody@example.com", NEW, fails=True)


def test_of_two_accounts_with_one_address_the_other_gets_its_own(app: Flask) -> None:
    """The old spelling is the holder's address: nothing that opens the account may be mailed there."""
    user_id = add_person(app, OTHER)
    with app.app_context():
        services = app.extensions["services"]
        services.db.session.execute(sa.update(User).where(User.id == user_id).values(email="a\u200bda@example.com"))
        services.db.session.commit()
    assert account(app, "a\u200bda@example.com")["id"] != user_id
    assert set_email(app, user_id, NEW)["former"] == "a\u200bda@example.com"
    assert received(app) == []
    assert account(app, NEW)["id"] == user_id
    assert log_in(app.test_client(), email=NEW).status_code == 303
    assert log_in(app.test_client()).status_code == 303


def test_the_person_sees_that_an_operator_did_it(app: Flask) -> None:
    set_email(app, EMAIL, NEW, "--verified")
    reader = english(app)
    log_in(reader, email=NEW)
    assert "By the operator" in shown(reader.get("/account/activity"))


@pytest.mark.parametrize("command", ["show", "disable", "enable", "set-plan", "set-role", "recover", "delete"])
def test_what_is_done_to_an_account_names_it_by_its_address(app: Flask, command: str) -> None:
    """However it was named: by its id or in another spelling."""
    more = {"set-plan": ["pro"], "set-role": ["member"], "delete": ["--yes"]}.get(command, [])
    for who in (account(app)["id"], "ADA@example\u3002com")[: 1 if command == "delete" else 2]:
        assert json.loads(run(app, "users", command, who, *more, "--json"))["email"] == EMAIL
