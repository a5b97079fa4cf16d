"""Filters of the audit log that administrators keep: followed as links, removed, and nobody else's."""

import json
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.services.foundation.environment import NOBODY
from app.services.record.audit import Event
from app.services.record.saved import MOST
from app.services.tenancy.member_changes import Placement
from tests.account.browsing import Facts, send, shown
from tests.admin.offices import administrator
from tests.relying_party import add_person, log_in

LOG, KEPT = "/admin/audit", "/admin/audit/saved"
ROLES = "action=role:created&success=yes"
NUMBER = "SELECT count(*) FROM saved_filters"


@pytest.fixture
def office(app: Flask) -> FlaskClient:
    return administrator(app)


def save(browser: FlaskClient, name: str, query: str = ROLES) -> TestResponse:
    return send(browser, f"{KEPT}/new?{query}", KEPT, name=name)


def links(page: str) -> dict[str, str]:
    """The saved filters above the log: where each leads."""
    part = page.partition('<nav class="saved"')[2].partition("</nav>")[0]
    return {name: address for address, name in re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', part)}


def removals(browser: FlaskClient) -> list[str]:
    """Where the forms lead that remove one."""
    return re.findall(rf'action="({KEPT}/[^"]+/remove)"', browser.get(KEPT).text)


def asked(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


def on_record(app: Flask, event: Event, client_id: str) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.audit.record(event, NOBODY, client_id=client_id)
        services.db.commit()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_filter_is_saved_followed_and_removed(
    make_app: Callable[..., Flask], open_database: Callable[..., str], engine: str
) -> None:
    app = make_app(open_database(engine))
    office = administrator(app)
    on_record(app, Event.ROLE_CREATED, "told-by-it")
    on_record(app, Event.GROUP_CREATED, "left-out-by-it")
    page = shown(office.get(f"{LOG}?{ROLES}"))
    assert links(page) == {}
    assert f'href="{KEPT}/new?action=role:created&success=yes"' in page
    assert "Only records of which all this holds" in shown(office.get(f"{KEPT}/new?{ROLES}"))
    saved = save(office, "  New   roles ", f"{ROLES}&after=somewhere&other=thing&client=")
    assert saved.status_code == 303
    assert asked(saved.location) == {"action": ["role:created"], "success": ["yes"]}
    assert "The filter is saved." in shown(office.get(saved.location))
    found = links(shown(office.get(LOG)))
    assert asked(found["New roles"]) == asked(saved.location)
    page = shown(office.get(found["New roles"]))
    assert "told-by-it" in page
    assert "left-out-by-it" not in page
    assert 'aria-current="true">New roles' in page
    assert "Save this filter" not in page
    assert "of this name already" in save(office, "NEW ROLES").text
    (removal,) = removals(office)
    removed = send(office, removal, KEPT)
    assert removed.status_code == 303
    page = shown(office.get(removed.location))
    assert "The filter is removed." in page
    assert "There is none yet." in page
    assert links(shown(office.get(LOG))) == {}
    (undo,) = re.findall(rf'href="({KEPT}/new[^"]+)"', page)
    assert 'value="New roles"' in office.get(undo).text
    assert send(office, undo, KEPT, name="New roles").status_code == 303
    assert list(links(shown(office.get(LOG)))) == ["New roles"]


def test_people_stand_in_it_by_their_ids(app: Flask, office: FlaskClient) -> None:
    person = add_person(app, "ada@example.com")
    saved = save(office, "Ada", "person=ada@example.com&actor=ADA@example.com")
    assert asked(saved.location) == {"person": [person], "actor": [person]}
    assert "ada@" not in Facts(app).one("SELECT query FROM saved_filters")
    assert 'aria-current="true">Ada' in office.get(f"{LOG}?person=ada@example.com&actor=ada@example.com").text


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "Give the filter a name."),
        (" \u200b\u3164 ", "Give the filter a name."),
        ("n" * 61, "Use at most 60 characters."),
        ("n" * 100_000, "Use at most 60 characters."),
        ("\ufdfa" * 20, "Use at most 60 characters."),
        ("new ROLES", "You have a filter of this name already."),
        ("Ｎｅｗ　ｒｏｌｅｓ", "You have a filter of this name already."),
        (unicodedata.normalize("NFD", "새 역할"), "You have a filter of this name already."),
    ],
)
def test_a_name_that_cannot_be_kept_is_said_beside_it(app: Flask, office: FlaskClient, name: str, says: str) -> None:
    assert save(office, "New roles").status_code == 303
    assert save(office, "새 역할", "action=role:").status_code == 303
    refused = save(office, name, "action=group:created")
    assert refused.status_code == 400
    assert f'id="name-error">{says}' in refused.text
    assert "group:created" in refused.text
    assert Facts(app).one(NUMBER) == 2


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "Filter the log first"),
        ("after=x&action=nothing", "Filter the log first"),
        ("network=everywhere", "This is neither an address nor a network"),
        ("since=yesterday", "This is not a date with a time."),
        ("person=nobody@example.com", "No account has this e-mail address."),
        (f"error={'%ED%95%9C' * 300}", "This filter is too long to be saved."),
    ],
)
def test_what_cannot_be_asked_is_not_saved(app: Flask, office: FlaskClient, query: str, says: str) -> None:
    refused = save(office, "Some name", query)
    assert refused.status_code == 400
    assert says in refused.text
    assert f'action="{LOG}"' in refused.text or says.startswith("This filter")
    assert Facts(app).one(NUMBER) == 0


def test_there_are_fifty_at_most(app: Flask, office: FlaskClient) -> None:
    for number in range(MOST):
        assert save(office, f"Filter {number:02}").status_code == 303
    refused = save(office, "One more")
    assert refused.status_code == 400
    assert "You have 50 saved filters" in refused.text
    assert "of this name already" in save(office, "filter 00").text
    assert send(office, removals(office)[0], KEPT).status_code == 303
    assert save(office, "One more").status_code == 303
    assert list(links(shown(office.get(LOG))))[:2] == ["Filter 01", "Filter 02"]


def test_another_administrator_neither_sees_nor_removes_it(app: Flask, office: FlaskClient) -> None:
    other = administrator(app, email="other@example.com")
    assert save(office, "Mine", "action=group:created").status_code == 303
    assert save(other, "Mine", "action=role:created").status_code == 303
    mine, theirs = removals(office), removals(other)
    assert len(mine) == len(theirs) == 1
    assert mine != theirs
    assert asked(links(other.get(LOG).text)["Mine"]) == {"action": ["role:created"]}
    for path in (*mine, f"{KEPT}/{'0' * 8}-0000-4000-8000-{'0' * 12}/remove"):
        assert send(other, path, KEPT).status_code == 404
    assert other.post(theirs[0]).status_code == 400
    assert (removals(office), removals(other)) == (mine, theirs)


def test_who_may_not_read_the_log_any_more_has_them_no_longer(app: Flask) -> None:
    auditor = administrator(app, "admin:audit", email="auditor@example.com")
    assert save(auditor, "Mine").status_code == 303
    (removal,) = removals(auditor)
    with app.app_context():
        services = app.extensions["services"]
        person = services.accounts.find("auditor@example.com").id
        group = next(each for each in services.standing.places(person) if each.is_primary).group
        services.standing.make(Placement(person, group.id, services.roles.get("member").id), NOBODY)
        services.db.session.commit()
    assert log_in(auditor, "auditor@example.com").status_code == 303
    assert auditor.get(KEPT).status_code == 403
    for path in (removal, f"{KEPT}/new?{ROLES}"):
        assert send(auditor, path, "/account/profile", name="Another").status_code == 403
    assert Facts(app).one(NUMBER) == 1


def test_it_is_in_the_export_of_whose_it_is_and_goes_with_the_account(app: Flask, office: FlaskClient) -> None:
    other = administrator(app, email="other@example.com")
    assert save(office, "Mine", "action=group:created").status_code == 303
    assert save(other, "Theirs").status_code == 303
    with app.app_context():
        services = app.extensions["services"]
        person = services.accounts.find("other@example.com").id
        (told,) = services.exports.make(person, NOBODY)["saved_filters"]
        assert (told["name"], told["query"]) == ("Theirs", "action=role%3Acreated&success=yes")
        assert "Mine" not in json.dumps(services.exports.make(person, NOBODY))
        services.administration.delete(person)
        services.db.commit()
    assert Facts(app).all("SELECT name FROM saved_filters") == [("Mine",)]
