"""Activity: a sentence in both languages for everything that can happen to a person, and nobody else's."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.account.sentences import FAILED, REASONS, SENTENCES
from app.services.foundation.environment import Caller
from app.services.record.audit import Event
from tests.account.browsing import Facts, english, send, shown
from tests.clock import Clock
from tests.relying_party import EMAIL, PASSWORD, add_client, add_person, log_in

PATH = "/account/activity"
# These concern clients, keys and services; no row of theirs names a person.
OF_NO_PERSON = {
    Event.SERVICE_TOKEN_ISSUED,
    Event.CLIENT_AUTHENTICATION_FAILED,
    Event.CLIENT_CREATED,
    Event.CLIENT_CHANGED,
    Event.CLIENT_DISABLED,
    Event.CLIENT_ENABLED,
    Event.CLIENT_DELETED,
    Event.CLIENT_SECRET_ROTATED,
    Event.KEY_CREATED,
    Event.KEY_ROTATED,
    Event.KEY_RETIRED,
    Event.KEYS_RESEALED,
    Event.KEY_EXPIRED,
}


def texts(page: str) -> list[str]:
    return re.findall(r'class="row-text">([^<]+)', page)


def record(app: Flask, user_id: str, *events: Event, **details: str) -> None:
    with app.app_context():
        services = app.extensions["services"]
        for event in events:
            services.audit.record(event, Caller("203.0.113.9", "curl/8"), user_id=user_id, **details)
        services.db.commit()


def test_every_event_of_a_person_has_its_sentence() -> None:
    assert set(SENTENCES) == set(Event) - OF_NO_PERSON
    assert len(set(SENTENCES.values()) | set(FAILED.values())) == len(SENTENCES) + len(FAILED)


def test_every_event_is_told_in_both_languages(app: Flask, browser: FlaskClient, ada: str, clock: Clock) -> None:
    clock.advance(minutes=1)
    add_client(app, "notes", name="Weather Notes")
    record(app, ada, *SENTENCES, client_id="notes")
    english_texts = texts(browser.get(PATH).text)[: len(SENTENCES)]
    korean_texts = texts(browser.get(PATH, headers={"Accept-Language": "ko"}).text)[: len(SENTENCES)]
    assert len(set(english_texts)) == len(set(korean_texts)) == len(SENTENCES)
    assert all(re.search("[가-힣]", text) and "(" not in text and "%" not in text for text in korean_texts)
    assert all("%" not in text for text in english_texts)
    assert any("Weather Notes" in text for text in korean_texts)


def test_every_reason_the_portal_ends_something_for_is_told(app: Flask) -> None:
    given: set[str] = set()
    for file in Path(app.root_path).rglob("*.py"):
        given |= set(re.findall(r'\.end(?:_\w+)?\([^()]*?"(\w+)"', file.read_text()))
    assert given - {"account_deleted"} <= set(REASONS)


def test_an_occurrence_says_when_from_where_and_how_it_went(app: Flask, browser: FlaskClient, clock: Clock) -> None:
    clock.advance(minutes=1)
    log_in(english(app, "curl/8"), password="wrong")
    row = shown(browser.get(PATH)).partition("<tbody")[2].partition("</tr>")[0]
    for part in ("Somebody tried to log in with a wrong password.", "curl", "127.0.0.1", "<time", "Refused"):
        assert part in row


def test_changes_are_told_by_the_names_of_fields(browser: FlaskClient) -> None:
    send(
        browser,
        "/account/profile",
        full_name="Ada L.",
        username="ada",
        bio="",
        avatar_url="",
        locale="en",
        timezone="UTC",
    )
    text = shown(browser.get(PATH))
    assert "Name, Language, Time zone" in text
    assert "Ada L." not in text.partition("<tbody")[2].partition("</tbody>")[0]


def test_what_an_operator_did_is_told_as_that(app: Flask, browser: FlaskClient, clock: Clock) -> None:
    clock.advance(minutes=1)
    app.test_cli_runner().invoke(args=["users", "set-plan", EMAIL, "pro"])
    row = shown(browser.get(PATH)).partition("<tbody")[2].partition("</tr>")[0]
    assert "The plan was changed." in row
    assert "By the operator" in row


def test_other_peoples_activity_is_not_shown(app: Flask, browser: FlaskClient) -> None:
    bob = add_person(app, "bob@example.com")
    record(app, bob, Event.EMAIL_CHANGED)
    assert "The e-mail address was changed." not in shown(browser.get(PATH))


def test_a_thousand_occurrences_are_shown_by_pages_each_once(
    app: Flask, browser: FlaskClient, ada: str, facts: Facts
) -> None:
    record(app, ada, *[Event.PROFILE_CHANGED] * 1000)  # all at the same moment
    counted, path, pages = 0, PATH, 0
    while path and pages < 40:
        page = shown(browser.get(path))
        counted, pages = counted + len(texts(page)), pages + 1
        path = page.partition("Next page")[0].rpartition('href="')[2].partition('"')[0] if "Next page" in page else ""
    total = facts.one("SELECT count(*) FROM oauth_audit_logs WHERE user_id = :id", id=ada)
    assert counted == total > 1000
    assert pages == -(-total // 50)


def test_anothers_cursor_gives_nothing_of_theirs(app: Flask, browser: FlaskClient, ada: str) -> None:
    record(app, ada, *[Event.EMAIL_CHANGED] * 60)
    add_person(app, "bob@example.com")
    bob = english(app)
    log_in(bob, email="bob@example.com")
    link = shown(browser.get(PATH)).partition("Next page")[0].rpartition('href="')[2].partition('"')[0]
    assert link.startswith(f"{PATH}?after=")
    assert "The e-mail address was changed." not in shown(bob.get(link))


@pytest.mark.parametrize("action", ["from:a:later:version", "<script>alert(1)</script>", ""])
def test_what_another_version_recorded_is_told_without_its_name(
    browser: FlaskClient, facts: Facts, ada: str, action: str
) -> None:
    facts.do("UPDATE oauth_audit_logs SET action = :action WHERE user_id = :id", action=action, id=ada)
    text = shown(browser.get(PATH))
    assert "Something about the account was recorded." in text
    assert "<script>alert" not in text


def test_wrong_passwords_show_no_password(app: Flask, browser: FlaskClient) -> None:
    log_in(app.test_client(), password="wr0ng-secret")
    text = browser.get(PATH).text
    assert "wr0ng-secret" not in text
    assert PASSWORD not in text
