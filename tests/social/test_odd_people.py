"""People as the world really sends them: hostile profiles, and portals that cannot mail."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import User
from tests.providers import Providers
from tests.relying_party import add_person
from tests.social.travelling import NAMES, Traveller, fields_of

KIM = "kim.minsu@example.com"


def people(app: Flask) -> dict[str, User]:
    with app.app_context():
        return {each.email: each for each in app.extensions["services"].db.session.scalars(sa.select(User))}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["markup", "long", "unicode", "types"])
def test_a_hostile_profile_harms_nobody(
    app: Flask, providers: Providers, traveller: Traveller, name: str, kind: str
) -> None:
    providers[name].switch("hostile", kind)
    response = traveller.log_in(name)
    assert response.status_code == 303
    first = traveller.browser.get(response.location)
    page = traveller.browser.get(first.location) if first.status_code == 303 else first
    assert page.status_code == 200
    assert "<img src=x" not in page.text
    assert "javascript:alert" not in page.text
    shown = fields_of(page.text).get("name", "")
    assert len(shown) <= 200
    assert "\u202e" not in page.text
    if kind == "markup" and first.status_code == 200:
        made = traveller.join(response)
        assert made.status_code == 303
        account = people(app)[KIM]
        assert account.full_name == "<img src=x onerror=alert(1)>"
        assert account.avatar_url is None
        assert "<img src=x" not in traveller.browser.get("/account").text


@pytest.mark.parametrize("name", ["google", "kakao", "discord", "acme"])
def test_letters_that_fall_apart_and_full_width_ones_are_one_spelling(
    app: Flask, providers: Providers, traveller: Traveller, name: str
) -> None:
    providers[name].switch("hostile", "unicode")
    page = traveller.browser.get(traveller.log_in(name).location)
    if page.status_code == 200:
        assert fields_of(page.text)["name"] == "김민수 Ｋｉｍ"


# Where no mail leaves


@pytest.fixture
def silent(make_app: Callable[..., Flask], providers: Providers) -> Flask:
    """A portal that cannot mail: one that kept mails would be a developer's own."""
    app = make_app(**providers.environment)
    mail = app.extensions["services"].mail
    mail.is_possible = False
    return app


@pytest.mark.parametrize("name", NAMES)
def test_without_mail_an_address_is_taken_unverified(silent: Flask, providers: Providers, name: str) -> None:
    traveller = Traveller(silent, providers)
    response = traveller.log_in(name, person="park")
    page = traveller.browser.get(response.location)
    assert fields_of(page.text)["email"] == "park.jihun@example.com"
    assert traveller.join(response, email="Park@Example.com").location == "/"
    made = people(silent)["park@example.com"]
    assert (made.email_verified, made.password_hash) == (False, None)


def test_without_mail_a_verified_address_is_the_account_s(silent: Flask, providers: Providers) -> None:
    traveller = Traveller(silent, providers)
    response = traveller.log_in("google")
    assert "email" not in fields_of(traveller.browser.get(response.location).text)
    traveller.join(response, email="other@example.com")
    assert people(silent)[KIM].email_verified
    assert "other@example.com" not in people(silent)


@pytest.mark.parametrize(
    "email", ["taken@example.com", "TAKEN@example.com", "ｔａｋｅｎ@example.com", "no address", ""]
)
def test_without_mail_an_address_that_cannot_be_used_is_said_beside_the_field(
    silent: Flask, providers: Providers, email: str
) -> None:
    add_person(silent, "taken@example.com")
    traveller = Traveller(silent, providers)
    response = traveller.log_in("kakao", person="choi")
    refused = traveller.join(response, email=email, name="Choi")
    assert refused.status_code == 400
    assert 'id="email-error"' in refused.text
    assert fields_of(refused.text)["name"] == "Choi"
    assert traveller.join(response, email="free@example.com", name="Choi").location == "/"


def test_without_mail_no_account_gives_way_for_none_could_prove_its_address(
    silent: Flask, providers: Providers
) -> None:
    typist = Traveller(silent, providers)
    typist.join(typist.log_in("kakao", person="choi"), email=KIM, name="Choi")
    other = Traveller(silent, providers)
    response = other.log_in("google")
    refused = other.join(response)
    assert refused.status_code == 400
    assert "then link this login on the page of your account" in refused.text
    assert other.account is None
    account = typist.account
    assert account is not None
    assert account["full_name"] == "Choi"
