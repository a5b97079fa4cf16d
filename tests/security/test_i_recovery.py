"""Section I, forgotten passwords: an answer that says nothing, and a token that is good once, for one person.

OWASP ASVS 5.0 sections 6.3.8, 6.4.1 and 7.4.3.
"""

import pytest
import sqlalchemy as sa

from app.models import AuditLog, Delivery
from tests.login.test_recovery import NEW, ask, choose, mailed_link
from tests.mailbox import received
from tests.relying_party import EMAIL, PASSWORD, csrf_token, log_in
from tests.security.answers import is_page
from tests.security.parties import Parties
from tests.security.test_i_login import without_password, without_secrets


def written(parties: Parties) -> list[tuple[str, int]]:
    """How many rows of each kind there are that a request for a link could write."""
    with parties.app.app_context():
        session = parties.app.extensions["services"].db.session
        counts = sa.select(Delivery.kind, sa.func.count()).group_by(Delivery.kind).order_by(Delivery.kind)
        audit = session.scalar(sa.select(sa.func.count()).select_from(AuditLog))
        return [*((kind, count) for kind, count in session.execute(counts)), ("audit", audit or 0)]


def test_i173_a_request_for_a_link_is_answered_and_costs_the_same_for_everybody(fresh: Parties) -> None:
    _, gone = fresh.newcomer()
    fresh.run("users", "disable", gone)
    received(fresh.app)
    answers, done = [], []
    for email in (EMAIL, "nobody@example.com", gone, without_password(fresh)):
        browser = fresh.app.test_client()
        before = dict(written(fresh))
        asked = ask(browser, email)
        after = dict(written(fresh))
        done.append({kind: count - before.get(kind, 0) for kind, count in after.items() if count != before.get(kind)})
        answers.append((without_secrets(asked), asked.location, without_secrets(browser.get(asked.location))))
        # The page repeats what was typed, whosever it is.
        answers[-1] = str(answers[-1]).replace(email, "typed")
    assert len(set(answers)) == 1
    assert done == [{"password_reset": 1}] * 4
    assert [mail.to for mail in received(fresh.app)] == [EMAIL, "social@example.com"]


def test_i174_a_link_is_good_once(fresh: Parties) -> None:
    link, browser = mailed_link(fresh.app), fresh.app.test_client()
    assert choose(browser, link).status_code == 303
    is_page(fresh.app.test_client().get(link), 410)
    form = {"csrf_token": csrf_token(browser, "/login"), "token": link.partition("token=")[2], "password": NEW + "2"}
    is_page(browser.post("/reset-password", data=form), 410)
    assert log_in(fresh.app.test_client(), password=NEW + "2").status_code == 401


def test_i174_only_the_newest_link_is_good(fresh: Parties) -> None:
    older, newer = mailed_link(fresh.app), mailed_link(fresh.app)
    is_page(fresh.app.test_client().get(older), 410)
    assert choose(fresh.app.test_client(), newer).status_code == 303


def test_i174_a_link_is_good_for_an_hour(fresh: Parties) -> None:
    link, browser = mailed_link(fresh.app), fresh.app.test_client()
    fresh.clock.advance(seconds=3599)
    assert browser.get(link).status_code == 200
    form = {"csrf_token": csrf_token(browser, link), "token": link.partition("token=")[2], "password": NEW}
    fresh.clock.advance(seconds=1)
    is_page(browser.post("/reset-password", data=form), 410)
    assert log_in(fresh.app.test_client()).status_code == 303


def test_i174_a_link_is_its_persons_alone(fresh: Parties) -> None:
    _, victim = fresh.newcomer()
    received(fresh.app)
    link, browser = mailed_link(fresh.app), fresh.app.test_client()
    csrf = csrf_token(browser, link)
    form = {
        "csrf_token": csrf,
        "token": link.partition("token=")[2],
        "password": NEW,
        "email": victim,
        "user_id": victim,
    }
    assert browser.post(f"/reset-password?email={victim}", data=form).status_code == 303
    assert log_in(fresh.app.test_client(), email=victim, password=NEW).status_code == 401
    assert log_in(fresh.app.test_client(), email=victim).status_code == 303
    assert log_in(fresh.app.test_client(), password=NEW).status_code == 303


def test_i174_a_link_does_not_outlive_the_address_or_the_account(fresh: Parties) -> None:
    link = mailed_link(fresh.app)
    fresh.run("users", "disable", EMAIL)
    is_page(fresh.app.test_client().get(link), 410)


def test_i174_sessions_codes_and_tokens_end_with_the_old_password(fresh: Parties) -> None:
    web = fresh.web
    tokens, code = web.tokens(), web.code()
    other, _ = fresh.visit()
    others = other.tokens()
    received(fresh.app)
    assert choose(fresh.app.test_client(), mailed_link(fresh.app)).status_code == 303
    assert web.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert web.redeem(code).json["error"] == "invalid_grant"
    assert web.userinfo(tokens["access_token"]).status_code == 401
    assert fresh.browser.get("/logout").location == "/logged-out"
    # Nobody else's do.
    assert other.refresh(others["refresh_token"]).status_code == 200


@pytest.mark.parametrize("path", ["/forgot-password", "/register", "/login"])
@pytest.mark.parametrize(
    "email",
    [
        "ada@example.com\r\nBcc: eve@evil.test",
        "ada@example.com\nCc: eve@evil.test",
        "ada@example.com,eve@evil.test",
        "ada@example.com;eve@evil.test",
        "ada@example.com eve@evil.test",
        "Ada <ada@example.com>, Eve <eve@evil.test>",
        "Eve <eve@evil.test> <ada@example.com>",
        "ada@example.com%0aBcc:eve@evil.test",
        "ada@example.com\x00",
    ],
)
def test_i177_one_field_is_one_recipient(parties: Parties, path: str, email: str) -> None:
    browser = parties.app.test_client()
    form = {"csrf_token": csrf_token(browser, path), "name": "Eve", "email": email, "password": PASSWORD}
    is_page(browser.post(path, data=form), 401 if path == "/login" else 400)
    assert received(parties.app) == []


def test_i177_what_a_name_holds_starts_no_line(fresh: Parties) -> None:
    browser = fresh.app.test_client()
    name = "Eve\r\nBcc: victim@example.com\x1b[2J"
    form = {
        "csrf_token": csrf_token(browser, "/register"),
        "name": name,
        "email": "e@example.com",
        "password": PASSWORD,
    }
    assert browser.post("/register", data=form).status_code == 303
    (mail,) = received(fresh.app)
    assert mail.to == "e@example.com"
    assert str(mail.values["name"]).isprintable()
