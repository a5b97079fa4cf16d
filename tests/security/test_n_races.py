"""Sections M and N, many at once: one identity is one account's, one way in is left, one answer makes one account.

On both databases. Where it matters in which order things happen, all have looked before any of them writes.
"""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models import Identity, User
from app.services.identities import arrivals
from tests.api.people import FrontEnd
from tests.mailbox import received
from tests.providers import Providers
from tests.relying_party import PASSWORD, add_person, csrf_token, log_in
from tests.security.test_u_concurrency import at_once
from tests.social.conftest import providers, shared_providers
from tests.social.travelling import Traveller, path_of

__all__ = ["providers", "shared_providers"]
KIM = "kim.minsu@example.com"
LIST = "/account/identities"


@pytest.fixture
def app(make_app: Callable[..., Flask], database_url: str, providers: Providers) -> Flask:
    """The portal with every provider, on each database."""
    return make_app(database_url, **providers.environment)


@pytest.fixture
def on_postgresql(make_app: Callable[..., Flask], postgresql_url: str, providers: Providers) -> Flask:
    """Where somebody can write while another one has looked and not written yet."""
    return make_app(postgresql_url, **providers.environment)


def rows(app: Flask, model: Any) -> list[Any]:
    with app.app_context():
        return list(app.extensions["services"].db.session.scalars(sa.select(model)))


def tab(browser: FlaskClient) -> FlaskClient:
    """A client of its own with the same cookies: threads cannot share one."""
    other = browser.application.test_client()
    other._cookies = dict(browser._cookies)
    other.environ_base.update(browser.environ_base)
    return other


def opened(browser: FlaskClient, path: str) -> Callable[[], TestResponse]:
    return lambda: tab(browser).get(path)


def sent(browser: FlaskClient, path: str, form: dict[str, str]) -> Callable[[], TestResponse]:
    return lambda: tab(browser).post(path, data=form)


def meet(app: Flask, monkeypatch: pytest.MonkeyPatch, service: Any, name: str, many: int) -> None:
    """Have as many calls of this method wait for one another before any goes on. On SQLite one looks at a time."""
    if app.config["SQLALCHEMY_DATABASE_URI"].get_backend_name() == "sqlite":
        return
    gate, before = threading.Barrier(many), getattr(service, name)

    def called(*arguments: Any, **named: Any) -> Any:
        gate.wait(30)
        return before(*arguments, **named)

    monkeypatch.setattr(service, name, called)


def meanwhile(monkeypatch: pytest.MonkeyPatch, service: Any, name: str, act: Callable[[], Any]) -> None:
    """Have something happen, once, right before a method of a request that is under way."""
    before, happened = getattr(service, name), threading.Event()

    def called(*arguments: Any, **named: Any) -> Any:
        if not happened.is_set():
            happened.set()
            acting = threading.Thread(target=act)
            acting.start()
            acting.join(30)
            assert not acting.is_alive()
        return before(*arguments, **named)

    monkeypatch.setattr(service, name, called)


def person(app: Flask, providers: Providers, email: str) -> Traveller:
    """Somebody who is logged in with a password."""
    add_person(app, email)
    found = Traveller(app, providers)
    log_in(found.browser, email)
    return found


def away(person: Traveller, name: str, who: str = "kim") -> str:
    """Go off to link a provider; the path that leads back."""
    form = {"csrf_token": csrf_token(person.browser, "/logout")}
    response = person.browser.post(f"/auth/{name}/link", data=form)
    return path_of(person.providers[name].visit(response.location, who))


def link(person: Traveller, name: str, who: str = "kim") -> None:
    assert person.browser.get(away(person, name, who)).status_code == 303


def ending(person: Traveller, identity: Identity) -> Callable[[], TestResponse]:
    """Somebody who is about to end a link."""
    form = {"csrf_token": csrf_token(person.browser, "/logout")}
    return sent(person.browser, f"{LIST}/{identity.id}/unlink", form)


def joining(app: Flask, providers: Providers, name: str, who: str = "kim") -> tuple[Traveller, str, dict[str, str]]:
    """Somebody before the page of a new account."""
    traveller = Traveller(app, providers)
    path = traveller.log_in(name, who).location
    assert traveller.browser.get(path).status_code == 200
    return traveller, path, {**traveller.form_of(path), "name": "Kim"}


def test_m218_of_many_who_answer_at_once_one_is_heard(app: Flask, providers: Providers) -> None:
    traveller = Traveller(app, providers)
    back = path_of(providers.google.visit(traveller.depart("google")))
    answers = at_once([opened(traveller.browser, back)] * 6)
    assert sorted(answer.status_code for answer in answers) == [303] + [400] * 5
    assert len(providers.google.of_kind("token")) == 1


def test_m223_a_button_that_is_pressed_twice_makes_one_account(
    app: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    traveller, path, form = joining(app, providers, "google")
    meet(app, monkeypatch, app.extensions["services"].provider_answers, "use", 2)
    answers = at_once([sent(traveller.browser, path, form)] * 2)
    assert sorted(answer.status_code for answer in answers) == [303, 410]
    assert [each.email for each in rows(app, User) if each.email == KIM] == [KIM]
    assert len(rows(app, Identity)) == 1


def test_m223_of_two_identities_with_one_address_one_makes_the_account_and_the_other_proves_it(
    app: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = joining(app, providers, "google"), joining(app, providers, "kakao")
    meet(app, monkeypatch, app.extensions["services"].provider_answers, "use", 2)
    answers = at_once([sent(who.browser, path, form) for who, path, form in (first, second)])
    assert [answer.location for answer in answers].count("/") == 1
    monkeypatch.undo()
    assert [each.email for each in rows(app, User) if each.email == KIM] == [KIM]
    assert len(rows(app, Identity)) == 1
    loser, path, _ = next(each for each, answer in zip((first, second), answers, strict=True) if answer.location != "/")
    assert loser.browser.get(path).location.startswith("/join/prove?")
    assert loser.account is None


def test_m223_of_two_browsers_with_one_identity_one_makes_an_account(
    app: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They proved different addresses for it, so nothing but the identity is the same."""
    both = []
    for address in ("one@example.com", "two@example.com"):
        traveller = Traveller(app, providers)
        asked = traveller.browser.get(traveller.log_in("kakao", "choi").location).location
        typed = traveller.send(asked, email=address).location
        (mail,) = received(app)
        path = traveller.send(typed, code=mail.values["code"]).location
        both.append(sent(traveller.browser, path, {**traveller.form_of(path), "name": "Choi"}))
    meet(app, monkeypatch, app.extensions["services"].provider_answers, "use", 2)
    answers = at_once(both)
    assert sorted(answer.status_code for answer in answers) == [303, 410]
    (identity,) = rows(app, Identity)
    made = [each.id for each in rows(app, User) if each.email in {"one@example.com", "two@example.com"}]
    assert made == [identity.user_id]


def test_m223_an_account_that_proves_its_address_meanwhile_keeps_it(
    on_postgresql: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was unproven when the other one looked, who was about to be given the address."""
    app = on_postgresql
    with app.app_context():
        services = app.extensions["services"]
        user_id = services.accounts.create(KIM, PASSWORD, name="Kim")
        services.email_addresses.send_verification(user_id, "en")
        services.db.commit()
    token = next(mail for mail in received(app) if mail.template == "verify_email").token
    traveller, path, form = joining(app, providers, "google")
    proof = FrontEnd(app)
    meanwhile(monkeypatch, arrivals, "lock_person", lambda: proof.post("/verify-email", {"token": token}))
    assert traveller.browser.post(path, data=form).status_code == 400
    assert [(each.id, each.email_verified) for each in rows(app, User) if each.email == KIM] == [(user_id, True)]
    assert traveller.browser.get(path).location.startswith("/join/prove?")
    assert rows(app, Identity) == []


def test_n235_of_two_accounts_that_link_one_identity_at_once_one_has_it(
    app: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [person(app, providers, email) for email in ("one@example.com", "two@example.com")]
    backs = [opened(each.browser, away(each, "google")) for each in people]
    received(app)
    meet(app, monkeypatch, app.extensions["services"].identities, "add", 2)
    answers = at_once(backs)
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    (identity,) = rows(app, Identity)
    winner = [answer.status_code for answer in answers].index(303)
    email = ("one@example.com", "two@example.com")[winner]
    assert [each.email for each in rows(app, User) if each.id == identity.user_id] == [email]
    assert [(mail.template, mail.to) for mail in received(app)] == [("identity_linked", email)]


def test_n235_linked_and_joined_at_once_it_is_one_accounts(
    app: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    bea = person(app, providers, "bea@example.com")
    back = away(bea, "google")
    traveller, path, form = joining(app, providers, "google")
    meet(app, monkeypatch, app.extensions["services"].identities, "add", 2)
    answers = at_once([opened(bea.browser, back), sent(traveller.browser, path, form)])
    assert [answer.status_code for answer in answers] in ([303, 410], [409, 303])
    assert len(rows(app, Identity)) == 1
    # An account that could not be linked was not made either.
    assert (len([each for each in rows(app, User) if each.email == KIM])) == (answers[1].status_code == 303)


def test_n236_of_two_ways_that_are_ended_at_once_one_is_left(
    app: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim = Traveller(app, providers)
    kim.join(kim.log_in("google"))
    link(kim, "kakao")
    both = [ending(kim, identity) for identity in rows(app, Identity)]
    meet(app, monkeypatch, app.extensions["services"].identities, "remove", 2)
    assert sorted(answer.status_code for answer in at_once(both)) == [303, 409]
    assert len(rows(app, Identity)) == 1


def test_n236_a_button_that_is_pressed_twice_ends_one_link(
    app: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    bea = person(app, providers, "bea@example.com")
    link(bea, "google")
    received(app)
    meet(app, monkeypatch, app.extensions["services"].identities, "remove", 2)
    answers = at_once([ending(bea, rows(app, Identity)[0])] * 2)
    assert sorted(answer.status_code for answer in answers) == [303, 404]
    assert [mail.template for mail in received(app)] == ["identity_unlinked"]


@pytest.mark.parametrize("kind", ["login", "confirm", "prove"])
def test_n237_a_link_that_ends_while_it_is_used_opens_nothing(
    on_postgresql: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Its login is found and not begun yet: between these it ends, and with it what would have come of it."""
    app = on_postgresql
    kim = Traveller(app, providers)
    kim.join(kim.log_in("google"))
    link(kim, "acme")
    google = next(each for each in rows(app, Identity) if each.provider == "google")
    other, services = Traveller(app, providers), app.extensions["services"]
    match kind:
        case "login":
            back = path_of(providers.google.visit(other.depart("google")))
        case "confirm":
            other.log_in("acme")
            form = {"csrf_token": csrf_token(other.browser, "/logout")}
            back = path_of(providers.google.visit(other.browser.post("/auth/google/confirm", data=form).location))
        case _:
            page = other.browser.get(other.log_in("kakao").location).location
            query = page.partition("?")[2]
            form = other.form_of(page)
            back = path_of(
                providers.google.visit(other.browser.post(f"/auth/google/prove?{query}", data=form).location)
            )
    end = ending(kim, google)
    meanwhile(monkeypatch, services.identities, "confirm" if kind == "confirm" else "come_in", end)
    response = other.browser.get(back)
    assert response.status_code == (403 if kind == "confirm" else 410)
    assert {each.provider for each in rows(app, Identity)} == {"acme"}
    assert (other.account is None) == (kind != "confirm")
    assert Traveller(app, providers).browser.get(back).status_code == 400


def test_n237_a_login_that_was_first_ends_with_the_link(
    on_postgresql: Flask, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = on_postgresql
    bea = person(app, providers, "bea@example.com")
    link(bea, "google")
    other = Traveller(app, providers)
    back = path_of(providers.google.visit(other.depart("google")))
    meanwhile(monkeypatch, app.extensions["services"].identities, "remove", lambda: other.browser.get(back))
    assert ending(bea, rows(app, Identity)[0])().status_code == 303
    assert other.account is None
