"""The consent page says what is really handed over, what of it is new, and who answers for the application."""

import json
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.consent.words import NAMES
from app.models import User
from app.services.tokens.claims import SUPPORTED
from tests.conformance import id_tokens
from tests.consent.conftest import ENGLISH, Asking
from tests.relying_party import EMAIL, NAME, add_person

SAID_BY_OTHERS = {"email_verified", "roles", "role_id", "group_id"}
"""Claims that say the same once more, as an id or a list, or something about another one."""
SHOWN = {
    "name": NAME,
    "preferred_username": "ada",
    "locale": "한국어",
    "zoneinfo": "Seoul",
    "role_name": "member",
    "group_name": "MAX",
    "subscription_plan": "free",
    "permissions": "manage:workflows",
    "email": EMAIL,
    "groups": "MAX",
}
"""How Ada's claims read on the page."""


def asked_part(text: str) -> str:
    """The part of the page that says what would be handed over."""
    return text.partition('<form class="consent"')[2].partition('<div class="decision">')[0]


def change(app: Flask, **values: Any) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.db.session.execute(sa.update(User).where(User.email == EMAIL).values(**values))
        services.db.commit()


def test_every_claim_there_is_has_its_words() -> None:
    assert set(NAMES) == set(SUPPORTED) - SAID_BY_OTHERS


@pytest.mark.parametrize("scope", ["openid", "profile", "email", "read:groups", "offline_access", "openid email"])
def test_what_is_shown_is_what_userinfo_answers(app: Flask, person: str, scope: str) -> None:
    client = Asking(app, "plain", scopes=["openid", "profile", "email", "read:groups", "offline_access"])
    shown = asked_part(client.text(scope=scope))
    tokens = client.allow(scope=scope)
    answer = client.userinfo(tokens["access_token"])
    told = answer.json if answer.status_code == 200 else {}
    values = {value for name, value in SHOWN.items() if name in told}
    assert {value for value in SHOWN.values() if f">{value}<" in shown or f">{value} (" in shown} == values


@pytest.mark.parametrize("member", ["userinfo", "id_token"])
def test_claims_asked_for_one_by_one_are_neither_shown_nor_given(app: Flask, person: str, member: str) -> None:
    """OpenID Connect Core section 5.5: the portal gives nothing that no granted scope covers."""
    client = Asking(app, "plain")
    asked = {"scope": "openid", "claims": json.dumps({member: {"email": {"essential": True}, "groups": None}})}
    assert EMAIL not in asked_part(client.text(**asked))
    tokens = client.allow(**asked)
    assert set(client.userinfo(tokens["access_token"]).json) == {"sub"}
    assert not {"email", "groups"} & set(id_tokens.claims(tokens["id_token"]))


def test_what_was_not_filled_in_is_not_shown(app: Flask, person: str) -> None:
    client = Asking(app, "plain")
    assert "<dt>Picture</dt>" not in client.text()
    assert "<dt>Administrator</dt>" not in client.text()
    change(app, avatar_url=f"/photos/{'a' * 32}")
    assert "<dt>Picture</dt>" in client.text()


def test_an_address_that_is_not_confirmed_is_told_as_that(app: Flask, person: str) -> None:
    client = Asking(app, "plain")
    assert "not verified" not in client.text()
    change(app, email_verified=False)
    assert "not verified" in asked_part(client.text(scope="openid email"))


def test_what_every_application_is_told_is_shown_to_who_allows_one(make_app: Callable[..., Flask]) -> None:
    app = make_app(ACCESS_TOKEN_ALL_CLAIMS="true")
    add_person(app)
    client = Asking(app, "plain")
    assert EMAIL in asked_part(client.text(scope="openid"))
    claims = id_tokens.claims(client.allow(scope="openid")["access_token"])
    assert claims["email"] == EMAIL
    assert "what every application here is told" not in client.text(scope="openid profile email", prompt="consent")


def test_what_is_new_stands_first_and_what_was_allowed_is_apart(app: Flask, person: str) -> None:
    client = Asking(app, "plain")
    assert 'class="new"' not in client.text(scope="openid profile")
    client.allow(scope="openid profile")
    text = client.text(scope="openid profile email read:groups")
    new, known = text.partition('id="scopes-known"')[::2]
    assert (new.count('class="new"'), known.count('class="new"')) == (2, 0)
    assert "See your e-mail address" in new
    assert "See your name, picture and role" in known
    # Where nothing is new, nothing is told apart.
    assert 'id="scopes-known"' not in client.text(scope="openid profile", prompt="consent")


def test_who_answers_for_an_application_is_named_with_links_that_lead_out_beside_the_flow(
    app: Flask, person: str
) -> None:
    client = Asking(
        app,
        "owned",
        policy_uri="https://owned.example.com/privacy",
        tos_uri="https://owned.example.com/terms",
        home_uri="https://owned.example.com/",
        contacts=["help@owned.example.com", "<b>02-123-4567</b>"],
    )
    raw = client.browser.get(client.page(), headers=ENGLISH)
    text = unescape(raw.text)
    for path in ("privacy", "terms", ""):
        link = f'<a href="https://owned.example.com/{path}" target="_blank" rel="noopener noreferrer">'
        assert link in text
    assert "help@owned.example.com" in text
    assert "<b>02-123" not in raw.text
    assert "prefetch" not in raw.text
    assert "preconnect" not in raw.text


def test_an_application_that_says_nothing_of_itself_has_no_empty_line(app: Flask, person: str) -> None:
    assert 'class="owner"' not in Asking(app, "plain").text()


def test_where_it_can_be_taken_back_is_a_link_only_outside_the_popup(app: Flask, person: str) -> None:
    client = Asking(app, "plain")
    assert 'href="/account/apps" target="_blank" rel="noopener"' in client.text()
    popup = client.text(display="popup")
    assert ("under Connected apps." in popup, 'href="/account/apps"' in popup) == (True, False)


def test_the_page_speaks_the_language_of_the_person(app: Flask, person: str) -> None:
    client = Asking(app, "plain")
    text = unescape(client.browser.get(client.page(), headers={"Accept-Language": "ko"}).text)
    for words in ("내 정보", "연결 유지", "서울", "연결된 앱"):
        assert words in text
