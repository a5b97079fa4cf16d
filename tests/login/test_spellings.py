"""Whoever registered logs in, however the address is typed, by every door that takes one."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import User
from app.services.people.email_names import in_ascii
from tests.login.test_addresses import register
from tests.mailbox import received
from tests.relying_party import PASSWORD, csrf_token, log_in

KEPT = "min@\ud55c\uae00.kr"
SPELLINGS = [
    KEPT,
    "Min@\u1112\u1161\u11ab\u1100\u1173\u11af.KR",
    "min@xn--bj0bj06e.kr",
    "\uff4d\uff49\uff4e\uff20\ud55c\uae00\uff0ekr",
    "min@\ud55c\uae00\u3002kr",
    " \u200bmin@\ud55c\uae00.kr\ufeff",
    "mailto:min@\ud55c\uae00.kr",
    "\uae40\ubbfc\uc218 <min@\ud55c\uae00.kr>",
]


@pytest.fixture(params=SPELLINGS)
def spelled(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def addresses(app: Flask) -> list[str]:
    with app.app_context():
        return list(app.extensions["services"].db.session.scalars(sa.select(User.email).order_by(User.email)))


def test_who_registers_logs_in_with_the_very_same_spelling(app: Flask, spelled: str) -> None:
    assert register(app.test_client(), spelled).status_code == 303
    assert KEPT in addresses(app)
    for again in (spelled, KEPT):
        assert log_in(app.test_client(), email=again).status_code == 303
    asked = {"email": spelled, "password": PASSWORD}
    assert app.test_client().post("/api/v1/auth/login", json=asked).status_code == 200


def test_one_address_is_one_account(app: Flask, spelled: str) -> None:
    assert register(app.test_client(), KEPT).status_code == 303
    before = addresses(app)
    assert register(app.test_client(), spelled).status_code == 400
    asked = {"email": spelled, "password": PASSWORD, "name": "Min"}
    assert app.test_client().post("/api/v1/auth/register", json=asked).status_code in {400, 409, 422}
    assert app.test_cli_runner().invoke(args=["users", "create", spelled]).exit_code != 0
    assert addresses(app) == before


def test_commands_find_it(app: Flask, spelled: str) -> None:
    register(app.test_client(), KEPT)
    shown = app.test_cli_runner().invoke(args=["users", "show", spelled])
    assert (shown.exit_code, KEPT in shown.output) == (0, True)


def test_commands_find_by_its_id_what_no_address_leads_to(app: Flask) -> None:
    register(app.test_client(), KEPT)
    with app.app_context():
        services = app.extensions["services"]
        user_id = services.accounts.find(KEPT).id
        services.db.session.execute(sa.update(User).where(User.id == user_id).values(email="mi\u200bn@example.com"))
        services.db.session.commit()
    run = app.test_cli_runner().invoke
    assert run(args=["users", "show", "mi\u200bn@example.com"]).exit_code != 0
    assert run(args=["users", "show", user_id]).exit_code == 0
    assert run(args=["users", "disable", user_id]).exit_code == 0
    assert run(args=["users", "delete", user_id, "--yes"]).exit_code == 0
    assert run(args=["users", "show", user_id]).exit_code != 0


def test_a_forgotten_password_is_mailed_to_it(app: Flask, spelled: str) -> None:
    register(app.test_client(), KEPT)
    browser = app.test_client()
    form = {"csrf_token": csrf_token(browser, "/forgot-password"), "email": spelled}
    assert browser.post("/forgot-password", data=form).status_code in {200, 303}
    assert [mail.to for mail in received(app) if mail.template == "reset_password"] == [KEPT]


def test_whoever_deletes_the_account_may_type_it_so(app: Flask, spelled: str) -> None:
    register(app.test_client(), KEPT)
    browser = app.test_client()
    log_in(browser, email=KEPT)
    form = {"csrf_token": csrf_token(browser, "/account/data/delete"), "email": spelled, "password": PASSWORD}
    answer = browser.post("/account/data/delete", data=form)
    assert (answer.status_code, answer.location) == (303, "/account/data")


def test_guesses_at_one_account_are_counted_together(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_LOGIN="3/minute")
    register(app.test_client(), KEPT)
    tried = [log_in(app.test_client(), email=each, password="wrong").status_code for each in SPELLINGS[:4]]
    assert tried == [401, 401, 401, 429]


def test_a_change_to_another_spelling_is_none(app: Flask, spelled: str) -> None:
    register(app.test_client(), KEPT)
    browser = app.test_client()
    log_in(browser, email=KEPT)
    form = {"csrf_token": csrf_token(browser, "/account/security/email"), "email": spelled}
    browser.set_cookie("lang", "en")
    answer = browser.post("/account/security/email", data=form)
    assert (answer.status_code, "This is the e-mail of your account already." in answer.text) == (400, True)


def test_where_no_mail_arrives_nobody_registers_and_hears_why(app: Flask) -> None:
    browser = app.test_client()
    answer = browser.post(
        "/register",
        data={
            "name": "Min",
            "email": "\ubbfc\uc218@example.com",
            "password": PASSWORD,
            "csrf_token": csrf_token(browser, "/register"),
        },
        headers={"Accept-Language": "ko"},
    )
    assert answer.status_code == 400
    assert "@ 앞에 이런 글자가 있는 주소로는 메일을 보낼 수 없습니다." in answer.text


def test_mail_servers_are_told_the_host_in_ascii() -> None:
    assert in_ascii(KEPT) == "min@xn--bj0bj06e.kr"
