"""What administrators do for people: finding, inviting, changing, ending; and what lesser ones cannot."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.admin.people.sentences import SENTENCES
from app.models import AuditLog
from app.services.foundation.environment import NOBODY
from app.services.people.activity import EVENTS
from app.services.tenancy.member_changes import Placement
from tests.account.browsing import Facts, send, shown
from tests.admin.offices import administrator
from tests.mailbox import received
from tests.relying_party import RelyingParty, add_client, add_person, link_identity, log_in, take_password

STRONG = "another fine horse 7"
EMAIL, OTHER = "ada@example.com", "other@example.com"


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    """A portal from which mails leave."""
    return make_app(open_database(request.param, "seeded"))


def person(app: Flask, email: str, name: str) -> str:
    """Somebody of that name."""
    who = add_person(app, email)
    Facts(app).do("UPDATE users SET full_name = :name WHERE id = :id", name=name, id=who)
    return who


@pytest.fixture
def who(app: Flask) -> str:
    """Somebody with an account."""
    return person(app, EMAIL, "Ada King")


@pytest.fixture
def office(app: Flask) -> FlaskClient:
    """An administrator of everything."""
    return administrator(app)


def found(office: FlaskClient, query: str) -> set[str]:
    """The ids of the people in a list."""
    return set(re.findall(r'<th scope="row"><a href="/admin/people/([0-9a-f-]{36})"', office.get(query).text))


def recorded(app: Flask, who: str) -> list[tuple[str, bool]]:
    """What is on record about somebody."""
    with app.app_context():
        query = sa.select(AuditLog.action, AuditLog.success).where(AuditLog.user_id == who)
        return [tuple(row) for row in app.extensions["services"].db.session.execute(query)]


def test_the_list_finds_people_by_all_that_is_known_of_them(app: Flask, who: str, office: FlaskClient) -> None:
    link_identity(app, who, subject="kakao-4711")
    with app.app_context():
        services = app.extensions["services"]
        lab = services.groups.create("Seoul Lab", "workspace", NOBODY)
        services.standing.make(Placement(who, lab.id), NOBODY)
        services.db.session.commit()
    only = {
        *("?q=ada@EXAMPLE", "?q=King", f"?q={who}", "?q=kakao-4711", "?provider=kakao", "?group=Seoul+Lab"),
        *(
            "?admin=no",
            "?login=never&admin=no",
            "?q=ada&active=yes&leaving=no&joined=1&role=member",
            "?admin=no&sort=email",
        ),
    }
    for query in only:
        assert found(office, f"/admin/people{query}") == {who}, query
    none = ("?q=nobody", "?admin=no&login=7", "?leaving=yes", "?provider=google", "?q=ada&active=no", "?role=nothing")
    for query in none:
        page = office.get(f"/admin/people{query}")
        assert page.status_code == 200
        assert found(office, f"/admin/people{query}") == set(), query
        assert "Nobody fits this." in page.text
    # What is none of the choices, or stands there twice, asks for nothing.
    assert len(found(office, "/admin/people?joined=soon&login=x&sort=salary&q=a&q=b")) > 1


def test_the_list_is_sorted_and_goes_on(app: Flask, office: FlaskClient) -> None:
    ids = {add_person(app, f"p{number:02}@example.com") for number in range(60)}
    first = office.get("/admin/people?sort=email&q=example.com")
    following = re.search(r'href="(/admin/people\?[^"]*after=[^"]*)"', first.text)
    assert following
    assert "sort=email" in following[1]
    rest = found(office, following[1].replace("&amp;", "&"))
    both = found(office, "/admin/people?sort=email&q=example.com") | rest
    assert ids < both
    assert "62 people" in shown(first)


def test_somebody_is_invited_and_comes_in_by_the_link(app: Flask, office: FlaskClient) -> None:
    made = send(office, "/admin/people/new", email=" New@Example.com ", full_name="새 사람", locale="ko", way="invite")
    assert made.status_code == 303
    who = made.location.rpartition("/")[2]
    assert "Mail the invitation again" in shown(office.get(made.location))
    (mail,) = [each for each in received(app) if each.template == "invitation"]
    assert mail.to == "new@example.com"
    newcomer = app.test_client()
    page = newcomer.get(f"/reset-password?token={mail.token}")
    assert page.status_code == 200
    assert send(newcomer, "/reset-password", f"/reset-password?token={mail.token}", token=mail.token, password=STRONG)
    assert log_in(newcomer, "new@example.com", password=STRONG).status_code == 303
    assert app.test_client().get(f"/reset-password?token={mail.token}").status_code == 410
    assert Facts(app).one("SELECT email_verified FROM users WHERE id = :id", id=who)
    assert ("account:invited", True) in recorded(app, who)
    refused = send(office, f"/admin/people/{who}/invite", f"/admin/people/{who}")
    assert refused.status_code == 400
    assert "This account was used already" in refused.text


def test_a_second_invitation_ends_the_first_and_a_new_address_ends_both(app: Flask, office: FlaskClient) -> None:
    made = send(office, "/admin/people/new", email=EMAIL, full_name="", locale="en", way="invite")
    assert send(office, f"{made.location}/invite", made.location).status_code == 303
    links = [f"/reset-password?token={each.token}" for each in received(app) if each.template == "invitation"]
    reads = app.test_client()
    (good,) = [link for link in links if reads.get(link).status_code == 200]
    assert [reads.get(link).status_code for link in links if link != good] == [410]
    edit = f"{made.location}/edit"
    details = {"full_name": "", "username": "ada", "bio": "", "locale": "en", "timezone": "Asia/Seoul"}
    assert send(office, edit, email=OTHER, **details).status_code == 303
    assert reads.get(good).status_code == 410


def test_a_password_is_shown_once_and_opens_the_account(app: Flask, office: FlaskClient) -> None:
    made = send(office, "/admin/people/new", email=EMAIL, full_name="Ada", locale="en", way="password", is_verified="y")
    password = re.search(r"<code data-copy-source>([^<]{20})</code>", made.text)
    assert password
    assert made.headers["Cache-Control"] == "no-store"
    assert log_in(app.test_client(), EMAIL, password=password[1]).status_code == 303


@pytest.mark.parametrize(
    ("email", "problem"),
    [
        ("", "Enter your e-mail."),
        ("no address", "This is not an e-mail address."),
        (EMAIL.upper(), "There is an account with this e-mail."),
        ("ａｄａ@example.com", "There is an account with this e-mail."),
        ("a\0b@example.com", "No mail can be sent to an address with such letters"),
    ],
)
def test_nobody_is_made_of_an_address_that_is_none(
    app: Flask, who: str, office: FlaskClient, email: str, problem: str
) -> None:
    before = Facts(app).one("SELECT count(*) FROM users")
    refused = send(office, "/admin/people/new", email=email, full_name="Kept", locale="ko", way="invite")
    assert refused.status_code == 400
    assert problem in refused.text
    assert "Kept" in refused.text
    assert Facts(app).one("SELECT count(*) FROM users") == before


def test_details_are_changed_all_or_none(app: Flask, who: str, office: FlaskClient) -> None:
    add_person(app, OTHER)
    path, said = (
        f"/admin/people/{who}/edit",
        {"bio": "", "locale": "", "timezone": "Asia/Seoul", "username": "ada.king"},
    )
    taken = send(office, path, full_name="Countess", email=OTHER, **said)
    assert taken.status_code == 400
    assert "Another account has this e-mail." in taken.text
    assert Facts(app).one("SELECT full_name FROM users WHERE id = :id", id=who) == "Ada King"
    both = send(office, path, full_name="x" * 300, email="nonsense", **said)
    assert "This name is too long." in both.text
    assert "This is not an e-mail address." in both.text
    assert send(office, path, full_name="Countess", email="new@example.com", **said).status_code == 303
    row = Facts(app).all("SELECT full_name, email, email_verified, username, locale FROM users WHERE id = :id", id=who)
    assert [tuple(each) for each in row] == [("Countess", "new@example.com", False, "ada.king", "")]


def test_sessions_applications_and_identities_are_ended_one_by_one(app: Flask, who: str, office: FlaskClient) -> None:
    secret = add_client(app, "theirs")
    browsers = [app.test_client(), app.test_client()]
    for browser in browsers:
        log_in(browser, EMAIL)
    party = RelyingParty(browsers[0], "theirs", secret)
    tokens = party.tokens()
    access = f"/admin/people/{who}/access"
    assert "Theirs" in shown(office.get(access)) or "theirs" in shown(office.get(access))
    assert send(office, f"/admin/people/{who}/apps/theirs/remove", access).status_code == 303
    assert party.userinfo(tokens["access_token"]).status_code == 401
    assert send(office, f"/admin/people/{who}/apps/theirs/remove", access).status_code == 404
    rows = Facts(app).all("SELECT id FROM user_sessions WHERE user_id = :id ORDER BY created_at, id", id=who)
    ends = f"/admin/people/{who}/sessions/{{}}/end"
    assert send(office, ends.format(rows[0].id), access).status_code == 303
    assert sorted(browser.get("/account/profile").status_code for browser in browsers) == [200, 303]
    assert send(office, ends.format(rows[0].id), access).status_code == 404
    other = add_person(app, OTHER)
    assert send(office, f"/admin/people/{other}/sessions/{rows[1].id}/end", access).status_code == 404


def test_unlinking_says_what_remains_and_holds_to_it(app: Flask, who: str, office: FlaskClient) -> None:
    link_identity(app, who, email=OTHER)
    (row,) = Facts(app).all("SELECT id FROM identities WHERE user_id = :id", id=who)
    path = f"/admin/people/{who}/identities/{row.id}/unlink"
    assert "Nothing remains" not in shown(office.get(path))
    take_password(app, who)
    # What was shown before said that a password remains.
    refused = send(office, path, leaves_none="")
    assert refused.status_code == 409
    assert "Nothing remains" in refused.text
    assert send(office, path, leaves_none="yes").status_code == 303
    assert Facts(app).one("SELECT count(*) FROM identities WHERE user_id = :id", id=who) == 0
    assert office.get(path).status_code == 404


def test_permissions_say_by_which_role_and_which_do_not_count(app: Flask, who: str, office: FlaskClient) -> None:
    with app.app_context():
        services = app.extensions["services"]
        lab = services.groups.create("Lab", "workspace", NOBODY)
        role = services.roles.create("keeper", ["admin:keys"], NOBODY)
        services.standing.make(Placement(who, lab.id, role.id), NOBODY)
        services.db.session.commit()
    counts, without = shown(office.get(f"/admin/people/{who}/permissions")).split("without effect here")
    assert "admin:keys" in without
    assert "keeper in Lab" in without
    assert "admin:keys" not in counts
    assert "member in" in counts


def test_hints_lead_to_accounts_that_may_be_the_same_and_to_no_others(
    app: Flask, who: str, office: FlaskClient
) -> None:
    namesake = person(app, "a@example.com", "Ada King")
    at_provider = person(app, "b@example.com", "B")
    same_at_providers = person(app, "c@example.com", "C")
    stranger = person(app, "d@example.com", "D")
    link_identity(app, at_provider, subject="1", email=EMAIL)
    link_identity(app, who, subject="2", email="shared@example.net")
    link_identity(app, same_at_providers, subject="3", email="shared@example.net")
    text = office.get(f"/admin/people/{who}").text
    assert all(f"/admin/people/{each}" in text for each in (namesake, at_provider, same_at_providers))
    assert stranger not in text


def test_the_timeline_tells_of_refusals_by_kind_and_hides_who_else_did_it(
    app: Flask, who: str, office: FlaskClient
) -> None:
    log_in(app.test_client(), EMAIL, password="wrong")
    send(office, f"/admin/people/{who}/disable", f"/admin/people/{who}")
    path = f"/admin/people/{who}/activity"
    everything, refused = shown(office.get(path)), shown(office.get(f"{path}?kind=refused"))
    assert "Somebody tried to log in with a wrong password." in refused
    assert "The account was disabled." in everything
    assert "By an administrator" in everything
    assert "The account was disabled." not in refused
    assert office.get(f"{path}?after=nonsense").status_code == 400


def test_every_event_that_can_concern_a_person_has_a_sentence() -> None:
    assert {event for events in EVENTS.values() for event in events} <= SENTENCES.keys()


def test_an_administrator_of_people_reaches_nobody_who_administers(app: Flask, who: str) -> None:
    boss = add_person(app, "boss@example.com", is_admin=True)
    browser = administrator(app, "admin:users", email="lesser@example.com")
    own = Facts(app).one("SELECT id FROM users WHERE email = 'lesser@example.com'")
    details: dict[str, Any] = {"username": "mine.now", "bio": "", "locale": "en", "timezone": "UTC", "full_name": "X"}
    for target in (boss, own):
        link_identity(app, target, subject=target)
        (link,) = Facts(app).all("SELECT id FROM identities WHERE user_id = :id", id=target)
        sessions = Facts(app).all("SELECT id FROM user_sessions WHERE user_id = :id", id=target)
        before, page = recorded(app, target), f"/admin/people/{who}"
        for path, form in (
            ("edit", {**details, "email": "stolen@example.com"}),
            ("remove-photo", {}),
            (f"identities/{link.id}/unlink", {"leaves_none": "yes"}),
            ("apps/playground/remove", {}),
            *((f"sessions/{row.id}/end", {}) for row in sessions),
            *((deed, {}) for deed in ("disable", "reset", "invite", "log-out", "unverify")),
        ):
            assert send(browser, f"/admin/people/{target}/{path}", page, **form).status_code == 403, (path, target)
        assert recorded(app, target) == before
    assert send(browser, f"/admin/people/{who}/edit", email=EMAIL, **details).status_code == 303


def test_two_accounts_stand_side_by_side_only_where_something_suggests_it(app: Flask) -> None:
    office = administrator(app, "admin:users")
    one, other, stranger = (add_person(app, f"{name}@example.com") for name in ("one", "other", "stranger"))
    with app.app_context():
        app.extensions["services"].administration.change(stranger, {"full_name": "Somebody Else"})
        app.extensions["services"].db.session.commit()
    link_identity(app, one, provider="google", subject="g-1", email="other@example.com")
    page = office.get(f"/admin/people/{one}/beside/{other}").text
    assert "A provider says this address belongs to the other account" in page
    assert f"/admin/people/{other}/groups" in page
    assert [office.get(f"/admin/people/{one}/beside/{each}").status_code for each in (stranger, one)] == [404, 404]
