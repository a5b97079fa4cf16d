"""Section M: whom a provider names. Forged and broken answers name nobody, and nobody becomes somebody else by them.

The key is provider and subject (ASVS 6.8.1, 10.5.2); ID tokens are held to OpenID Connect Core section 3.1.3.7.
"""

import re
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import Identity, User
from app.social import identifying
from app.social.transport import within
from examples.providers.switches import FORGERIES
from tests.mailbox import received
from tests.providers import Providers
from tests.relying_party import add_person, csrf_token
from tests.security.answers import is_page
from tests.social.conftest import app, providers, shared_providers, traveller
from tests.social.travelling import NAMES, Traveller

__all__ = ["app", "providers", "shared_providers", "traveller"]
KIM, VICTIM = "kim.minsu@example.com", "victim@example.com"
SOON = 0.5
"""How long a provider has in tests that let it hang."""
BROKEN = {"error": 502, "html": 502, "huge": 502, "redirect": 502, "reset": 502, "hang": 504, "drip": 504}
ENDPOINTS = ("token", "user")


def rows(app: Flask, model: Any) -> list[Any]:
    with app.app_context():
        return list(app.extensions["services"].db.session.scalars(sa.select(model)))


def linked(app: Flask) -> set[tuple[str, str]]:
    """What is linked, and whose it is."""
    return {(each.provider, each.user_id) for each in rows(app, Identity)}


def is_nobody(app: Flask, traveller: Traveller) -> bool:
    """Whether nothing came of a login."""
    return traveller.account is None and not linked(app)


# 221: ID tokens


@pytest.mark.parametrize("forgery", sorted(FORGERIES))
@pytest.mark.parametrize("name", ["google", "acme"])
def test_m221_a_forged_id_token_names_nobody(app: Flask, traveller: Traveller, name: str, forgery: str) -> None:
    traveller.providers[name].switch("forged", forgery)
    is_page(traveller.log_in(name), 400)
    assert is_nobody(app, traveller)


@pytest.mark.parametrize("name", ["google", "acme"])
def test_m221_an_id_token_of_another_login_names_nobody(app: Flask, traveller: Traveller, name: str) -> None:
    """Its nonce is another one, though everything else in it is true."""
    traveller.providers[name].switch("forged", "nonce")
    add_person(app, KIM)
    is_page(traveller.log_in(name), 400)
    assert is_nobody(app, traveller)


@pytest.mark.parametrize("name", ["google", "acme"])
def test_m221_a_login_of_long_ago_is_a_login_and_no_proof_of_being_there(
    app: Flask, traveller: Traveller, providers: Providers, name: str
) -> None:
    """Who was to prove anew to be there was let through by the provider, which says so (``auth_time``)."""
    traveller.join(traveller.log_in(name))

    def confirmed() -> int:
        form = {"csrf_token": csrf_token(traveller.browser, "/logout")}
        away = traveller.browser.post(f"/auth/{name}/confirm", data=form)
        return traveller.come_back(name, away.location).status_code

    providers[name].switch("old_login", True)
    assert confirmed() == 400
    newcomer = Traveller(app, providers)
    page = newcomer.browser.get(newcomer.log_in("kakao").location).location
    sent = newcomer.browser.post(f"/auth/{name}/prove?{page.partition('?')[2]}", data=newcomer.form_of(page))
    is_page(newcomer.come_back(name, sent.location), 400)
    assert {provider for provider, _ in linked(app)} == {name}
    assert Traveller(app, providers).log_in(name).location == "/"
    providers[name].switch("old_login", False)
    assert confirmed() == 303


# 223: the key is provider and subject


@pytest.mark.parametrize(("first", "second"), [("google", "acme"), ("kakao", "discord"), ("discord", "google")])
def test_m223_one_subject_at_two_providers_is_two_people(
    app: Flask, providers: Providers, traveller: Traveller, first: str, second: str
) -> None:
    subject = providers[first].person("kim").subject
    traveller.join(traveller.log_in(first))
    providers[second].switch("recreated", subject)
    providers[second].switch("changed_email", "another@example.com")
    other = Traveller(app, providers)
    other.join(other.log_in(second))
    found = rows(app, Identity)
    assert {(each.provider, each.subject) for each in found} == {(first, subject), (second, subject)}
    assert len({each.user_id for each in found}) == 2


@pytest.mark.parametrize("name", ["google", "kakao", "discord", "acme"])
def test_m223_an_account_that_was_made_again_there_is_another_one_here(
    app: Flask, providers: Providers, traveller: Traveller, name: str
) -> None:
    """The same e-mail under a new subject is asked for the proof of the account, and is not let in."""
    traveller.join(traveller.log_in(name))
    before = linked(app)
    providers[name].switch("recreated", True)
    other = Traveller(app, providers)
    assert other.browser.get(other.log_in(name).location).location.startswith("/join/prove?")
    assert other.account is None
    assert linked(app) == before


# 226: no e-mail


@pytest.mark.parametrize("name", NAMES)
def test_m226_who_brings_no_address_is_asked_for_one_and_is_nobody_elses(
    app: Flask, providers: Providers, name: str
) -> None:
    for number, address in enumerate(("one@example.com", "two@example.com")):
        providers[name].switch("recreated", bool(number))
        traveller = Traveller(app, providers)
        asked = traveller.browser.get(traveller.log_in(name, person="choi").location)
        assert asked.location.startswith("/join/email?")
        sent = traveller.send(asked.location, email=address)
        (mail,) = received(app)
        traveller.join(traveller.send(sent.location, code=mail.values["code"]), name="Choi")
    people = {each.id: each for each in rows(app, User)}
    assert {people[user_id].email for _, user_id in linked(app)} == {"one@example.com", "two@example.com"}
    assert not [each for each in people.values() if not each.email]


def test_m226_an_address_that_is_not_proven_makes_no_account(app: Flask, traveller: Traveller) -> None:
    asked = traveller.browser.get(traveller.log_in("kakao", person="choi").location)
    query = asked.location.partition("?")[2]
    sent = traveller.send(asked.location, email=VICTIM)
    for path in (f"/join?{query}", f"/join/prove?{query}"):
        assert traveller.browser.get(path).location.startswith("/join/email?")
    (mail,) = received(app)
    wrong = f"{(int(mail.values['code'].replace(' ', '')) + 1) % 10**6:06}"
    for _ in range(5):
        assert traveller.send(sent.location, code=wrong).status_code == 400
    # Five tries are all there are: now the right one is none either.
    form = traveller.form_of(asked.location)
    assert traveller.browser.post(sent.location, data={**form, "code": mail.values["code"]}).status_code in {303, 400}
    assert traveller.browser.get(f"/join?{query}").location.startswith("/join/email?")
    assert is_nobody(app, traveller)


# 227: the provider's e-mail changes


@pytest.mark.parametrize("name", ["google", "kakao", "discord", "acme"])
def test_m227_an_identity_whose_address_becomes_a_victims_stays_where_it_is(
    app: Flask, providers: Providers, traveller: Traveller, name: str
) -> None:
    victim = add_person(app, VICTIM)
    traveller.join(traveller.log_in(name))
    before = linked(app)
    providers[name].switch("changed_email", VICTIM)
    other = Traveller(app, providers)
    assert other.log_in(name).location == "/"
    assert (other.account or {})["full_name"] == providers[name].person("kim").name
    assert linked(app) == before
    people = {each.id: each.email for each in rows(app, User)}
    assert people[victim] == VICTIM
    assert [people[user_id] for _, user_id in before] == [KIM]


def test_m227_nor_does_an_address_that_is_a_victims_from_the_beginning_open_the_account(
    app: Flask, providers: Providers, traveller: Traveller
) -> None:
    add_person(app, VICTIM)
    for name in NAMES:
        providers[name].switch("changed_email", VICTIM)
        page = traveller.browser.get(traveller.log_in(name).location)
        assert page.location.startswith("/join/email?" if name == "naver" else "/join/prove?")
        assert is_nobody(app, traveller)


# 228: a provider that is broken, slow or sends one elsewhere


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(("fault", "status"), BROKEN.items())
@pytest.mark.parametrize("name", ["google", "naver"])
def test_m228_a_broken_provider_ends_on_its_page(
    app: Flask, traveller: Traveller, monkeypatch: pytest.MonkeyPatch, name: str, fault: str, status: int, endpoint: str
) -> None:
    monkeypatch.setattr(identifying, "within", partial(within, SOON if status == 504 else 30.0))
    address = traveller.depart(name)
    traveller.providers[name].switch(fault, endpoint)
    response = traveller.come_back(name, address)
    # A user address that redirects has not said who it is.
    is_page(response, response.status_code)
    assert response.status_code == status or (fault, endpoint, response.status_code) == ("redirect", "user", 400)
    assert not re.search(r"169\.254|Traceback|requests\.|<html>", response.text.partition("<body")[2])
    assert is_nobody(app, traveller)
    traveller.providers[name].reset()
    assert traveller.log_in(name).status_code == 303


def test_m228_five_seconds_are_all_a_provider_has(app: Flask, traveller: Traveller) -> None:
    """The answer is there while the provider still keeps its own."""
    address = traveller.depart("google")
    traveller.providers.google.switch("hang", "token")
    is_page(traveller.come_back("google", address), 504)
    traveller.providers.google.await_hanging()
    assert is_nobody(app, traveller)


# 229: hostile profiles


@pytest.mark.parametrize("kind", ["markup", "long", "unicode", "types"])
@pytest.mark.parametrize("name", NAMES)
def test_m229_a_hostile_profile_is_text_and_its_picture_none(
    app: Flask, traveller: Traveller, name: str, kind: str
) -> None:
    traveller.providers[name].switch("hostile", kind)
    page = traveller.browser.get(traveller.log_in(name).location)
    if page.status_code == 303:
        sent = traveller.send(page.location, email="new@example.com")
        (mail,) = received(app)
        page = traveller.browser.get(traveller.send(sent.location, code=mail.values["code"]).location)
    is_page(page, 200)
    assert "<img src=x" not in page.text
    assert "javascript:" not in page.text
    answer = page.request.query_string.decode()
    made = traveller.browser.post(
        f"/join?{answer}", data={**traveller.form_of(f"/join?{answer}"), "name": "<img src=x onerror=alert(1)>"}
    )
    assert made.status_code == 303, made.text
    (identity,) = rows(app, Identity)
    person = next(each for each in rows(app, User) if each.id == identity.user_id)
    assert person.avatar_url is None or person.avatar_url.startswith("https://")
    assert identity.profile["picture"] == "" or identity.profile["picture"].startswith("https://")
    for path in ("/account/profile", "/account/identities"):
        shown = traveller.browser.get(path)
        is_page(shown, 200)
        assert "<img src=x" not in shown.text
        assert "javascript:" not in shown.text


@pytest.mark.parametrize("subject", ["\u202e1", "1\n2", "1\x002", "x" * 256], ids=["mark", "line", "nul", "long"])
def test_m229_a_subject_that_cannot_be_one_names_nobody(app: Flask, traveller: Traveller, subject: str) -> None:
    for name in ("naver", "google"):
        traveller.providers[name].switch("recreated", subject)
        is_page(traveller.log_in(name), 400)
    assert is_nobody(app, traveller)
