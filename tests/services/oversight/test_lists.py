"""What administrators list, on a small platform of every kind of row: filters, orders, and pages both ways."""

import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.errors import InvalidInput
from app.models import AuditLog, TokenFamily, User, UserSession
from app.services.foundation.environment import NOBODY
from app.services.foundation.pages import Order, Page, Place, read, written
from app.services.foundation.search import addresses_of
from app.services.oversight.applications import WantedClients
from app.services.oversight.deliveries import DeliveryState, WantedDeliveries
from app.services.oversight.directory import ORDERS, Sort, Wanted
from app.services.oversight.grants import State, WantedDenied, WantedGrants, WantedSessions
from app.services.record import search
from app.services.record.search import Filters
from app.settings import Settings
from benchmarks import lists as program
from benchmarks.population import RARE_IP, fill
from benchmarks.reads import lists
from tests.portal import close

PEOPLE = 120
MOST = 100_000
Read = Callable[..., Page[Any]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A filled platform on each engine; who changes it takes that back."""
    databases = request.getfixturevalue(f"{'sqlite' if request.param == 'sqlite' else 'postgres'}_databases")
    directory: Path = tmp_path_factory.mktemp("lists")
    with databases.fresh(directory, "seeded") as url:
        fill(url, PEOPLE)
        app = create_app(Settings.for_testing(directory, url, RATE_LIMIT_ENABLED="false"))
        yield app
        close(app)


@contextmanager
def services_of(app: Flask) -> Iterator[Any]:
    """The services in a unit of work of which nothing stays."""
    with app.app_context():
        services = app.extensions["services"]
        yield services
        services.db.rollback()


def everything(services: Any) -> dict[str, Read]:
    """Every list whole."""
    directory, grants = services.directory, services.grants

    def people(sort: Sort) -> Read:
        return lambda **part: directory.page(Wanted(), sort=sort, **part)

    return {
        **{f"people by {sort}": people(sort) for sort in Sort},
        "leaving none out": lambda **part: directory.page(Wanted(search="a", is_active=True), **part),
        "clients": lambda **part: services.applications.page(WantedClients(), **part),
        "sessions": lambda **part: grants.sessions(WantedSessions(), **part),
        "families": lambda **part: grants.grants(WantedGrants(), **part),
        "denylist": lambda **part: grants.denied(WantedDenied(), **part),
        "deliveries": lambda **part: services.deliveries.page(WantedDeliveries(), **part),
        "records": lambda **part: services.records.page(Filters(until=services.clock() - BEFORE), NOBODY, **part),
        "records of several": lambda **part: services.records.page(
            Filters(actions=("account:", "session:ended"), until=services.clock() - BEFORE), NOBODY, **part
        ),
        "groups": lambda **part: services.rights.groups(**part),
        "roles": lambda **part: services.rights.roles(**part),
    }


BEFORE = timedelta(hours=1)
"""Reading records is on record: those are left out."""


def key(row: Any) -> str:
    if isinstance(row, dict):
        return str(row["id"])
    return str(next(getattr(row, name) for name in ("id", "jti", "client_id") if hasattr(row, name)))


def walked(page: Read, limit: int, *, backward: bool = False, after: str | None = None) -> tuple[list[str], str | None]:
    """The ids of all pages in turn, as they stand from the first to the last, and where the last page begins."""
    found: list[str] = []
    cursor = after
    while True:
        part = page(limit=limit, after=cursor)
        ids = [key(each) for each in part.items]
        assert len(ids) <= limit
        found = ids + found if backward else found + ids
        if (following := part.previous if backward else part.next) is None:
            return found, cursor
        cursor = following


def test_each_row_stands_on_one_page_whichever_way_is_gone(app: Flask) -> None:
    with services_of(app) as services:
        for name, page in everything(services).items():
            whole = [key(each) for each in page(limit=MOST).items]
            assert len(whole) == len(set(whole)) > 1, name
            limit = max(len(whole) // 5, 1)
            forward, last = walked(page, limit)
            assert forward == whole, name
            behind, _ = walked(page, limit, backward=True, after=page(limit=limit, after=last).previous)
            assert behind + [key(each) for each in page(limit=limit, after=last).items] == whole, name
            assert page(limit=limit).previous is None, name
            assert walked(page, len(whole))[0] == walked(page, len(whole) - 1)[0] == whole, name


def test_people_are_sorted_as_was_said(app: Flask) -> None:
    with services_of(app) as services:
        by = {sort: services.directory.page(Wanted(), sort=sort, limit=MOST).items for sort in Sort}
        assert [each.email for each in by[Sort.EMAIL]] == sorted(each.email for each in by[Sort.EMAIL])
        created = [each.created_at for each in by[Sort.NEWEST]]
        assert created == sorted(created, reverse=True)
        logins = [each.last_login_at for each in by[Sort.LAST_LOGIN]]
        known = [each for each in logins if each]
        assert known == sorted(known, reverse=True)
        assert 0 < len(known) < len(logins)
        assert logins[len(known) :] == [None] * (len(logins) - len(known))


def test_rows_that_come_or_go_meanwhile_move_no_page(app: Flask) -> None:
    with services_of(app) as services:
        first = services.directory.page(Wanted(), limit=10)
        second = services.directory.page(Wanted(), limit=10, after=first.next)
        gone = [first.items[-1].id, second.items[3].id]
        db = services.db.session
        db.execute(sa.delete(User).where(User.id.in_(gone)))
        services.accounts.create("aaa@example.com", "correct horse battery", name="Ada", caller=NOBODY)
        again = services.directory.page(Wanted(), limit=9, after=first.next)
        assert [each.id for each in again.items] == [each.id for each in second.items if each.id not in gone]
        back = services.directory.page(Wanted(), limit=20, after=again.previous)
        assert [each.id for each in back.items[1:]] == [each.id for each in first.items[:-1]]


def test_every_filter_of_people_finds_those_of_whom_it_is_true(app: Flask) -> None:
    with services_of(app) as services:
        db, now = services.db.session, services.clock()
        rows = db.execute(sa.select(User.__table__)).all()
        ids = {name: set(db.scalars(sa.text(query))) for name, query in QUERIES.items()}
        korean = next(row for row in rows if "가" <= row.full_name[:1] <= "힣")
        english = next(row for row in rows if row.full_name.startswith("Grace"))
        subject = db.execute(sa.text("SELECT subject, user_id FROM identities LIMIT 1")).one()
        long_ago = now - timedelta(days=400)
        part = korean.full_name[1:]
        cases: list[tuple[Wanted, Callable[[Any], bool]]] = [
            (Wanted(), lambda row: True),
            (Wanted(search=part), lambda row: part in row.full_name),
            (Wanted(search=decomposed(part)), lambda row: part in row.full_name),
            (Wanted(search="ＧＲＡＣＥ"), lambda row: "Grace" in row.full_name),
            (Wanted(search="grace"), lambda row: "Grace" in row.full_name),
            (Wanted(search="%"), lambda row: False),
            (Wanted(search="_"), lambda row: False),
            (Wanted(search="\\"), lambda row: False),
            (Wanted(search="no such person"), lambda row: False),
            (Wanted(search=english.id), lambda row: row.id == english.id),
            (Wanted(search=english.id[:-1]), lambda row: False),
            (Wanted(search=english.email.upper()), lambda row: row.email == english.email),
            (Wanted(search=subject.subject), lambda row: row.id == subject.user_id),
            (Wanted(email="Sol."), lambda row: row.email.startswith("sol.")),
            (Wanted(email="ol."), lambda row: False),
            (Wanted(is_active=False), lambda row: not row.is_active),
            (Wanted(is_active=True), lambda row: row.is_active),
            (Wanted(is_verified=False), lambda row: not row.email_verified),
            (Wanted(is_admin=True), lambda row: row.is_superuser),
            (Wanted(is_leaving=True), lambda row: row.deletes_at is not None),
            (Wanted(has_logged_in=False), lambda row: row.last_login_at is None),
            (Wanted(provider="kakao"), lambda row: row.id in ids["kakao"]),
            (Wanted(provider="apple"), lambda row: False),
            (Wanted(group=ids["a group"].copy().pop()), lambda row: row.id in ids["in it"]),
            (Wanted(group="no such group"), lambda row: False),
            (Wanted(plan="pro"), lambda row: row.plan == "pro"),
            (Wanted(effective_plan="free"), lambda row: row.plan == "free"),
            (Wanted(created_until=long_ago), lambda row: row.created_at < long_ago),
            (Wanted(created_since=long_ago, is_active=True), lambda row: row.created_at >= long_ago and row.is_active),
            (Wanted(login_since=long_ago), lambda row: row.last_login_at is not None and row.last_login_at >= long_ago),
            (
                Wanted(search="sol", is_verified=True, provider="google"),
                lambda row: "sol" in row.email and row.email_verified and row.id in ids["google"],
            ),
        ]
        for wanted, is_one in cases:
            expected = {row.id for row in rows if is_one(row)}
            assert {each.id for each in services.directory.page(wanted, limit=MOST).items} == expected, wanted
            assert services.directory.count(wanted).number == len(expected), wanted


QUERIES = {
    "kakao": "SELECT user_id FROM identities WHERE provider = 'kakao'",
    "google": "SELECT user_id FROM identities WHERE provider = 'google'",
    "a group": "SELECT min(group_id) FROM memberships WHERE NOT is_primary",
    "in it": "SELECT user_id FROM memberships"
    " WHERE group_id = (SELECT min(group_id) FROM memberships WHERE NOT is_primary)",
}


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def test_every_filter_of_records_finds_those_of_which_it_is_true(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where only a few of them are judged for a page: pages say so, and the next ones go on."""
    with services_of(app) as services:
        until = services.clock() - BEFORE
        rows = services.db.session.execute(sa.select(AuditLog.__table__).where(AuditLog.created_at < until)).all()
        busy = next(row for row in rows if row.user_id and row.client_id and row.actor == row.user_id)
        service = next(row for row in rows if row.action == "oauth:service_token:issued")
        middle = until - timedelta(days=180)
        cases: list[tuple[Filters, Callable[[Any], bool]]] = [
            (Filters(), lambda row: True),
            (Filters(actions=("account:role:set",)), lambda row: row.action == "account:role:set"),
            (Filters(actions=("oauth:code:redeemed",)), lambda row: row.action == "oauth:code:redeemed"),
            (Filters(actions=("account:login:",)), lambda row: row.action.startswith("account:login:")),
            (
                Filters(actions=("session:", "consent:granted")),
                lambda row: row.action in {"session:ended", "consent:granted"},
            ),
            (Filters(actions=("key:nothing:",)), lambda row: False),
            (Filters(user=busy.user_id), lambda row: row.user_id == busy.user_id),
            (Filters(actor="operator"), lambda row: row.actor == "operator"),
            (Filters(actor=busy.user_id), lambda row: row.actor == busy.user_id),
            (Filters(actor=service.client_id), lambda row: row.actor == service.client_id),
            (Filters(client=service.client_id), lambda row: row.client_id == service.client_id),
            (Filters(ip=RARE_IP), lambda row: row.ip == RARE_IP),
            (Filters(ip=f"{RARE_IP}/32"), lambda row: row.ip == RARE_IP),
            (Filters(ip="10.0.0.0/9"), lambda row: row.ip.startswith("10.") and int(row.ip.split(".")[1]) < 128),
            (Filters(success=False), lambda row: not row.success),
            (Filters(request=f"{77:032x}"), lambda row: row.details.get("request") == f"{77:032x}"),
            (Filters(since=middle, success=True), lambda row: row.created_at >= middle and row.success),
            (
                Filters(actor="operator", ip="10.0.0.0/8", actions=("account:role:set",)),
                lambda row: row.actor == "operator" and row.ip.startswith("10."),
            ),
            (
                Filters(client=service.client_id, success=True, actions=("oauth:", "account:")),
                lambda row: (
                    row.client_id == service.client_id and row.success and row.action.startswith(("oauth:", "account:"))
                ),
            ),
        ]
        for most, limit in ((search.MOST_JUDGED, MOST), (50, 20)):
            monkeypatch.setattr(search, "MOST_JUDGED", most)
            for filters, is_one in cases:
                asked = replaced(filters, until)
                expected = {row.id for row in rows if is_one(row)}
                read = everything_of(services, asked)
                forward, last = walked(read, limit)
                assert len(forward) == len(expected), filters
                assert set(forward) == expected, filters
                at_end = read(limit=limit, after=last)
                behind = walked(read, limit, backward=True, after=at_end.previous)[0] if at_end.previous else []
                assert behind + [key(each) for each in at_end.items] == forward, filters
        part = services.records.page(replaced(Filters(ip="192.0.2.0/24"), until), NOBODY, limit=20)
        assert (part.items, part.previous) == ([], None)
        assert isinstance(part.searched_to, datetime)
        assert part.next is not None
        told = services.db.session.scalars(
            sa.select(AuditLog.details)
            .where(AuditLog.action == "audit:read")
            .order_by(AuditLog.created_at.desc())
            .limit(1)
        ).one()
        assert (told["ip"], told["count"]) == ("192.0.2.0/24", 0)


def replaced(filters: Filters, until: datetime) -> Filters:
    return replace(filters, until=until)


def everything_of(services: Any, filters: Filters) -> Read:
    return lambda **part: services.records.page(filters, NOBODY, **part)


def test_every_filter_of_sessions_grants_and_deliveries_finds_its_own(app: Flask) -> None:
    with services_of(app) as services:
        db, grants, now = services.db.session, services.grants, services.clock()
        sessions = db.execute(sa.select(UserSession.__table__)).all()
        families = db.execute(sa.select(TokenFamily.__table__)).all()
        one, of_client = families[0], {row.session_id for row in families if row.client_id == families[0].client_id}
        for wanted, is_session in (
            (WantedSessions(user_id=one.user_id), lambda row: row.user_id == one.user_id),
            (WantedSessions(client_id=one.client_id), lambda row: row.id in of_client),
            (WantedSessions(network=sessions[7].ip_address), lambda row: row.ip_address == sessions[7].ip_address),
            (WantedSessions(network="10.16.0.0/12"), lambda row: 16 <= int(row.ip_address.split(".")[1]) < 32),
            (WantedSessions(state=State.ENDED), lambda row: row.ended_at is not None),
            (WantedSessions(state=State.ACTIVE), lambda row: services.sessions.policy.is_open(row, now)),
        ):
            expected = {row.id for row in sessions if is_session(row)}
            assert {each.id for each in grants.sessions(wanted, limit=MOST).items} == expected, wanted
            assert grants.count_sessions(wanted).number == len(expected), wanted
        for of, is_family in (
            (WantedGrants(client_id=one.client_id), lambda row: row.client_id == one.client_id),
            (WantedGrants(session_id=one.session_id), lambda row: row.session_id == one.session_id),
            (WantedGrants(jti=one.access_jti), lambda row: row.id == one.id),
            (WantedGrants(jti=one.access_jti, user_id="nobody"), lambda row: False),
            (WantedGrants(state=State.ENDED), lambda row: row.revoked_at is not None),
        ):
            assert {each.id for each in grants.grants(of, limit=MOST).items} == {
                row.id for row in families if is_family(row)
            }, of
        (denied, *_) = grants.denied(WantedDenied(), limit=1).items
        assert grants.denied(WantedDenied(jti=denied.jti, reason="logout"), limit=5).items == [denied]
        assert grants.denied(WantedDenied(jti=denied.jti, reason="other"), limit=5).items == []
        states = {
            state: services.deliveries.page(WantedDeliveries(state=state), limit=MOST).items for state in DeliveryState
        }
        assert all(each.state is state for state, found in states.items() for each in found)
        assert sum(map(len, states.values())) == services.deliveries.count(WantedDeliveries()).number == PEOPLE // 2
        assert not services.deliveries.page(WantedDeliveries(kind="none"), limit=MOST).items


def test_every_filter_of_applications_finds_its_own(app: Flask) -> None:
    with services_of(app) as services:
        page = services.applications.page
        every = page(WantedClients(), limit=MOST).items
        owner = next(each.owner_id for each in every if each.owner_id)
        for wanted, is_one in (
            (WantedClients(search="CLIENT-0003"), lambda each: each.client_id == "client-0003"),
            (WantedClients(search="app7.EXAMPLE/callback"), lambda each: each.client_id == "client-0007"),
            (WantedClients(search="\u110b\u1162\u11b8"), lambda each: "앱" in each.name),
            (WantedClients(is_confidential=True), lambda each: each.is_confidential),
            (WantedClients(is_first_party=False), lambda each: each.consent_policy != "implicit"),
            (WantedClients(consent_policy="once"), lambda each: each.consent_policy == "once"),
            (WantedClients(is_active=False), lambda each: not each.is_active),
            (WantedClients(in_development=True), lambda each: each.in_development),
            (WantedClients(owner_id=owner), lambda each: each.owner_id == owner),
            (WantedClients(scope="read:groups"), lambda each: "read:groups" in each.allowed_scopes),
            (WantedClients(scope="read:group"), lambda each: False),
            (WantedClients(grant_type="client_credentials"), lambda each: "client_credentials" in each.grant_types),
            (WantedClients(secret_ends_within=timedelta(days=2)), lambda each: each.client_id == "client-0000"),
        ):
            found = {each.client_id for each in page(wanted, limit=MOST).items}
            assert found == {each.client_id for each in every if is_one(each)}, wanted


@pytest.mark.parametrize(
    ("text", "whole", "beginnings"),
    [
        ("203.0.113.7", ["203.0.113.7"], []),
        ("[::ffff:203.0.113.7]:443", ["203.0.113.7"], []),
        ("203.0.113.0/24", [], ["203.0.113."]),
        ("203.0.113.9/24", [], ["203.0.113."]),
        ("10.0.0.0/8", [], ["10."]),
        ("10.2.0.0/15", [], ["10.2.", "10.3."]),
        ("192.0.2.4/31", ["192.0.2.4", "192.0.2.5"], []),
        ("2001:DB8::1", ["2001:db8::1"], []),
        ("2001:db8:1:2::/64", [], ["2001:db8:1:2:"]),
        ("2001:db8::/64", [], ["2001:db8:0:0:", "2001:db8::"]),
        ("2001:db8:1::/64", [], ["2001:db8:1:0:", "2001:db8:1::"]),
    ],
)
def test_networks_are_found_by_what_their_addresses_begin_with(
    text: str, whole: list[str], beginnings: list[str]
) -> None:
    assert addresses_of(text) == (whole, beginnings)


@pytest.mark.parametrize(
    "text", ["", "%", "10.", "0.0.0.0/0", "10.0.0.0/7", "2001:db8::/33", "2001::/64", "::/16", "a/24"]
)
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        addresses_of(text)


@pytest.mark.parametrize("cursor", ["", "x", "=" * 700, "PmNyZWF0ZWQ9", "\udcff", "Pn5+", "ключ"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    for order in ORDERS.values():
        with pytest.raises(InvalidInput):
            read(cursor, order)


def test_a_cursor_is_good_for_lists_of_its_order_alone() -> None:
    places: dict[Order, Place] = {
        ORDERS[Sort.NEWEST]: Place(datetime.fromisoformat("2026-01-31T12:00:00+00:00"), "id", is_backward=True),
        ORDERS[Sort.EMAIL]: Place("ada@example.com", "id"),
        ORDERS[Sort.LAST_LOGIN]: Place(None, "id", is_included=True),
    }
    for order, place in places.items():
        assert read(written(place, order), order) == place
        for other in places.keys() - {order}:
            with pytest.raises(InvalidInput):
                read(written(place, order), other)


def test_the_program_that_measures_reads_every_list(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "REPEATS", 1)
    for name, each in lists(app):
        times, _, rows = program.timed(app, each)
        assert len(times) == 1, name
        assert rows == 0 or not ("nothing" in name or "no such" in name), name
