"""Export and deletion: everything and no secret out, nothing but nameless records left."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.models import Base
from app.services.people.exports import SECRETS, SECTIONS
from tests.account.browsing import IPHONE, Facts, english, send, shown
from tests.clock import Clock
from tests.mailbox import received
from tests.relying_party import EMAIL, PASSWORD, RelyingParty, add_client, add_person, log_in
from tests.security.parties import decided

FILE, PAGE, DELETE, KEEP = (
    "/account/data/export.json",
    "/account/data/export",
    "/account/data/delete",
    "/account/data/keep",
)


class Life:
    """Ada with something in every table, on one of the databases."""

    def __init__(self, app: Flask, clock: Clock) -> None:
        self.app, self.clock, self.facts = app, clock, Facts(app)
        self.id = add_person(app)
        self.browser, self.phone = english(app), english(app, IPHONE)
        log_in(self.browser)
        log_in(self.phone)
        secret = add_client(app, "notes", name="Weather Notes", is_confidential=True, consent_policy="once")
        self.party = RelyingParty(self.phone, "notes", secret)
        code = decided(self.phone, self.party.authorize().location).location.partition("code=")[2].partition("&")[0]
        self.tokens = dict(self.party.redeem(code).json)
        self.code = self.party.code()
        send(self.browser, "/account/security/email", email="other@example.com")
        clock.advance(seconds=1)

    def rows(self) -> dict[str, int]:
        """How many rows of each table name Ada."""
        counts = {}
        for table in Base.metadata.sorted_tables:
            for column in ({"user_id", "owner_id"} if table.name != "users" else {"id"}) & set(table.columns.keys()):
                query = f"SELECT count(*) FROM {table.name} WHERE {column} = :id"  # noqa: S608
                counts[table.name] = self.facts.one(query, id=self.id)
        return counts


@pytest.fixture
def life(make_app: Callable[..., Flask], database_url: str, clock: Clock) -> Life:
    return Life(make_app(database_url), clock)


def test_the_file_has_everything_and_no_secret(life: Life) -> None:
    response = life.browser.get(FILE)
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert re.fullmatch(
        r'attachment; filename="max-account-\d{4}-\d\d-\d\d\.json"', response.headers["Content-Disposition"]
    )
    assert response.headers["Cache-Control"] == "no-store"
    made = json.loads(response.data)
    counts = life.rows()
    assert made["account"]["email"] == EMAIL
    assert made["account"]["id"] == life.id
    assert [way["kind"] for way in made["identities"]] == ["password"]
    tables = {
        "groups": "memberships",
        "sessions": "user_sessions",
        "devices": "known_devices",
        "activity": "oauth_audit_logs",
        "consents": "consents",
        "token_families": "token_families",
        "refresh_tokens": "refresh_tokens",
        "authorizations": "authorization_codes",
        "revoked_tokens": "revoked_tokens",
        "mailed_links": "one_time_tokens",
        "deliveries": "deliveries",
        "owned_applications": "clients",
    }
    assert {name: len(made[name]) for name in tables} == {name: counts[table] for name, table in tables.items()}
    assert (
        min(
            len(made[name])
            for name in ("groups", "sessions", "devices", "consents", "refresh_tokens", "mailed_links", "activity")
        )
        > 0
    )
    assert [family["client_id"] for family in made["token_families"]] == ["notes"]
    assert datetime.fromisoformat(made["exported_at"]).tzinfo is not None
    hashes = (
        "SELECT token_hash FROM user_sessions UNION SELECT token_hash FROM refresh_tokens"
        " UNION SELECT code_hash FROM authorization_codes UNION SELECT device_hash FROM known_devices"
        " UNION SELECT token_hash FROM one_time_tokens UNION SELECT password_hash FROM users"
    )
    kept = [str(row[0]) for row in life.facts.all(hashes)]
    assert len(kept) > 6
    for secret in (PASSWORD, life.tokens["access_token"], life.tokens["refresh_token"], life.code, *kept):
        assert secret not in response.text


def test_every_table_that_names_a_person_is_in_the_export_without_its_secrets() -> None:
    read = (each for section in SECTIONS for each in sa.sql.visitors.iterate(section.query))
    exported = {each.name for each in read if isinstance(each, sa.Table)}
    naming = {
        table.name for table in Base.metadata.sorted_tables if {"user_id", "owner_id"} & set(table.columns.keys())
    }
    assert naming - exported == set()
    shown_columns = {column.name for section in SECTIONS for column in section.query.selected_columns}
    assert {
        name for name in shown_columns if "hash" in name or "seal" in name or "secret" in name
    } | shown_columns & SECRETS == set()


def test_the_page_shows_the_same(life: Life) -> None:
    made = json.loads(life.browser.get(FILE).data)
    text = shown(life.browser.get(PAGE))
    for session in made["sessions"]:
        assert session["id"] in text
    assert made["token_families"][0]["id"] in text
    assert EMAIL in text
    assert life.tokens["refresh_token"] not in text


def test_nobody_elses_data_is_in_it(app: Flask, browser: FlaskClient) -> None:
    bob = add_person(app, "bob@example.com")
    log_in(english(app), email="bob@example.com")
    text = browser.get(FILE).text
    assert bob not in text
    assert "bob@example.com" not in text


def test_taking_data_goes_on_record(browser: FlaskClient) -> None:
    browser.get(FILE)
    assert "Your data was exported." in shown(browser.get("/account/activity"))


@pytest.mark.parametrize("path", [FILE, PAGE, DELETE])
def test_data_is_for_who_typed_the_password_lately(browser: FlaskClient, clock: Clock, path: str) -> None:
    clock.advance(minutes=11)
    assert browser.get(path).location == f"/confirm?next={path}"
    assert browser.post(DELETE, data={"email": EMAIL}).location == f"/confirm?next={DELETE}"
    assert send(browser, f"/confirm?next={path}", password=PASSWORD).location == path
    assert browser.get(path).status_code == 200


@pytest.mark.parametrize("typed", ["", "bob@example.com", "ada@example.co", "ada"])
def test_a_deletion_wants_the_address_typed(app: Flask, browser: FlaskClient, facts: Facts, typed: str) -> None:
    received(app)
    response = send(browser, DELETE, email=typed)
    assert response.status_code == 400
    assert 'id="email-error"' in response.text
    assert facts.all("SELECT 1 FROM users WHERE deletes_at IS NOT NULL") == []
    assert received(app) == []


def test_asking_for_a_deletion_ends_everything_else_and_can_be_taken_back(life: Life) -> None:
    received(life.app)
    response = send(life.browser, DELETE, email=" ADA@example.com ")
    assert (response.status_code, response.location) == (303, "/account/data")
    assert life.phone.get("/account").status_code == 303
    assert life.party.userinfo(life.tokens["access_token"]).status_code == 401
    assert life.party.refresh(life.tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert life.party.redeem(life.code).json["error"] == "invalid_grant"
    assert "No application has access." in shown(life.browser.get("/account/apps"))
    day = life.facts.one("SELECT deletes_at FROM users WHERE id = :id", id=life.id)
    assert str(day)[:10] == str((life.clock.now).replace(microsecond=0) + timedelta(days=14))[:10]
    for page in ("/account", "/account/apps", "/account/activity", "/"):
        text = shown(life.browser.get(page))
        assert "Your account will be deleted on" in text
        assert "Keep my account" in text
    (mail,) = received(life.app)
    assert (mail.template, mail.to, mail.values["link"]) == (
        "deletion_requested",
        EMAIL,
        "http://localhost:8000/account/data",
    )
    assert log_in(english(life.app)).status_code == 303
    kept = send(life.browser, KEEP, "/account")
    assert (kept.status_code, kept.location) == (303, "/account/data")
    text = shown(life.browser.get("/account/data"))
    assert "Your account stays." in text
    assert "will be deleted" not in text
    assert "deletion_cancelled" in {mail.template for mail in received(life.app)}
    life.clock.advance(days=15)
    assert _purge(life.app) == "Deleted 0."
    assert log_in(english(life.app)).status_code == 303


def test_asking_twice_does_not_move_the_day(browser: FlaskClient, facts: Facts, ada: str, clock: Clock) -> None:
    send(browser, DELETE, email=EMAIL)
    day = facts.one("SELECT deletes_at FROM users WHERE id = :id", id=ada)
    clock.advance(minutes=5)
    send(browser, DELETE, email=EMAIL)
    assert facts.one("SELECT deletes_at FROM users WHERE id = :id", id=ada) == day
    assert facts.one("SELECT count(*) FROM oauth_audit_logs WHERE action = 'account:deletion:requested'") == 1


def test_keeping_an_account_that_stays_anyway_tells_nobody(app: Flask, browser: FlaskClient) -> None:
    received(app)
    assert send(browser, KEEP, "/account/profile").status_code == 303
    assert received(app) == []


def test_nothing_is_deleted_before_its_day(life: Life) -> None:
    send(life.browser, DELETE, email=EMAIL)
    life.clock.advance(days=13, hours=23)
    assert _purge(life.app) == "Deleted 0."
    assert life.rows()["users"] == 1


def test_on_its_day_everything_goes_but_nameless_records(life: Life) -> None:
    bob = add_person(life.app, "bob@example.com")
    log_in(english(life.app), email="bob@example.com")
    send(life.browser, DELETE, email=EMAIL)
    received(life.app)
    life.clock.advance(days=14, seconds=1)
    log_in(life.browser)  # the account works until the chore comes round
    received(life.app)
    assert _purge(life.app) == "Deleted 1."
    assert _purge(life.app) == "Deleted 0."
    left = {name for name, count in life.rows().items() if count}
    assert left <= {"oauth_audit_logs", "deliveries", "revoked_tokens"}
    records = life.facts.all(
        "SELECT action, actor, ip, user_agent, details FROM oauth_audit_logs WHERE user_id = :id", id=life.id
    )
    assert len(records) > 10
    for action, actor, ip, agent, details in records:
        assert (actor, ip, agent, json.loads(details) if isinstance(details, str) else details) == (
            "deletion" if action == "account:deleted" else "",
            "",
            "",
            {},
        )
    (mail,) = received(life.app)
    assert (mail.template, mail.to) == ("account_deleted", EMAIL)
    assert life.browser.get("/account").status_code == 303
    assert log_in(english(life.app)).status_code == 401
    everything = life.facts.all("SELECT * FROM oauth_audit_logs")
    assert EMAIL not in str(everything)
    assert log_in(english(life.app), email="bob@example.com").status_code == 303
    assert life.facts.one("SELECT count(*) FROM oauth_audit_logs WHERE user_id = :id AND ip = '127.0.0.1'", id=bob) > 0
    assert add_person(life.app) != life.id


def test_without_days_to_cool_off_it_happens_at_once(
    make_app: Callable[..., Flask], database_url: str, clock: Clock
) -> None:
    life = Life(make_app(database_url, ACCOUNT_DELETION_DAYS="0"), clock)
    assert "It cannot be taken back." in shown(life.browser.get("/account/data"))
    received(life.app)
    response = send(life.browser, DELETE, email=EMAIL)
    assert (response.status_code, response.location) == (303, "/account/deleted")
    assert "Your account is deleted" in shown(life.browser.get("/account/deleted"))
    assert life.browser.get_cookie("portal_session") is None
    assert life.rows()["users"] == 0
    assert life.party.userinfo(life.tokens["access_token"]).status_code == 401
    assert [mail.template for mail in received(life.app)] == ["account_deleted"]


def test_the_only_administrator_stays(app: Flask, facts: Facts) -> None:
    facts.do("UPDATE users SET is_active = false")
    chief = add_person(app, "chief@example.com", is_admin=True)
    browser = english(app)
    log_in(browser, email="chief@example.com")
    refused = send(browser, DELETE, email="chief@example.com")
    assert refused.status_code == 400
    assert "You are the only administrator." in refused.text
    second = add_person(app, "second@example.com", is_admin=True)
    assert send(browser, DELETE, email="chief@example.com").status_code == 303
    other = english(app)
    log_in(other, email="second@example.com")
    # Who is to go does not count as one who stays.
    assert send(other, DELETE, email="second@example.com").status_code == 400
    assert {row[0] for row in facts.all("SELECT id FROM users WHERE deletes_at IS NOT NULL")} == {chief} - {second}


def test_who_became_the_only_administrator_meanwhile_stays(app: Flask, facts: Facts, clock: Clock) -> None:
    facts.do("UPDATE users SET is_active = false")
    add_person(app, "chief@example.com", is_admin=True)
    second = add_person(app, "second@example.com", is_admin=True)
    browser = english(app)
    log_in(browser, email="chief@example.com")
    send(browser, DELETE, email="chief@example.com")
    facts.do("UPDATE users SET is_active = false WHERE id = :id", id=second)
    clock.advance(days=20)
    assert _purge(app) == "Deleted 0."
    facts.do("UPDATE users SET is_active = true WHERE id = :id", id=second)
    assert _purge(app) == "Deleted 1."


def test_the_privacy_page_says_how_long_a_deletion_can_be_taken_back(make_app: Callable[..., Flask]) -> None:
    assert "you have 14 days to take it back" in shown(english(make_app()).get("/privacy"))
    assert "A deletion is carried out at once." in shown(english(make_app(ACCOUNT_DELETION_DAYS="0")).get("/privacy"))


def _purge(app: Flask) -> str:
    return app.test_cli_runner().invoke(args=["users", "purge"]).output.strip().splitlines()[-1]
