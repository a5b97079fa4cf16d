"""A name is kept in one form by whatever door it comes in, and who has none that can be seen is called otherwise."""

import json
import re
from collections.abc import Callable
from html import unescape

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import Client, User
from app.services.people.profiles import LONGEST_BIO, LONGEST_NAME
from tests.account.browsing import english, send
from tests.api.people import FrontEnd
from tests.cli.test_commands import run
from tests.relying_party import EMAIL, NAME, PASSWORD, REDIRECT_URI, RelyingParty, add_client, add_person, log_in

NEW = "new@example.com"
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
MISSING, TOO_LONG = "Enter your name.", "too long."
Door = Callable[[Flask, str, str], str]
"""Gives the account of an address a name; answers what was said where that was refused."""

NAMES = {
    "김민수": "김민수",
    "\u1100\u1175\u11b7\u1106\u1175\u11ab\u1109\u116e": "김민수",
    " \u3000김\u00a0\u3000민수\u2003": "김 민수",
    "김\u3164민수": "김 민수",
    "Ada\tKing\u2028II": "Ada King II",
    "\u202eAda\u200b\ufeff\u00ad": "Ada",
    f"{FAMILY} Ada": f"{FAMILY} Ada",
    PERSIAN: PERSIAN,
    "A\u200dda\ufe0f": "Ada",
    "Z" + "\u0323" * 90: "Ẓ" + "\u0323" * 4,
    "\uff21\uff44\uff41": "\uff21\uff44\uff41",
    '"><script>': '"><script>',
    "e\u0301" * LONGEST_NAME: "\u00e9" * LONGEST_NAME,
    "A" * LONGEST_NAME + "\u200b \u3000": "A" * LONGEST_NAME,
}
NOTHING = ["\u3164", "\u3164\uffa0\u115f\u1160", " ", "\u3000\u00a0", "\u200b\u200d\u2060\ufeff", "\u2800", "\u0301"]
NOTHING += ["\ufe0f", "\U000e0067\U000e007f", "\u202e", "\u00ad" * 300]
LONG = ["A" * (LONGEST_NAME + 1), "\u00e9" * (LONGEST_NAME + 1), "A" * 11_000, FAMILY * 41]


def by_registration(app: Flask, email: str, name: str) -> str:
    browser = english(app)
    answer = send(browser, "/register", name=name, email=email, password=PASSWORD)
    return "" if answer.status_code == 303 else unescape(answer.text)


def by_registration_of_the_api(app: Flask, email: str, name: str) -> str:
    answer = FrontEnd(app).post("/register", {"full_name": name, "email": email, "password": PASSWORD})
    return "" if answer.status_code == 201 else answer.text


def by_the_profile(app: Flask, email: str, name: str) -> str:
    add_person(app, email)
    browser = english(app)
    log_in(browser, email=email)
    typed = {"full_name": name, "username": email.partition("@")[0], "locale": "en", "timezone": "Asia/Seoul"}
    answer = send(browser, "/account/profile", **typed)
    return "" if answer.status_code == 303 else unescape(answer.text)


def by_the_profile_of_the_api(app: Flask, email: str, name: str) -> str:
    add_person(app, email)
    front = FrontEnd(app)
    front.log_in(email)
    answer = front.send("PUT", "/profile", {"full_name": name})
    return "" if answer.status_code == 200 else answer.text


def by_a_new_account(app: Flask, email: str, name: str) -> str:
    result = app.test_cli_runner().invoke(args=["users", "create", email, "--password", PASSWORD, "--name", name])
    return "" if result.exit_code == 0 else result.output


def by_a_change(app: Flask, email: str, name: str) -> str:
    add_person(app, email)
    result = app.test_cli_runner().invoke(args=["users", "update", email, "--name", name])
    return "" if result.exit_code == 0 else result.output


DOORS: list[Door] = [
    by_registration,
    by_registration_of_the_api,
    by_the_profile,
    by_the_profile_of_the_api,
    by_a_new_account,
    by_a_change,
]


@pytest.fixture(params=DOORS, ids=lambda door: door.__name__)
def door(request: pytest.FixtureRequest) -> Door:
    return request.param  # type: ignore[no-any-return]


def kept(app: Flask, email: str) -> str | None:
    with app.app_context():
        query = sa.select(User.full_name).where(User.email == email)
        name: str | None = app.extensions["services"].db.session.scalar(query)
    return name


def test_a_name_is_kept_in_one_form_by_every_door(app: Flask, door: Door) -> None:
    for number, (typed, name) in enumerate(NAMES.items()):
        email = f"new.{number}@example.com"
        assert door(app, email, typed) == "", ascii(typed)
        assert kept(app, email) == name, ascii(typed)


@pytest.mark.parametrize(("names", "reason"), [(NOTHING, MISSING), (LONG, TOO_LONG)], ids=["nothing", "too long"])
def test_what_is_no_name_is_none_by_any_door(app: Flask, door: Door, names: list[str], reason: str) -> None:
    """What shows nothing, and what is too long, which is never cut."""
    for number, typed in enumerate(names):
        email = f"new.{number}@example.com"
        assert reason in door(app, email, typed), ascii(typed)[:40]
        assert kept(app, email) in {None, NAME}


def test_a_page_asks_for_a_name_once_and_says_so_beside_its_field(app: Flask) -> None:
    page = by_registration(app, NEW, "\u3164")
    assert 'id="name-error"' in page
    assert f'value="{NEW}"' in page
    assert page.count(f">{MISSING}<") == 2  # above the form and beside the field


def test_no_field_cuts_off_what_is_pasted(app: Flask) -> None:
    """Browsers count in units of UTF-16, and before anything invisible is taken out."""
    add_person(app)
    browser = english(app)
    register = browser.get("/register").text
    log_in(browser)
    profile = browser.get("/account/profile").text
    for page, name in ((register, "name"), (profile, "full_name"), (profile, "username"), (profile, "bio")):
        (field,) = re.findall(rf'<(?:input|textarea)[^>]* name="{name}"[^>]*>', page)
        assert "maxlength" not in field


BIOS = {
    "Notes\r\n\u3000on\u00a0engines\u200b \n\u202e": "Notes\n on engines",
    f"{FAMILY}\u2028{PERSIAN}": f"{FAMILY}\n{PERSIAN}",
    "\u3164": "",
    "x" * LONGEST_BIO + "\u200b": "x" * LONGEST_BIO,
}


@pytest.mark.parametrize(("typed", "bio"), BIOS.items(), ids=lambda text: ascii(text)[1:20])
def test_what_people_say_about_themselves_is_one_text_by_every_door(app: Flask, typed: str, bio: str) -> None:
    add_person(app, EMAIL)
    user_id = add_person(app, NEW)
    browser, front = english(app), FrontEnd(app)
    log_in(browser, email=NEW)
    front.log_in(NEW)
    form = {"full_name": "Ada", "username": "new", "locale": "en", "timezone": "Asia/Seoul"}

    def now() -> str:
        with app.app_context():
            return str(app.extensions["services"].profiles.get(user_id).bio)

    for write in (
        lambda: send(browser, "/account/profile", bio=typed, **form).status_code == 303,
        lambda: front.send("PUT", "/profile", {"bio": typed}).status_code == 200,
        lambda: run(app, "users", "update", NEW, "--bio", typed),
    ):
        with app.app_context():
            app.extensions["services"].db.session.execute(sa.update(User).values(bio="before"))
            app.extensions["services"].db.session.commit()
        assert write()
        assert now() == bio


CLIENT_NAMES = {
    "MAX\u00a0Lab": "MAX Lab",
    "\u1106\u1162\u11a8\u1109\u1173\u3000랩": "맥스 랩",
    "La\u200bb\ufeff": "Lab",
    f"{FAMILY}": FAMILY,
    "x" * 100: "x" * 100,
    "\u3164": None,
    " \u200b": None,
    "x" * 101: None,
    "two\nlines": None,
    "tab\tulator": None,
    "\u202etxet": None,
    "right\u200fleft": None,
    "bell\x07": None,
}


@pytest.mark.parametrize("command", ["create", "update"])
def test_the_name_of_an_application_is_one_by_both_commands(app: Flask, command: str) -> None:
    uri = ["--redirect-uri", REDIRECT_URI]
    for number, (typed, name) in enumerate(CLIENT_NAMES.items()):
        client_id = f"client-{number}"
        if command == "update":
            run(app, "clients", "create", client_id, *uri)
        said = run(app, "clients", command, client_id, "--name", typed, *uri, fails=name is None)
        if name is None:
            assert said.startswith("Error: A name has 1 to 100 characters that can be seen"), ascii(typed)
        else:
            assert json.loads(run(app, "clients", "show", client_id, "--json"))["name"] == name, ascii(typed)


def test_a_description_keeps_its_words_apart(app: Flask) -> None:
    run(app, "clients", "create", "web", "--redirect-uri", REDIRECT_URI, "--description", "two\u3000words\u200b")
    assert json.loads(run(app, "clients", "show", "web", "--json"))["description"] == "two words"


@pytest.mark.parametrize("name", ["\u3164", "\u2800\u3164", "\u200b"])
def test_who_has_kept_a_name_that_shows_nothing_is_called_by_the_username(app: Flask, name: str) -> None:
    """Whatever older code let in."""
    user_id = add_person(app)
    add_client(app, "web", scopes=["openid", "profile"], consent_policy="once")
    with app.app_context():
        services = app.extensions["services"]
        services.db.session.execute(sa.update(User).where(User.id == user_id).values(full_name=name))
        services.db.session.execute(sa.update(Client).where(Client.client_id == "web").values(name=name))
        services.db.session.commit()
    browser = english(app)
    log_in(browser)
    for path in ("/", "/account", "/select-account", "/logout"):
        page = browser.get(path).text
        assert name not in page
        assert ">ada<" in page or "ada" in page.partition("<main")[2]
    client = RelyingParty(browser, "web")
    consent_path = client.authorize().location
    consent = browser.get(consent_path).text
    assert "web wants to use your MAX account" in consent
    assert send(browser, consent_path, decision="allow").status_code in {302, 303}
    client.tokens()
    for path in ("/account/apps", "/account/activity", "/account/sessions"):
        page = browser.get(path).text
        assert name not in page
        assert "web" in page.partition("<main")[2]
    front = FrontEnd(app)
    front.log_in()
    assert front.get("/me").json["full_name"] == ""
    assert json.loads(run(app, "users", "show", EMAIL, "--json"))["name"] == ""
    with app.app_context():
        subject = app.extensions["services"].claims.subject(user_id)
        assert (subject.name, subject.initials) == ("ada", "A")


def test_lists_begin_after_an_address_however_it_is_typed(app: Flask) -> None:
    add_person(app, "min@한글.kr")
    add_person(app, "nina@example.com")
    listed = json.loads(run(app, "users", "list", "--after", "MIN@xn--bj0bj06e.kr", "--json"))
    assert [each["email"] for each in listed] == ["nina@example.com"]
