"""Activity: a sentence in both languages for everything that can happen to a person, and nobody else's."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.account import signs
from app.account.sentences import FAILED, KINDS, NONE_OF, REASONS, SENTENCES
from app.services.foundation.environment import Caller
from app.services.people.activity import BY_ITSELF, EVENTS, Kind
from app.services.record.audit import Event
from app.services.sessions.user_agents import DeviceKind
from tests.account.browsing import IPHONE, Facts, english, send, shown
from tests.clock import Clock
from tests.relying_party import EMAIL, PASSWORD, add_client, add_person, log_in
from tests.servers import PROJECT_ROOT

PATH, EXPORT = "/account/activity", "/account/data/export.json"
LATEST = "SELECT id FROM oauth_audit_logs WHERE user_id = :id ORDER BY created_at DESC, id DESC LIMIT 1"
ICONS = PROJECT_ROOT / "templates/macros/icons.html"
# These concern clients, keys, services and the trail itself; no row of theirs names a person.
OF_NO_PERSON = {
    Event.SERVICE_TOKEN_ISSUED,
    Event.CLIENT_AUTHENTICATION_FAILED,
    Event.CLIENT_CREATED,
    Event.CLIENT_DISABLED,
    Event.CLIENT_ENABLED,
    Event.CLIENT_DELETED,
    Event.CLIENT_SECRET_ROTATED,
    Event.CLIENT_SECRET_ENDED,
    Event.SCOPE_ADDED,
    Event.SCOPE_WORDED,
    Event.SCOPE_REMOVED,
    Event.PERMISSION_DECLARED,
    Event.PERMISSION_REMOVED,
    Event.ROLE_CREATED,
    Event.ROLE_CHANGED,
    Event.ROLE_DELETED,
    Event.GROUP_CREATED,
    Event.GROUP_CHANGED,
    Event.GROUP_DELETED,
    Event.PLAN_LIMIT_SET,
    Event.PEOPLE_IMPORTED,
    Event.BILLING_IGNORED,
    Event.KEYS_RESEALED,
    Event.AUDIT_TRIMMED,
    Event.AUDIT_KEY_CREATED,
    Event.AUDIT_KEY_ROTATED,
    Event.SELFCHECK_RUN,
}


def texts(page: str) -> list[str]:
    return re.findall(r'class="row-text">([^<]+)', page)


def first_row(page: str) -> tuple[str, str]:
    """What the latest row of the list shows, and what lies folded under it."""
    row = page.partition('<details class="event"')[2].partition("</details>")[0]
    seen, _, folded = row.partition("</summary>")
    return seen, folded


def record(app: Flask, user_id: str, *events: Event, **details: str) -> None:
    with app.app_context():
        services = app.extensions["services"]
        for number, event in enumerate(events):
            services.audit.record(event, Caller(f"203.0.113.{number % 250}", "curl/8"), user_id=user_id, **details)
        services.db.commit()


def test_every_event_of_a_person_has_its_sentence() -> None:
    assert set(SENTENCES) == set(Event) - OF_NO_PERSON
    assert len(set(SENTENCES.values()) | set(FAILED.values())) == len(SENTENCES) + len(FAILED)


def test_every_event_of_a_person_is_of_one_kind_and_has_its_sign() -> None:
    kinds = [event for events in EVENTS.values() for event in events]
    assert sorted(kinds) == sorted(SENTENCES)
    assert set(signs.EVENTS) == set(SENTENCES)
    shapes = set(re.findall(r"^  '([\w-]+)':", ICONS.read_text(), re.M))
    assert {*signs.EVENTS.values(), *signs.DEVICES.values(), signs.OTHER, signs.REFUSED} <= shapes
    assert set(signs.DEVICES) == set(DeviceKind)


def test_every_event_is_told_in_both_languages(app: Flask, browser: FlaskClient, ada: str, clock: Clock) -> None:
    clock.advance(minutes=1)
    add_client(app, "notes", name="Weather Notes")
    english_texts: list[str] = []
    korean_texts: list[str] = []
    for part in (list(SENTENCES)[:40], list(SENTENCES)[40:]):  # a page has room for fifty
        clock.advance(minutes=1)
        record(app, ada, *part, client_id="notes")
        english_texts += texts(browser.get(PATH).text)[: len(part)]
        korean_texts += texts(browser.get(PATH, headers={"Accept-Language": "ko"}).text)[: len(part)]
    assert len(set(english_texts)) == len(set(korean_texts)) == len(SENTENCES)
    assert all(re.search("[가-힣]", text) and "(" not in text and "%" not in text for text in korean_texts)
    assert all("%" not in text for text in english_texts)
    assert any("Weather Notes" in text for text in korean_texts)


def test_every_reason_the_portal_ends_something_for_is_told(app: Flask) -> None:
    given: set[str] = set()
    for file in Path(app.root_path).rglob("*.py"):
        given |= set(re.findall(r'\.end(?!_from_outside)(?:_\w+)?\([^()]*?"(\w+)"', file.read_text()))
    assert given - {"account_deleted"} <= set(REASONS)


def test_an_occurrence_says_when_from_where_and_how_it_went(
    app: Flask, browser: FlaskClient, clock: Clock, facts: Facts, ada: str
) -> None:
    clock.advance(minutes=1)
    log_in(english(app, "curl/8"), password="wrong")
    seen, folded = first_row(shown(browser.get(PATH)))
    for part in ("Somebody tried to log in with a wrong password.", "curl", "<time", "just now", "Refused"):
        assert part in seen
    # What is technical, and the moment itself, without a mouse.
    for part in ("127.0.0.1", "curl/8", "KST", facts.one(LATEST, id=ada)):
        assert part in folded
    assert "127.0.0.1" not in seen


@pytest.mark.parametrize("path", [PATH, f"{PATH}?kind=logins"])
def test_a_login_on_a_new_device_is_one_row(app: Flask, browser: FlaskClient, clock: Clock, path: str) -> None:
    clock.advance(minutes=1)
    log_in(english(app, IPHONE))
    told = texts(shown(browser.get(path)))
    assert told[0] == "You logged in on a new device."
    assert told.count("You logged in.") == 1


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
    assert "Ada L." not in first_row(text)[0]


def test_what_an_operator_did_is_told_as_that(app: Flask, browser: FlaskClient, clock: Clock) -> None:
    clock.advance(minutes=1)
    app.test_cli_runner().invoke(args=["users", "set-plan", EMAIL, "pro"])
    row, _ = first_row(shown(browser.get(PATH)))
    assert "The plan was changed." in row
    assert "By the operator" in row


@pytest.mark.parametrize("named", ["another", "backend", "operator", *sorted(BY_ITSELF)])
def test_whose_doing_it_was_is_told_without_their_id_address_and_browser(
    app: Flask, browser: FlaskClient, clock: Clock, ada: str, facts: Facts, named: str
) -> None:
    clock.advance(minutes=1)
    actor = add_person(app, "bob@example.com") if named == "another" else named
    with app.app_context():
        services = app.extensions["services"]
        services.audit.record(Event.QUOTA_RESET, Caller("203.0.113.9", "Firefox of Bob", actor=actor), user_id=ada)
        services.db.commit()
    seen, folded = first_row(shown(browser.get(PATH)))
    assert "Your usage this month was set back to 0." in seen
    by = re.findall(r"By [a-z ]+[a-z]", seen)
    assert by == ["By the operator"] * (named == "operator") + ["By an administrator"] * (
        named in {"another", "backend"}
    )
    assert "IP address" not in folded
    (told,) = [each for each in browser.get(EXPORT).json["activity"] if each["action"] == Event.QUOTA_RESET]
    is_nobodys = named in {"operator", *BY_ITSELF}
    assert (told["actor"], told["ip"], told["user_agent"]) == (named if is_nobodys else "administrator", "", "")
    for text in (seen, folded, browser.get(EXPORT).text):
        assert not any(secret in text for secret in ("203.0.113.9", "Firefox of Bob", *([actor] * (not is_nobodys))))
    kept = facts.all("SELECT actor, ip, user_agent FROM oauth_audit_logs WHERE action = :it", it=Event.QUOTA_RESET)
    assert [tuple(row) for row in kept] == [(actor, "203.0.113.9", "Firefox of Bob")]


def test_what_the_person_did_is_told_with_address_and_browser(app: Flask, browser: FlaskClient, ada: str) -> None:
    """Also what an administrator changes that is of no person: it is on record as theirs."""
    with app.app_context():
        services = app.extensions["services"]
        here = Caller("203.0.113.9", "Firefox of Ada", actor=ada, user_id=ada)
        services.audit.record(Event.CLIENT_CHANGED, here, client_id="portal")
        services.db.commit()
    told = [each for each in browser.get(EXPORT).json["activity"] if each["action"] == Event.CLIENT_CHANGED]
    assert [(each["actor"], each["ip"], each["user_agent"]) for each in told] == [
        (ada, "203.0.113.9", "Firefox of Ada")
    ]


def test_everything_the_portal_does_by_itself_is_told_as_nobodys(app: Flask) -> None:
    sources = "".join(file.read_text() for file in Path(app.root_path).rglob("*.py"))
    given = set(re.findall(r'Caller\(actor="(\w+)"\)|ACTOR = "(\w+)"', sources))
    assert {first or second for first, second in given} - {"operator"} == BY_ITSELF


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


def all_pages(browser: FlaskClient, path: str) -> list[str]:
    """The pages of a list, each as it is read."""
    pages: list[str] = []
    while path and len(pages) < 60:
        pages.append(shown(browser.get(path)))
        link = pages[-1].partition("Next page")[0].rpartition('href="')[2].partition('"')[0]
        path = link if "Next page" in pages[-1] else ""
    return pages


@pytest.mark.parametrize("kind", [*Kind])
def test_a_filter_shows_what_is_of_its_kind_page_by_page(
    app: Flask, browser: FlaskClient, ada: str, facts: Facts, kind: Kind
) -> None:
    for _ in range(4):
        record(app, ada, *SENTENCES)  # many of them at the same moment
    record(app, ada, *SENTENCES, error="refused")
    pages = all_pages(browser, f"{PATH}?kind={kind}")
    told = [text for page in pages for text in texts(page)]
    events = facts.all("SELECT action, success FROM oauth_audit_logs WHERE user_id = :id", id=ada)
    wanted = [
        SENTENCES[action] if success else FAILED.get(action, SENTENCES[action])
        for action, success in events
        if (not success if kind is Kind.REFUSED else Event(action) in EVENTS[kind])
    ]
    assert sorted(told) == sorted(text.replace("%(app)s", "An application") for text in wanted)
    assert len(pages) == -(-len(wanted) // 50)
    for page in pages:
        chosen = page.partition('aria-current="true">')[2].partition("<")[0]
        assert chosen == KINDS[kind]
    for page in pages[1:]:
        assert f'href="{PATH}?kind={kind}">First page' in page


@pytest.mark.parametrize("kind", [None, *Kind])
def test_a_filter_that_finds_nothing_says_what_there_is_none_of(
    browser: FlaskClient, facts: Facts, ada: str, kind: Kind | None
) -> None:
    facts.do("DELETE FROM oauth_audit_logs WHERE user_id = :id", id=ada)
    page = shown(browser.get(PATH, query_string={"kind": kind} if kind else {}))
    assert NONE_OF[kind] in page
    assert [said for said in NONE_OF.values() if said in page] == [NONE_OF[kind]]


@pytest.mark.parametrize("kind", ["", "nothing", "LOGINS", "<script>", "logins "])
def test_a_kind_there_is_not_shows_all(browser: FlaskClient, kind: str) -> None:
    page = browser.get(PATH, query_string={"kind": kind})
    assert "You logged in." in shown(page)
    assert "<script>" not in page.text


def test_days_have_headings_and_are_those_of_the_persons_zone(app: Flask, ada: str, clock: Clock) -> None:
    now = clock().replace(hour=15, minute=30) + timedelta(days=2)  # half past midnight in Seoul
    clock.now = now
    record(app, ada, Event.PASSWORD_CHANGED)
    clock.now = now - timedelta(hours=1)
    record(app, ada, Event.EMAIL_CHANGED)
    clock.now = now + timedelta(minutes=5)
    browser = english(app)
    assert log_in(browser).status_code == 303
    today, yesterday = re.split(r">Yesterday</h2>", shown(browser.get(PATH)).partition(">Today</h2>")[2])
    assert "The password was changed." in today
    assert "5 minutes ago" in today
    assert "The e-mail address was changed." in yesterday
    assert "11:30 PM</time>" in first_row(yesterday)[0]


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
