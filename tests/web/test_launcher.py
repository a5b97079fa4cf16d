"""The launcher and the marks of applications: what was used last, what is still open, and which picture is whose."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.services.upkeep.seeding import PLAYGROUND, SOLUTIONS
from app.web.presentation import logo
from tests.account.browsing import Facts, english, shown
from tests.cli.test_commands import run
from tests.clock import Clock
from tests.relying_party import REDIRECT_URI, RelyingParty, add_client, add_person, log_in

NAMES = [name for _, name, *_ in SOLUTIONS]
LISTS = re.compile(r'<h2 id="(recent|solutions)".*?</ul>', re.DOTALL)


@pytest.fixture
def ada(app: Flask) -> str:
    return add_person(app)


@pytest.fixture
def browser(app: Flask, ada: str) -> FlaskClient:
    browser = english(app)
    log_in(browser)
    return browser


@pytest.fixture
def facts(app: Flask) -> Facts:
    return Facts(app)


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """Whatever the database is asked."""
    asked: list[str] = []

    def note(*said: Any) -> None:
        asked.append(said[2])

    with app.app_context():
        engine = app.extensions["services"].db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    yield asked
    sa.event.remove(engine, "before_cursor_execute", note)


def use(app: Flask, browser: FlaskClient, clock: Clock, *client_ids: str) -> None:
    """Log in to these applications, one after the other."""
    for client_id in client_ids:
        run(app, "clients", "update", client_id, "--add-redirect-uri", REDIRECT_URI)
        RelyingParty(browser, client_id).tokens(scope="read:profile")
        clock.advance(minutes=1)


def sections(browser: FlaskClient) -> dict[str, list[str]]:
    """The names on the launcher by the list they stand in."""
    text = browser.get("/").text
    return {found[1]: re.findall(r"<strong>(MAX [^<]+)</strong>", found[0]) for found in LISTS.finditer(text)}


def test_in_the_beginning_and_for_strangers_there_is_one_list(client: FlaskClient, browser: FlaskClient) -> None:
    assert sections(client) == sections(browser) == {"solutions": NAMES}


def test_what_was_used_last_comes_first_and_the_rest_keeps_its_order(
    app: Flask, browser: FlaskClient, clock: Clock
) -> None:
    use(app, browser, clock, "maxllm", "maxlab", "maxllm", "maxapa")
    recent = ["MAX APA", "MAX LLM", "MAX Lab"]
    assert sections(browser) == {"recent": recent, "solutions": [name for name in NAMES if name not in recent]}
    assert "Recently used" in shown(browser.get("/"))


def test_at_most_one_row_is_lately_used(app: Flask, browser: FlaskClient, clock: Clock) -> None:
    use(app, browser, clock, *(client_id for client_id, *_ in SOLUTIONS[:6]))
    assert sections(browser) == {"recent": NAMES[5:1:-1], "solutions": [*NAMES[:2], *NAMES[6:]]}


def test_uses_of_others_and_of_what_is_on_no_tile_count_for_nothing(
    app: Flask, browser: FlaskClient, clock: Clock
) -> None:
    add_person(app, "other@example.com")
    other = app.test_client()
    log_in(other, email="other@example.com")
    use(app, other, clock, "maxlab")
    for number in range(5):
        add_client(app, f"unlisted-{number}")
        RelyingParty(browser, f"unlisted-{number}").tokens()
    assert sections(browser) == {"solutions": NAMES}
    assert list(sections(other)) == ["recent", "solutions"]


def test_what_was_used_months_ago_is_not_lately_used(app: Flask, browser: FlaskClient, clock: Clock) -> None:
    use(app, browser, clock, "maxlab")
    clock.advance(days=91)
    again = english(app)
    log_in(again)
    assert sections(again) == {"solutions": NAMES}


def test_an_application_that_left_the_launcher_leaves_this_list_too(
    app: Flask, browser: FlaskClient, clock: Clock
) -> None:
    use(app, browser, clock, "maxlab", "maxllm")
    run(app, "clients", "update", "maxllm", "--no-listed")
    assert sections(browser)["recent"] == ["MAX Lab"]


def test_so_few_that_they_are_one_row_need_no_section(app: Flask, browser: FlaskClient, clock: Clock) -> None:
    for client_id, *_ in SOLUTIONS[4:]:
        run(app, "clients", "update", client_id, "--no-listed")
    use(app, browser, clock, "maxteamsync")
    assert sections(browser) == {"solutions": ["MAX TeamSync", *NAMES[:2], NAMES[3]]}


def test_however_often_applications_were_used_the_page_asks_no_more(
    app: Flask, browser: FlaskClient, clock: Clock, statements: list[str]
) -> None:
    use(app, browser, clock, "maxlab")
    statements.clear()
    browser.get("/")
    asked = len(statements)
    use(app, browser, clock, *["maxlab", "maxllm", "maxapa"] * 3)
    statements.clear()
    browser.get("/")
    assert len(statements) == asked


def test_what_is_still_open_is_said_with_the_way_on_and_nothing_else(
    app: Flask, browser: FlaskClient, ada: str, facts: Facts
) -> None:
    assert "Still open" not in browser.get("/").text
    facts.do("UPDATE users SET email_verified = false, full_name = ''")
    text = browser.get("/").text
    assert "not verified yet" in text
    assert 'href="/verify-email"' in text
    assert "Your name is missing" in text
    assert 'href="/account/profile"' in text
    assert "Still open" not in english(app).get("/").text


@pytest.mark.parametrize("client_id", [client_id for client_id, *_ in SOLUTIONS])
def test_the_platforms_own_applications_have_marks_of_their_own(app: Flask, client_id: str) -> None:
    browser = english(app)
    marks = re.findall(r'<span class="mark (hue-\d)[^>]*>(<svg.*?</svg>)', browser.get("/").text)
    assert len(marks) == len({hue for hue, _ in marks}) == len({drawing for _, drawing in marks}) == len(SOLUTIONS)
    run(app, "clients", "update", client_id, "--add-redirect-uri", REDIRECT_URI)
    step = browser.get(RelyingParty(browser, client_id).authorize(scope="read:profile").location).text
    place = [client_id for client_id, *_ in SOLUTIONS].index(client_id)
    assert re.findall(r'<span class="mark (hue-\d)[^>]*>(<svg.*?</svg>)', step) == [marks[place]]


def test_an_applications_own_picture_goes_before_what_was_drawn_for_it(app: Flask) -> None:
    run(app, "clients", "update", "maxlab", "--logo", "/static/img/mark.svg")
    page = english(app).get("/").text
    assert '<img src="/static/img/mark.svg" alt="">' in page
    assert len(re.findall(r'<span class="mark[^>]*><svg', page)) == len(SOLUTIONS) - 1


def test_other_applications_are_known_by_letters(app: Flask) -> None:
    add_client(app, "weather", name="Weather Notes", is_listed=True)
    assert re.search(
        r'<span class="mark hue-\d mark-large" aria-hidden="true">W[^<]*</span>', english(app).get("/").text
    )


@pytest.mark.parametrize(
    ("address", "path"),
    [
        (None, None),
        ("", None),
        ("/static/img/mark.svg", "/static/img/mark.svg"),
        ("http://localhost:8000/static/img/mark.svg", "/static/img/mark.svg"),
        ("http://localhost:80001/mark.svg", None),
        ("https://elsewhere.example.com/mark.svg", None),
        ("//elsewhere.example.com/mark.svg", None),
        ("http://localhost:8000//elsewhere.example.com/mark.svg", None),
        ("http://localhost:8000", None),
    ],
)
def test_pictures_of_other_hosts_stay_out(app: Flask, address: str | None, path: str | None) -> None:
    with app.app_context():
        assert logo(address) == path


def test_the_playground_is_no_solution(client: FlaskClient) -> None:
    assert PLAYGROUND not in [name.lower() for name in sections(client)["solutions"]]
