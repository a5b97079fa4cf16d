"""Linked accounts: what is linked, what can be, and that nobody ends the last way in."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.account.browsing import IPHONE, Facts, english, send, shown
from tests.clock import Clock
from tests.mailbox import received
from tests.providers import NOBODY_THERE
from tests.relying_party import EMAIL, add_person, csrf_token, link_identity, log_in, take_password
from tests.web.test_in_app_browsers import INSIDE

PAGE, SECURITY = "/account/identities", "/account/security"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A portal with providers."""
    return make_app(**NOBODY_THERE)


def sections(text: str) -> dict[str, str]:
    """What the page says of each provider, by the name of it."""
    found = re.findall(r'<li class="panel">(.*?)(?=<li class="panel">|</main>)', text, re.DOTALL)
    return {re.findall(r"<h2>([^<]*)</h2>", section)[0]: section for section in found}


def linkable(text: str) -> list[str]:
    return re.findall(r'action="/auth/([a-z]+)/link"', text)


def unlinkable(text: str) -> list[str]:
    return re.findall(rf'action="{PAGE}/([^/"]+)/unlink"', text)


def unlink(browser: FlaskClient, identity_id: str) -> TestResponse:
    return send(browser, f"{PAGE}/{identity_id}/unlink", PAGE)


def linked(facts: Facts) -> list[str]:
    return [row.subject for row in facts.all("SELECT subject FROM identities ORDER BY subject")]


def test_every_provider_is_there_with_a_way_to_link_it(browser: FlaskClient) -> None:
    page = shown(browser.get(PAGE))
    assert list(sections(page)) == ["Google", "Discord", "Kakao", "Naver", "Acme ID"]
    assert linkable(page) == ["google", "discord", "kakao", "naver", "acme"]
    assert page.count("Not linked") == 5
    assert unlinkable(page) == []


def test_in_korean_they_stand_in_another_order(browser: FlaskClient) -> None:
    browser.set_cookie("lang", "ko")
    assert list(sections(shown(browser.get(PAGE)))) == ["카카오", "네이버", "Google", "Discord", "Acme ID"]


def test_each_account_is_there_by_itself(app: Flask, browser: FlaskClient, ada: str) -> None:
    first = link_identity(app, ada, "kakao", "1", email="kim@example.com", name="김민수")
    second = link_identity(app, ada, "kakao", "2", name="라이언")
    third = link_identity(app, ada, "kakao", "3")
    kakao = sections(shown(browser.get(PAGE)))["Kakao"]
    assert sorted(unlinkable(kakao)) == sorted([first, second, third])
    assert "3 accounts linked" in kakao
    for text in ("kim@example.com", "김민수", "라이언", "No e-mail given", "Link another", "Linked since"):
        assert text in kakao


def test_nobody_sees_or_ends_what_is_linked_with_another(app: Flask, browser: FlaskClient, facts: Facts) -> None:
    bob = add_person(app, "bob@example.com")
    identity_id = link_identity(app, bob, "naver", "n", email="bob@naver.example")
    page = shown(browser.get(PAGE))
    assert "bob@naver.example" not in page
    refused = unlink(browser, identity_id)
    assert refused.status_code == 404
    assert linked(facts) == ["n"]


def test_what_a_provider_says_is_text(app: Flask, browser: FlaskClient, ada: str) -> None:
    link_identity(app, ada, "discord", "1", name='<img src=x onerror="alert(1)">')
    assert "<img src=x" not in browser.get(PAGE).text
    assert '<img src=x onerror="alert(1)">' in shown(browser.get(PAGE))


def test_an_unlinked_account_is_gone_with_what_it_opened_and_who_is_here_stays(
    app: Flask, browser: FlaskClient, ada: str, facts: Facts
) -> None:
    gone = link_identity(app, ada, "kakao", "gone")
    link_identity(app, ada, "kakao", "stays")
    phone = english(app, IPHONE)
    log_in(phone)
    facts.do("UPDATE user_sessions SET identity_id = :id", id=gone)
    received(app)
    response = unlink(browser, gone)
    assert (response.status_code, response.location) == (303, PAGE)
    page = shown(browser.get(PAGE))
    assert "The link is removed." in page
    assert linked(facts) == ["stays"]
    assert phone.get("/account").status_code == 303
    (mail,) = received(app)
    assert (mail.template, mail.to, mail.values["provider"]) == ("identity_unlinked", EMAIL, "kakao")
    assert facts.one("SELECT count(*) FROM oauth_audit_logs WHERE action = 'account:identity:unlinked'") == 1


def test_who_has_no_password_keeps_the_last_way_in(app: Flask, browser: FlaskClient, ada: str, facts: Facts) -> None:
    only = link_identity(app, ada, "naver", "only")
    take_password(app, ada)
    page = shown(browser.get(PAGE))
    assert unlinkable(page) == []
    assert "This is your only way to log in." in page
    assert f'href="{SECURITY}/password"' in page
    refused = unlink(browser, only)
    assert refused.status_code == 409
    assert "Add another way to log in before you remove this one." in refused.text
    assert linked(facts) == ["only"]
    link_identity(app, ada, "google", "another")
    assert len(unlinkable(shown(browser.get(PAGE)))) == 2
    assert unlink(browser, only).status_code == 303
    assert linked(facts) == ["another"]
    assert unlinkable(shown(browser.get(PAGE))) == []


def test_one_of_a_provider_that_is_not_offered_any_more_is_no_way_in_and_can_be_ended(
    app: Flask, browser: FlaskClient, ada: str, facts: Facts
) -> None:
    link_identity(app, ada, "naver", "only")
    old = link_identity(app, ada, "old-co", "old", email="ada@old.example")
    take_password(app, ada)
    page = shown(browser.get(PAGE))
    section = sections(page)["Old-co"]
    assert "No longer offered for logging in" in section
    assert "ada@old.example" in section
    assert linkable(section) == []
    assert unlinkable(page) == [old]
    assert unlink(browser, old).status_code == 303
    assert linked(facts) == ["only"]


def test_it_wants_a_proof_that_is_not_old(
    app: Flask, browser: FlaskClient, ada: str, facts: Facts, clock: Clock
) -> None:
    identity_id = link_identity(app, ada)
    token = csrf_token(browser, PAGE)
    clock.advance(minutes=11)
    response = browser.post(f"{PAGE}/{identity_id}/unlink", data={"csrf_token": token})
    assert (response.status_code, response.location) == (303, f"/confirm?next={PAGE}")
    assert linked(facts) == ["1"]


@pytest.mark.parametrize("form", [{}, {"csrf_token": "stale"}])
def test_a_form_that_is_not_ours_ends_nothing(
    app: Flask, browser: FlaskClient, ada: str, facts: Facts, form: dict[str, str]
) -> None:
    path = f"{PAGE}/{link_identity(app, ada)}/unlink"
    assert browser.post(path, data=form).status_code == 400
    good = {"csrf_token": csrf_token(browser, PAGE)}
    assert browser.post(path, data=good, headers={"Origin": "https://evil.test"}).status_code == 403
    assert browser.get(path).status_code == 405
    assert linked(facts) == ["1"]


def test_coming_back_says_what_was_linked_and_nothing_that_was_not(app: Flask, browser: FlaskClient, ada: str) -> None:
    assert "is linked." not in shown(browser.get(f"{PAGE}?linked=kakao"))
    link_identity(app, ada, "kakao")
    assert "Kakao is linked." in shown(browser.get(f"{PAGE}?linked=kakao"))
    for name in ("naver", "<b>", ""):
        assert "is linked." not in shown(browser.get(f"{PAGE}?linked={name}"))


def test_inside_an_app_google_is_linked_outside(browser: FlaskClient) -> None:
    page = shown(browser.get(PAGE, headers={"User-Agent": INSIDE["KakaoTalk"][0]}))
    assert "google" not in linkable(page)
    assert "Google does not allow logging in inside KakaoTalk." in page
    assert "kakaotalk://web/openExternal?url=http%3A%2F%2Flocalhost%3A8000%2Faccount%2Fidentities" in page


def test_the_other_pages_lead_there(app: Flask, browser: FlaskClient, ada: str, clock: Clock) -> None:
    for provider, subject in (("kakao", "1"), ("kakao", "2"), ("naver", "1")):
        link_identity(app, ada, provider, subject)
        clock.advance(seconds=1)
    page = shown(browser.get(SECURITY))
    assert page.count(f'href="{PAGE}"') == 3
    assert ">Kakao, Naver</dd>" in page


def test_without_providers_nothing_leads_there_unless_something_is_linked(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    ada = add_person(app)
    browser = english(app)
    log_in(browser)
    assert PAGE not in browser.get(SECURITY).text
    assert "There is nothing to link here" in shown(browser.get(PAGE))
    identity_id = link_identity(app, ada, "kakao")
    assert browser.get(SECURITY).text.count(f'href="{PAGE}"') == 1
    assert unlinkable(shown(browser.get(PAGE))) == [identity_id]
