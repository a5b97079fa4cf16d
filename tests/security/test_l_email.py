"""L: another e-mail address for an account."""

import pytest

from tests.login.test_addresses import press
from tests.mailbox import only_mail, received
from tests.relying_party import EMAIL, PASSWORD, csrf_token, log_in
from tests.security.parties import Parties

FORM, NEW = "/account/security/email", "ada.elsewhere@example.com"


def asked(parties: Parties) -> None:
    """Ask for the new address on the page."""
    form = {"csrf_token": csrf_token(parties.browser, FORM), "email": NEW}
    assert parties.browser.post(FORM, data=form).status_code == 303


def test_l209_who_logged_in_a_while_ago_is_asked_for_the_password_first(fresh: Parties) -> None:
    token = csrf_token(fresh.browser, FORM)
    fresh.clock.advance(minutes=16)
    received(fresh.app)
    assert fresh.browser.get(FORM).location.startswith("/confirm?")
    assert fresh.browser.post(FORM, data={"csrf_token": token, "email": NEW}).location.startswith("/confirm?")
    assert received(fresh.app) == []


@pytest.mark.parametrize("proof", [{}, {"current_password": ""}, {"current_password": "a wrong guess 41"}])
def test_l209_the_api_asks_for_the_password_however_new_its_token_is(fresh: Parties, proof: dict[str, str]) -> None:
    granted = fresh.nobody.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD}).json
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    received(fresh.app)
    answer = fresh.nobody.post("/api/v1/auth/change-email", json={"email": NEW, **proof}, headers=bearer)
    assert (answer.status_code, [each["field"] for each in answer.json["fields"]]) == (400, ["current_password"])
    assert received(fresh.app) == []


def test_l209_the_new_address_counts_once_its_mailbox_has_confirmed_it(fresh: Parties) -> None:
    received(fresh.app)
    asked(fresh)
    link = only_mail(fresh.app, "change_email")
    assert link.to == NEW
    assert log_in(fresh.app.test_client(), email=NEW).status_code == 401
    assert log_in(fresh.app.test_client()).status_code == 303
    received(fresh.app)
    assert press(fresh.app.test_client(), link.path).location == "/change-email?done=1"
    assert log_in(fresh.app.test_client(), email=NEW).status_code == 303
    assert log_in(fresh.app.test_client()).status_code == 401


def test_l209_the_old_address_is_told_and_can_undo_it(fresh: Parties) -> None:
    received(fresh.app)
    asked(fresh)
    press(fresh.app.test_client(), only_mail(fresh.app, "change_email").path)
    notice = only_mail(fresh.app, "email_changed")
    assert notice.to == EMAIL
    assert press(fresh.app.test_client(), notice.path).location == "/restore-email?done=1"
    assert fresh.browser.get(FORM).location.startswith("/login?")
    assert log_in(fresh.app.test_client(), email=NEW).status_code == 401
    assert log_in(fresh.app.test_client()).status_code == 303
