"""Every spelling of a password is that password (RFC 8265 section 4.2); names given are as good as names chosen."""

import unicodedata
from typing import Any

import bcrypt
import pytest
import sqlalchemy as sa
from flask import Flask

from app.errors import InvalidInput
from app.models import User
from app.services.people.passwords import LONGEST_TYPED, Passwords, prepared
from app.services.people.profiles import given_username, require_username
from tests.api.people import FrontEnd
from tests.cli.test_commands import run
from tests.clock import Clock
from tests.login.test_recovery import choose, mailed_link
from tests.relying_party import EMAIL, add_person, csrf_token, log_in

COMPOSED = "비밀번호는 café 열쇠 말"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
SPACED = COMPOSED.replace(" ", "\u3000")
SPELLINGS = [COMPOSED, DECOMPOSED, SPACED]
PASSWORDS = Passwords(is_throwaway=True)


def keep(app: Flask, **values: Any) -> None:
    """Put values into the person's row, as an older version would have."""
    with app.app_context():
        session = app.extensions["services"].db.session
        session.execute(sa.update(User).where(User.email == EMAIL).values(**values))
        session.commit()


def kept(app: Flask, column: str = "password_hash", email: str = EMAIL) -> str:
    with app.app_context():
        found = app.extensions["services"].db.session.scalar(
            sa.select(getattr(User, column)).where(User.email == email)
        )
        return str(found)


def test_the_spellings_differ() -> None:
    assert len({spelling.encode() for spelling in SPELLINGS}) == 3
    assert {prepared(spelling) for spelling in SPELLINGS} == {COMPOSED}


@pytest.mark.parametrize("set_with", SPELLINGS)
@pytest.mark.parametrize("typed", SPELLINGS)
def test_what_was_set_with_one_spelling_opens_by_all(set_with: str, typed: str) -> None:
    assert PASSWORDS.matches(PASSWORDS.hash(set_with), typed)


@pytest.mark.parametrize("other", [COMPOSED.upper(), COMPOSED.replace(" ", ""), COMPOSED + " ", "ｃ" + COMPOSED])
def test_another_text_is_another_password(other: str) -> None:
    assert not PASSWORDS.matches(PASSWORDS.hash(COMPOSED), other)


def test_width_and_case_stay() -> None:
    assert prepared("ＡBc\u00a0한") == "ＡBc 한"


@pytest.mark.parametrize("is_bcrypt", [False, True])
@pytest.mark.parametrize("spelling", [DECOMPOSED, SPACED])
def test_an_older_hash_opens_by_its_own_spelling_and_then_by_all(app: Flask, spelling: str, is_bcrypt: bool) -> None:
    add_person(app)
    hasher = PASSWORDS._hasher
    if is_bcrypt:
        # bcrypt reads 72 bytes: one syllable that is composed and one that is not.
        spelling, typed = (
            ("가나다 cafe\u0301", "가나다 café") if spelling == DECOMPOSED else ("가나다\u3000abc", "가나다 abc")
        )
    else:
        typed = COMPOSED
    older = bcrypt.hashpw(spelling.encode(), bcrypt.gensalt(4)).decode() if is_bcrypt else hasher.hash(spelling)
    keep(app, password_hash=older)
    assert log_in(app.test_client(), password=typed).status_code == 401
    assert log_in(app.test_client(), password=spelling).status_code == 303
    assert kept(app) != older
    for each in (typed, spelling):
        assert log_in(app.test_client(), password=each).status_code == 303


def test_a_login_with_another_spelling_leaves_a_good_hash_alone(app: Flask) -> None:
    add_person(app)
    run(app, "users", "set-password", EMAIL, "--password", DECOMPOSED)
    before = kept(app)
    assert log_in(app.test_client(), password=SPACED).status_code == 303
    assert kept(app) == before


def test_every_door_takes_every_spelling(app: Flask) -> None:
    front = FrontEnd(app)
    made = front.post("/register", {"email": EMAIL, "password": DECOMPOSED, "full_name": "Ada"})
    assert made.status_code == 201
    for spelling in SPELLINGS:
        assert FrontEnd(app).post("/login", {"email": EMAIL, "password": spelling}).status_code == 200
        browser = app.test_client()
        assert log_in(browser, password=spelling).status_code == 303
    front.token = made.json["access_token"]
    changed = front.post("/change-password", {"current_password": SPACED, "new_password": SPACED + " und"})
    assert changed.status_code == 200
    assert log_in(app.test_client(), password=DECOMPOSED + " und").status_code == 303
    page = app.test_client()
    token = csrf_token(page, "/register")
    form = {"csrf_token": token, "email": "bob@example.com", "name": "Bob", "password": DECOMPOSED}
    assert page.post("/register", data=form).status_code in {302, 303}
    assert log_in(app.test_client(), "bob@example.com", password=COMPOSED).status_code == 303
    run(app, "users", "create", "eve@example.com", "--password", SPACED)
    assert log_in(app.test_client(), "eve@example.com", password=DECOMPOSED).status_code == 303


def test_reset_confirmation_and_change_by_page_take_every_spelling(app: Flask, clock: Clock) -> None:
    add_person(app)
    assert choose(app.test_client(), mailed_link(app), DECOMPOSED).status_code == 303
    browser = app.test_client()
    assert log_in(browser, password=SPACED).status_code == 303
    clock.advance(seconds=601)
    # Before an account is deleted or exported, the password is typed once more.
    page = "/confirm?next=/account/data"
    confirmed = browser.post(page, data={"csrf_token": csrf_token(browser, page), "password": COMPOSED})
    assert confirmed.location == "/account/data"
    page = "/account/security/password"
    form = {"csrf_token": csrf_token(browser, page), "current": DECOMPOSED, "password": SPACED + " und"}
    assert browser.post(page, data=form).status_code == 303
    assert log_in(app.test_client(), password=COMPOSED + " und").status_code == 303


@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED, "correct horse battery 9", "é" * 100])
def test_as_many_hashes_are_computed_whoever_is_asked_for(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    passwords = Passwords(is_throwaway=True)
    verify, check = type(passwords._hasher).verify, bcrypt.checkpw

    def verified(hasher: Any, stored: str, password: str) -> bool:
        computed.append("argon2")
        return verify(hasher, stored, password)

    def checked(password: bytes, stored: bytes) -> bool:
        computed.append("bcrypt")
        return check(password, stored)

    monkeypatch.setattr(type(passwords._hasher), "verify", verified)
    monkeypatch.setattr(bcrypt, "checkpw", checked)
    older = bcrypt.hashpw(b"another one", bcrypt.gensalt(4)).decode()
    counts = set()
    for stored in (None, passwords.hash("another one"), passwords.hash(DECOMPOSED + "."), older):
        computed.clear()
        assert not passwords.matches(stored, typed)
        counts.add(len(computed))
    assert counts == {1 + (prepared(typed) != typed)}


@pytest.mark.parametrize(
    "character",
    ["\u200b", "\ufeff", "\u202e", "\x07", "\t", "\ue000", "\u0378", "\ufe0f", "\u1100", "👩\u200d👧", "\u0345"],
)
def test_no_character_is_refused_and_each_counts(character: str) -> None:
    password = f"correct horse{character}battery 9"
    PASSWORDS.require_strength(password)
    stored = PASSWORDS.hash(password)
    assert PASSWORDS.matches(stored, password)
    assert not PASSWORDS.matches(stored, "correct horsebattery 9")


def test_length_is_that_of_the_composed_text() -> None:
    with pytest.raises(InvalidInput, match="8 or more"):
        PASSWORDS.require_strength(unicodedata.normalize("NFD", "가나다"))
    PASSWORDS.require_strength(unicodedata.normalize("NFD", "열쇠와 자물쇠 그리고 문 ") * 60)
    with pytest.raises(InvalidInput, match="at most 1024"):
        PASSWORDS.require_strength("x" * 1025)
    long = "\u0301\u0323" * LONGEST_TYPED
    assert prepared(long) is long  # composing it would take the square of its length


def test_strength_is_judged_alike() -> None:
    assert {PASSWORDS.judge(spelling) for spelling in SPELLINGS} == {PASSWORDS.judge(COMPOSED)}


@pytest.mark.parametrize(
    "local",
    [
        "admin",
        "ADMINISTRATOR",
        "root",
        "support",
        "a.d.m.i.n",
        "аdmin",
        "ａｄｍｉｎ",
        "rооt",
        "αdmin",
        "ab",
        ".",
        "관리자",
    ],
)
def test_nobody_is_given_a_name_that_nobody_can_choose(app: Flask, local: str) -> None:
    name = given_username(f"{local}@example.com")
    assert name is None
    with app.app_context():
        given = app.extensions["services"].accounts._free_username(f"{local}@example.com")
    assert given.startswith("user-")
    assert require_username(given) == given


@pytest.mark.parametrize(
    ("local", "name"),
    [("Ada.King", "ada.king"), ("ada+news", "adanews"), ("-ada-", "ada"), ("민수민", "민수민"), ("a" * 64, "a" * 40)],
)
def test_an_address_gives_the_name_it_makes(local: str, name: str) -> None:
    assert given_username(f"{local}@example.com") == require_username(name) == name


def test_registration_by_page_api_and_operator_gives_names_alike(app: Flask) -> None:
    FrontEnd(app).post("/register", {"email": "root@example.com", "password": COMPOSED, "full_name": "R"})
    page = app.test_client()
    form = {"csrf_token": csrf_token(page, "/register"), "name": "S", "password": COMPOSED}
    page.post("/register", data={**form, "email": "support@example.com"})
    run(app, "users", "create", "administrator@example.com", "--password", COMPOSED)
    for local in ("root", "support", "administrator"):
        assert kept(app, "username", f"{local}@example.com").startswith("user-")
