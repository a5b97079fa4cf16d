"""Devices: whose they are, what ending one ends, and that it is over everywhere at the next request."""

from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.services.foundation.environment import Caller
from tests.account.browsing import IPHONE, Facts, english, send, shown
from tests.clock import Clock
from tests.mailbox import received
from tests.relying_party import RelyingParty, add_client, add_person, csrf_token, log_in

PATH = "/account/sessions"


def open_ids(facts: Facts, user_id: str) -> set[str]:
    query = "SELECT id FROM user_sessions WHERE user_id = :id AND ended_at IS NULL"
    return {row[0] for row in facts.all(query, id=user_id)}


def logged_in(app: Flask, email: str = "ada@example.com", agent: str = IPHONE) -> FlaskClient:
    browser = english(app, agent)
    assert log_in(browser, email=email).status_code == 303
    return browser


def test_a_session_shows_its_device_address_times_and_applications(
    app: Flask, browser: FlaskClient, facts: Facts
) -> None:
    phone = logged_in(app)
    add_client(app, "notes", name="Weather Notes")
    RelyingParty(phone, "notes").tokens()
    here, others = shown(browser.get(PATH)).split("Other devices")
    assert "1 device" in others
    for part in ("Safari · iPhone", "127.0.0.1", "Opened there: Weather Notes", "Last used: <time", "just now"):
        assert part in others
    assert "In use now" in here
    assert "Opened there" not in here
    # The moments themselves and what the browser said lie folded under the row.
    folded = others.partition("<details")[2].partition("</details>")[0]
    for part in ("Logged in since", "Last used", "Logged out at the latest", "IP address", IPHONE, "KST"):
        assert part in folded


def test_this_device_stands_first_and_the_others_by_their_last_use(
    app: Flask, browser: FlaskClient, clock: Clock
) -> None:
    for agent in ("curl/8", IPHONE):
        clock.advance(minutes=5)
        logged_in(app, agent=agent)
    page = shown(browser.get(PATH))
    places = [page.index(words) for words in ("This device", "Other devices", "Safari · iPhone", 'row-name">curl')]
    assert places == sorted(places)
    assert page.count("This device</span>") == 1
    assert "5 minutes ago" in page.partition('row-name">curl')[2]


def test_who_is_logged_in_nowhere_else_is_told_so(browser: FlaskClient) -> None:
    page = shown(browser.get(PATH))
    assert "You are logged in nowhere else." in page
    assert "end-others" not in page


def test_a_form_of_a_page_that_was_open_too_long_changes_nothing(
    app: Flask, browser: FlaskClient, facts: Facts, ada: str
) -> None:
    logged_in(app)
    response = browser.post(f"{PATH}/end-others", data={"csrf_token": "old"})
    assert response.status_code == 400
    assert "Nothing was changed: press the button again." in response.text
    assert "Safari · iPhone" in response.text
    assert len(open_ids(facts, ada)) == 2


def test_ending_a_session_is_over_at_its_next_request_with_its_tokens(
    app: Flask, browser: FlaskClient, facts: Facts, ada: str
) -> None:
    (here,) = open_ids(facts, ada)
    phone = logged_in(app)
    add_client(app, "notes")
    party = RelyingParty(phone, "notes")
    tokens = party.tokens()
    (other,) = open_ids(facts, ada) - {here}
    response = send(browser, f"{PATH}/{other}/end", PATH)
    assert (response.status_code, response.location) == (303, PATH)
    assert "That device is logged out." in shown(browser.get(PATH))
    assert phone.get(PATH).location == f"/login?next={PATH}"
    assert party.userinfo(tokens["access_token"]).status_code == 401
    assert party.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert browser.get(PATH).status_code == 200
    reason = facts.one("SELECT end_reason FROM user_sessions WHERE id = :id", id=other)
    assert reason == "ended_by_person"


def test_ending_this_very_session_is_logging_out(browser: FlaskClient, facts: Facts, ada: str) -> None:
    (here,) = open_ids(facts, ada)
    assert send(browser, f"{PATH}/{here}/end", PATH).location == "/logged-out"
    assert browser.get_cookie("portal_session") is None
    assert open_ids(facts, ada) == set()


@pytest.mark.parametrize("whose", ["another person's", "nobody's", "ended"])
def test_a_session_that_is_not_ones_own_is_not_there(
    app: Flask, browser: FlaskClient, facts: Facts, ada: str, whose: str
) -> None:
    bob = add_person(app, "bob@example.com")
    bobs = logged_in(app, "bob@example.com")
    phone = logged_in(app)
    (target,) = open_ids(facts, bob)
    if whose == "nobody's":
        target = str(uuid4())
    if whose == "ended":
        target = (open_ids(facts, ada) - {_current(browser)}).pop()
        assert send(browser, f"{PATH}/{target}/end", PATH).status_code == 303
    assert send(browser, f"{PATH}/{target}/end", PATH).status_code == 404
    assert bobs.get(PATH).status_code == 200
    assert phone.get(PATH).status_code == (303 if whose == "ended" else 200)


@pytest.mark.parametrize("session_id", ["1", "x", "..", "%00", "'", "00000000-0000-0000-0000-00000000000g"])
def test_what_is_no_id_is_not_there(browser: FlaskClient, session_id: str) -> None:
    token = csrf_token(browser, PATH)
    assert browser.post(f"{PATH}/{session_id}/end", data={"csrf_token": token}).status_code in {404, 405}


def test_ending_all_others_keeps_this_one_and_tells_the_person(
    app: Flask, browser: FlaskClient, facts: Facts, ada: str
) -> None:
    add_person(app, "bob@example.com")
    bobs, phone, laptop = logged_in(app, "bob@example.com"), logged_in(app), logged_in(app, agent="curl/8")
    received(app)
    response = send(browser, f"{PATH}/end-others", PATH)
    assert (response.status_code, response.location) == (303, PATH)
    text = shown(browser.get(PATH))
    assert "You are logged out everywhere else." in text
    assert "You are logged in nowhere else." in text
    assert "end-others" not in text
    for gone in (phone, laptop):
        assert gone.get(PATH).status_code == 303
    assert bobs.get(PATH).status_code == 200
    (mail,) = received(app)
    assert (mail.template, mail.to, mail.values["count"]) == ("sessions_ended", "ada@example.com", "2")


def test_ending_all_others_where_there_are_none_tells_nobody(app: Flask, browser: FlaskClient) -> None:
    received(app)
    assert send(browser, f"{PATH}/end-others", PATH).status_code == 303
    assert received(app) == []


def test_a_thousand_sessions_are_shown_by_pages_each_once(
    app: Flask, browser: FlaskClient, facts: Facts, ada: str
) -> None:
    with app.app_context():
        services = app.extensions["services"]
        for number in range(1000):
            services.sessions.start(ada, Caller(f"203.0.113.{number % 250}", f"device-{number}"))
        services.db.session.commit()
    here = _current(browser)
    seen: list[str] = []
    path = PATH
    for _ in range(60):
        page = shown(browser.get(path))
        assert "1000 devices" in page
        found = [part.partition("/end")[0] for part in page.split(f'action="{PATH}/')[1:]]
        own, *found = (each for each in found if "-others" not in each and each)
        assert own == here
        seen += found
        link = page.partition("Next page")[0].rpartition('href="')[2].partition('"')[0]
        if "Next page" not in page:
            break
        path = link
    assert len(seen) == len(set(seen)) == 1000
    assert {*seen, here} == open_ids(facts, ada)


def test_a_user_agent_is_text_and_never_markup_or_a_format(
    app: Flask, browser: FlaskClient, facts: Facts, ada: str
) -> None:
    evil = "<img src=x onerror=alert(1)> %(x)s %d %"
    phone = logged_in(app, agent=evil)
    facts.do("UPDATE user_sessions SET device_name = :name WHERE user_id = :id", name=evil, id=ada)
    for path in (PATH, "/account", "/account/activity", "/account/data/export"):
        text = phone.get(path).text
        assert "<img" not in text
        assert phone.get(path).status_code == 200
    assert "&lt;img src=x onerror=alert(1)&gt; %(x)s %d %" in browser.get(PATH).text


def _current(browser: FlaskClient) -> str:
    text = shown(browser.get(PATH)).partition("This device")[2]
    return text.partition(f'action="{PATH}/')[2].partition("/end")[0]
