"""Sessions, tokens and the denylist on pages: found, and ended with effect at the applications."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.account.browsing import Facts, english, send, shown
from tests.admin.offices import administrator
from tests.clock import Clock
from tests.relying_party import RelyingParty, add_client, add_person, log_in, refusal
from tests.security.answers import is_page

SESSIONS, TOKENS, DENIED = "/admin/sessions", "/admin/tokens", "/admin/tokens/denied"
NOBODY = "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"
LOGOUT_URI = "https://shop.example.com/backchannel"


class Shop:
    """Ada, who is logged in to an application that is told of logouts."""

    def __init__(self, app: Flask, email: str = "ada@example.com", **fields: Any) -> None:
        self.app = app
        self.ada = add_person(app, email, **fields)
        self.browser = english(app)
        assert log_in(self.browser, email).status_code == 303
        secret = add_client(app, "shop", consent_policy="implicit", backchannel_logout_uri=LOGOUT_URI)
        self.client = RelyingParty(self.browser, "shop", secret)
        self.tokens = self.client.tokens()

    @property
    def session(self) -> str:
        found: str = Facts(self.app).one("SELECT id FROM user_sessions WHERE user_id = :id", id=self.ada)
        return found

    @property
    def grant(self) -> str:
        found: str = Facts(self.app).one("SELECT id FROM token_families WHERE user_id = :id", id=self.ada)
        return found

    @property
    def jti(self) -> str:
        found: str = Facts(self.app).one("SELECT access_jti FROM token_families WHERE user_id = :id", id=self.ada)
        return found

    def userinfo(self) -> int:
        return self.client.userinfo(self.tokens["access_token"]).status_code

    def refresh(self) -> dict[str, Any]:
        answer = self.client.refresh(self.tokens["refresh_token"])
        return refusal(answer.get_json()) if answer.status_code == 400 else {}


@pytest.fixture
def shop(app: Flask) -> Shop:
    return Shop(app)


def rows(page: str) -> int:
    return page.partition("<tbody>")[2].count("<tr>")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_session_is_ended_with_its_tokens_and_applications_are_told(
    make_app: Callable[..., Flask], open_database: Callable[..., str], engine: str
) -> None:
    app = make_app(open_database(engine))
    shop, office = Shop(app), administrator(app)
    path = f"{SESSIONS}/{shop.session}"
    page = office.get(path)
    assert is_page(page, 200)
    assert "1 login in an application ends with it" in shown(page)
    assert send(office, f"{path}/end", path).location == path
    after = shown(office.get(path))
    for text in ("The session has ended", "because an administrator ended it"):
        assert text in after
    assert f'action="{path}/end"' not in after
    assert shop.refresh()["error"] == "invalid_grant"
    assert shop.userinfo() == 401
    assert shop.browser.get("/account").status_code == 303
    assert Facts(app).one("SELECT count(*) FROM deliveries WHERE kind = 'backchannel_logout'") == 1
    assert send(office, f"{path}/end", SESSIONS).location == path
    assert "was over before" in shown(office.get(path))
    (row,) = Facts(app).all("SELECT actor, user_id FROM oauth_audit_logs WHERE action = 'session:ended'")
    assert row.user_id == shop.ada != row.actor


def test_revoked_tokens_are_inactive_and_the_person_stays_logged_in(app: Flask, shop: Shop) -> None:
    office = administrator(app)
    path = f"{TOKENS}/{shop.grant}"
    assert is_page(office.get(path), 200)
    assert send(office, f"{path}/revoke", path).location == path
    assert "The tokens have ended." in shown(office.get(path))
    assert shop.userinfo() == 401
    assert shop.refresh()["error"] == "invalid_grant"
    assert shop.browser.get("/account").status_code == 200
    listed = shown(office.get(DENIED))
    assert (shop.jti in listed, "because an administrator ended it" in listed) == (True, True)
    assert send(office, f"{path}/revoke", TOKENS).location == path
    assert "were over before" in shown(office.get(path))


@pytest.mark.parametrize("by", ["token", "jti"])
def test_an_access_token_is_looked_up_and_denied_and_shown_nowhere(app: Flask, shop: Shop, by: str) -> None:
    office = administrator(app)
    token = shop.tokens["access_token"]
    found = send(office, DENIED, pasted=f" {token}\n" if by == "token" else shop.jti)
    page = shown(found)
    assert is_page(found, 200)
    for text in ("This access token", shop.jti, "Deny the token", f"{TOKENS}/{shop.grant}"):
        assert text in page
    assert token not in found.text
    mark = re.findall(r'name="mark" value="([^"]+)"', found.text)[0]
    assert shop.userinfo() == 200
    assert send(office, f"{DENIED}/deny", DENIED, mark=mark).location == DENIED
    assert "denied from now on" in shown(office.get(DENIED))
    assert shop.userinfo() == 401
    assert shop.refresh() == {}
    again = send(office, DENIED, pasted=shop.jti if by == "jti" else token)
    assert "Deny the token" not in shown(again)
    assert send(office, f"{DENIED}/deny", DENIED, mark=mark).location == DENIED
    assert "denied before" in shown(office.get(DENIED))
    kept = "".join(str(tuple(row)) for row in Facts(app).all("SELECT * FROM oauth_audit_logs"))
    assert token not in kept


@pytest.mark.parametrize("kind", ["refresh_token", "id_token", "words", "nothing", "long"])
def test_what_is_no_access_token_is_said_beside_the_field_and_not_shown_again(
    app: Flask, shop: Shop, kind: str
) -> None:
    office = administrator(app)
    text = {"words": "한글 and more", "nothing": " ", "long": "a" * 20000}.get(kind) or shop.tokens[kind]
    page = send(office, DENIED, pasted=text)
    assert is_page(page, 400)
    assert ("Paste an access token" if kind == "nothing" else "neither an access token") in page.text
    assert kind == "nothing" or text not in page.text


def test_only_what_was_looked_up_is_denied_and_only_for_a_while(app: Flask, shop: Shop, clock: Clock) -> None:
    office = administrator(app)
    for mark in ("", "x", "eyJqdGkiOiJ4In0.aaaa.bbbb"):
        assert send(office, f"{DENIED}/deny", DENIED, mark=mark).status_code == 400
    assert Facts(app).one("SELECT count(*) FROM revoked_tokens") == 0
    found = send(office, DENIED, pasted=shop.jti)
    mark = re.findall(r'name="mark" value="([^"]+)"', found.text)[0]
    clock.advance(minutes=20)
    assert send(office, f"{DENIED}/deny", DENIED, mark=mark).location == f"/confirm?next={DENIED}"
    assert shop.userinfo() == 200


@pytest.mark.parametrize(
    ("path", "count"),
    [
        (f"{SESSIONS}?person=ada@example.com", 1),
        (f"{SESSIONS}?person=ada@example.com&state=ended", 0),
        (f"{SESSIONS}?client=shop", 1),
        (f"{SESSIONS}?client=nothing", 0),
        (f"{SESSIONS}?network=127.0.0.0/8&state=active", 2),
        (f"{SESSIONS}?network=203.0.113.0/24", 0),
        (f"{SESSIONS}?person={NOBODY}", 0),
        (f"{TOKENS}?person=ada@example.com&client=shop&state=active", 1),
        (f"{TOKENS}?state=expired", 0),
        (f"{TOKENS}?jti=nothing", 0),
        (f"{TOKENS}?session={NOBODY}", 0),
        (f"{DENIED}?client=shop", 0),
    ],
)
def test_they_are_found_by_what_the_address_says(app: Flask, shop: Shop, path: str, count: int) -> None:
    page = administrator(app).get(path)
    assert is_page(page, 200)
    assert rows(shown(page)) == count
    assert count or 'class="empty"' in page.text


def test_tokens_are_found_by_their_session_and_id(app: Flask, shop: Shop) -> None:
    office = administrator(app)
    assert rows(shown(office.get(f"{TOKENS}?session={shop.session}&jti={shop.jti}"))) == 1
    assert f"{TOKENS}/{shop.grant}" in shown(office.get(f"{SESSIONS}/{shop.session}"))


@pytest.mark.parametrize("place", [SESSIONS, TOKENS, DENIED])
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("person=nobody@example.com", "No account has this e-mail address."),
        ("after=x", "This place in the list does not exist."),
    ],
)
def test_what_cannot_be_asked_is_said(app: Flask, place: str, query: str, says: str) -> None:
    page = administrator(app).get(f"{place}?{query}")
    assert is_page(page, 400)
    assert says in page.text


def test_a_network_that_is_none_is_said_beside_its_field(app: Flask) -> None:
    page = administrator(app).get(f"{SESSIONS}?network=everywhere")
    assert is_page(page, 400)
    assert "This is neither an address nor a network" in page.text


def test_there_are_no_others(app: Flask) -> None:
    office = administrator(app)
    for path in (f"{SESSIONS}/{NOBODY}", f"{TOKENS}/{NOBODY}"):
        assert is_page(office.get(path), 404)
    assert send(office, f"{SESSIONS}/{NOBODY}/end", SESSIONS).status_code == 404
    assert send(office, f"{TOKENS}/{NOBODY}/revoke", TOKENS).status_code == 404


def test_lesser_administrators_see_an_administrator_and_end_nothing_of_theirs(app: Flask) -> None:
    shop = Shop(app, is_admin=True)
    office = administrator(app, "admin:users")
    session, grant = f"{SESSIONS}/{shop.session}", f"{TOKENS}/{shop.grant}"
    for path, deed in ((session, "end"), (grant, "revoke")):
        page = shown(office.get(path))
        assert "This person administers the portal." in page
        assert f"{path}/{deed}" not in page
        assert send(office, f"{path}/{deed}", path).status_code == 403
    found = send(office, DENIED, pasted=shop.jti)
    assert "Deny the token" not in shown(found)
    assert shop.userinfo() == 200


@pytest.mark.parametrize("part", ["audit", "clients", "keys", "system"])
def test_others_do_not_come_in(app: Flask, shop: Shop, part: str) -> None:
    office: FlaskClient = administrator(app, f"admin:{part}")
    for path in (SESSIONS, TOKENS, DENIED, f"{SESSIONS}/{shop.session}", f"{TOKENS}/{shop.grant}"):
        assert office.get(path).status_code == 403


def test_ones_own_session_says_that_one_is_logged_out(app: Flask) -> None:
    office = administrator(app)
    own = Facts(app).one("SELECT id FROM user_sessions")
    assert "you are logged out at once" in shown(office.get(f"{SESSIONS}/{own}"))
    assert send(office, f"{SESSIONS}/{own}/end", f"{SESSIONS}/{own}").status_code == 303
    assert office.get(SESSIONS).location.startswith("/login")
