"""The profile: rules beside their fields, nothing lost, nothing but the profile changed."""

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.account.browsing import Facts, send, shown
from tests.clock import Clock
from tests.login.test_pages import shown_errors
from tests.relying_party import EMAIL, NAME, add_person, log_in

PATH = "/account/profile"
GOOD = {
    "full_name": "Ada King",
    "username": "countess.ada",
    "avatar_url": "https://pictures.example.com/ada.png",
    "bio": "Notes on the\r\nanalytical engine",
    "locale": "en",
    "timezone": "Europe/London",
}


def test_a_profile_is_saved_as_typed(browser: FlaskClient, facts: Facts, ada: str, clock: Clock) -> None:
    clock.advance(minutes=5)
    response = send(browser, PATH, **GOOD)
    assert (response.status_code, response.location) == (303, PATH)
    assert "Your profile is saved." in shown(browser.get(PATH))
    assert "Your profile is saved." not in shown(browser.get(PATH))
    row = facts.all("SELECT full_name, username, avatar_url, bio, locale, timezone FROM users WHERE id = :id", id=ada)[
        0
    ]
    assert tuple(row) == (
        *(GOOD[name] for name in ("full_name", "username", "avatar_url")),
        "Notes on the\nanalytical engine",
        "en",
        "Europe/London",
    )
    changed, created = facts.all("SELECT updated_at, created_at FROM users WHERE id = :id", id=ada)[0]
    assert changed > created


def test_what_was_changed_goes_on_record_by_name_and_never_by_value(
    browser: FlaskClient, facts: Facts, ada: str
) -> None:
    send(browser, PATH, **GOOD)
    (details,) = facts.all(
        "SELECT details FROM oauth_audit_logs WHERE action = 'account:profile:changed' AND user_id = :id", id=ada
    )
    told = json.loads(details[0])
    assert (set(told), told["fields"]) == (
        {"fields", "request"},
        "avatar_url bio full_name locale timezone username",
    )


def test_saving_without_a_change_changes_and_records_nothing(browser: FlaskClient, facts: Facts, clock: Clock) -> None:
    same = {
        "full_name": NAME,
        "username": "ada",
        "avatar_url": "",
        "bio": "",
        "locale": "ko",
        "timezone": "Asia/Seoul",
    }
    recorded = "SELECT count(*) FROM oauth_audit_logs WHERE action = 'account:profile:changed'"
    assert send(browser, PATH, **same).status_code == 303  # chooses the language
    before = facts.one("SELECT updated_at FROM users WHERE email = :email", email=EMAIL)
    clock.advance(minutes=5)
    assert send(browser, PATH, **same).status_code == 303
    assert facts.one("SELECT updated_at FROM users WHERE email = :email", email=EMAIL) == before
    assert facts.one(recorded) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("full_name", "x" * 201),
        ("username", "ab"),
        ("username", "x" * 41),
        ("username", "-ada"),
        ("username", "ada lovelace"),
        ("username", "<script>"),
        ("username", "аdа"),  # Cyrillic letters that look Latin
        ("username", "admin"),
        ("username", "ADMIN"),
        ("username", ""),
        ("username", "bob"),
        ("username", "BOB"),
        ("avatar_url", "http://pictures.example.com/ada.png"),
        ("avatar_url", "javascript:alert(1)"),
        ("avatar_url", "data:image/png;base64,AAAA"),
        ("avatar_url", "https://user:pass@example.com/a.png"),
        ("avatar_url", "https://example.com:99999/a.png"),
        ("avatar_url", "https:///a.png"),
        ("avatar_url", 'https://example.com/"onload="x'),
        ("avatar_url", "https://example.com/" + "x" * 2000),
        ("bio", "x" * 1001),
        ("locale", "fr"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("timezone", ""),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_keeps_the_rest(
    app: Flask, browser: FlaskClient, facts: Facts, field: str, value: str
) -> None:
    add_person(app, "bob@example.com")
    before = facts.all("SELECT * FROM users")
    response = send(browser, PATH, **{**GOOD, field: value})
    assert response.status_code == 400
    assert len(shown_errors(response.text)) == 1
    assert response.text.count('aria-invalid="true"') == 1
    assert f'id="{field}-error"' in response.text
    for name in ("full_name", "username", "timezone"):
        if name != field:
            assert f'value="{GOOD[name]}"' in response.text
    assert facts.all("SELECT * FROM users") == before


def test_every_mistake_is_said_at_once(browser: FlaskClient) -> None:
    response = send(browser, PATH, **{**GOOD, "username": "a", "avatar_url": "x", "timezone": "x"})
    assert len(shown_errors(response.text)) == 3


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Countess", "countess"),
        ("  김민수  ", "김민수"),
        ("ａｄａ３", "ada3"),
        ("ada\u200b.king\u3000", "ada.king"),
        ("a.b_c-d", "a.b_c-d"),
    ],
)
def test_usernames_are_kept_in_one_form(browser: FlaskClient, facts: Facts, ada: str, typed: str, kept: str) -> None:
    assert send(browser, PATH, **{**GOOD, "username": typed}).status_code == 303
    assert facts.one("SELECT username FROM users WHERE id = :id", id=ada) == kept


def test_a_name_older_than_the_rules_may_stay(browser: FlaskClient, facts: Facts, ada: str) -> None:
    facts.do("UPDATE users SET username = 'a' WHERE id = :id", id=ada)
    assert send(browser, PATH, **{**GOOD, "username": "a"}).status_code == 303


def test_nothing_else_can_be_changed_by_the_form(browser: FlaskClient, facts: Facts, ada: str) -> None:
    extra = {
        "id": "1",
        "user_id": "1",
        "email": "other@example.com",
        "email_verified": "0",
        "is_admin": "1",
        "is_superuser": "1",
        "is_staff": "1",
        "plan": "enterprise",
        "quota_used": "0",
        "password_hash": "x",
        "created_at": "2000-01-01",
    }
    columns = "id, email, email_verified, is_superuser, is_staff, plan, quota_used, password_hash, created_at"
    before = facts.all(f"SELECT {columns} FROM users ORDER BY id")  # noqa: S608
    assert send(browser, PATH, **GOOD, **extra).status_code == 303
    assert facts.all(f"SELECT {columns} FROM users ORDER BY id") == before  # noqa: S608


def test_markup_in_a_profile_is_text_wherever_it_is_shown(browser: FlaskClient) -> None:
    evil = '"><script>alert(1)</script>{{ 7*7 }}%(x)s'
    assert send(browser, PATH, **{**GOOD, "full_name": evil, "bio": evil}).status_code == 303
    for path in ("/", "/account", PATH, "/account/data/export", "/account/activity", "/logout", "/select-account"):
        text = browser.get(path).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_the_chosen_language_counts_at_once_and_for_mails(browser: FlaskClient, facts: Facts, ada: str) -> None:
    send(browser, PATH, **GOOD)
    browser.delete_cookie("lang")
    send(browser, PATH, **GOOD)  # as it was: nothing is decided for this browser
    assert browser.get_cookie("lang") is None
    send(browser, PATH, **{**GOOD, "locale": "ko"})
    page = browser.get(PATH)
    assert '<html lang="ko"' in page.text
    assert "프로필을 저장했습니다." in page.text
    cookie = browser.get_cookie("lang")
    assert cookie is not None
    assert (cookie.value, cookie.http_only, cookie.same_site) == ("ko", True, "Lax")
    assert facts.one("SELECT locale FROM users WHERE id = :id", id=ada) == "ko"


def test_the_chosen_language_counts_in_a_new_browser_before_what_that_prefers(
    app: Flask, browser: FlaskClient, ada: str
) -> None:
    def language_of(preferred: str) -> str:
        new = app.test_client()
        log_in(new)
        return new.get("/account", headers={"Accept-Language": preferred}).text.partition('<html lang="')[2][:2]

    assert (language_of("ko"), language_of("en")) == ("ko", "en")  # an operator made the account and chose for nobody
    send(browser, PATH, **GOOD)
    assert (language_of("ko"), language_of("en")) == ("en", "en")


def test_a_chosen_time_zone_is_what_times_are_shown_in(browser: FlaskClient) -> None:
    assert "KST" in shown(browser.get("/account"))
    send(browser, PATH, **{**GOOD, "timezone": "europe/paris"})
    text = shown(browser.get("/account"))
    assert "KST" not in text
    assert "CET" in text or "CEST" in text


def test_pictures_of_other_hosts_are_not_loaded(browser: FlaskClient) -> None:
    send(browser, PATH, **GOOD)
    for path in ("/", "/account", PATH):
        assert "<img" not in browser.get(path).text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("뉴욕", "America/New_York"),
        ("new york", "America/New_York"),
        ("New York (UTC-04:00)", "America/New_York"),
        ("US/Pacific", "America/Los_Angeles"),
        ("부산", "Asia/Seoul"),
    ],
)
def test_a_time_zone_is_typed_as_people_call_it_and_kept_by_its_name(
    browser: FlaskClient, facts: Facts, ada: str, typed: str, kept: str
) -> None:
    assert send(browser, PATH, **{**GOOD, "timezone": typed}).status_code == 303
    assert facts.one("SELECT timezone FROM users WHERE id = :id", id=ada) == kept
    shown_city = kept.rpartition("/")[2].replace("_", " ")
    assert re.search(rf'name="timezone"[^>]* value="{shown_city} \(UTC[+-]\d\d:\d\d\)"', browser.get(PATH).text)


def test_a_city_that_is_unknown_or_not_one_is_asked_for_beside_the_field(
    browser: FlaskClient, facts: Facts, ada: str
) -> None:
    unsure = send(browser, PATH, **{**GOOD, "timezone": "Soul"})
    assert unsure.status_code == 400
    assert "Is it one of these?" in unsure.text.partition('id="timezone-error"')[2][:200]
    assert 'value="Soul"' in unsure.text
    assert re.search(r'type="radio" name="picked_timezone" value="Asia/Seoul"><span>Seoul \(UTC\+09:00\)', unsure.text)
    several = send(browser, PATH, **{**GOOD, "timezone": "미국"})
    assert several.status_code == 400
    assert "Choose one of these." in several.text
    assert "Chicago (UTC" in several.text
    picked = {**GOOD, "timezone": "미국", "picked_timezone": "America/Chicago"}
    both = send(browser, PATH, **{**picked, "username": "a"})
    assert both.status_code == 400
    assert 'value="Chicago (UTC' in both.text
    assert send(browser, PATH, **picked).status_code == 303
    assert facts.one("SELECT timezone FROM users WHERE id = :id", id=ada) == "America/Chicago"
    forged = send(browser, PATH, **{**GOOD, "picked_timezone": '"><script>'})
    assert forged.status_code == 400
    assert "<script>" not in forged.text.partition("<main")[2].partition("</main>")[0]


def test_an_older_name_that_is_kept_stays_until_another_zone_is_chosen(
    browser: FlaskClient, facts: Facts, ada: str
) -> None:
    facts.do("UPDATE users SET timezone = 'Asia/Calcutta' WHERE id = :id", id=ada)
    assert 'value="Kolkata (UTC+05:30)"' in browser.get(PATH, headers={"Accept-Language": "en"}).text
    send(browser, PATH, **{**GOOD, "timezone": "Kolkata (UTC+05:30)"})
    assert facts.one("SELECT timezone FROM users WHERE id = :id", id=ada) == "Asia/Calcutta"


def test_cities_can_be_looked_for_in_the_other_language(browser: FlaskClient) -> None:
    english = browser.get(PATH).text
    assert '<option value="Seoul (UTC+09:00)" label="서울 · South Korea">' in english
    browser.set_cookie("lang", "ko")
    korean = browser.get(PATH).text
    assert '<option value="부산 (UTC+09:00)" label="Busan · 대한민국">' in korean
    assert 'value="서울 (UTC+09:00)"' in korean
