"""Section N: links between accounts and identities. Who asks for one proves it, and nobody's is taken or brought back.

OWASP ASVS 5.0, 3.5.1 and 7.5.1. Bea logs in with a password, Kim came by Google and has none.
"""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.models import AuditLog, Identity, ProviderRequest
from app.services.foundation.environment import NOBODY
from tests.api.people import NEW_PASSWORD, FrontEnd, refusal
from tests.clock import Clock
from tests.mailbox import received
from tests.providers import Providers
from tests.relying_party import PASSWORD, add_person, csrf_token, log_in
from tests.security.answers import is_page
from tests.social.conftest import app, providers, shared_providers, traveller
from tests.social.travelling import NAMES, Traveller, path_of

__all__ = ["app", "providers", "shared_providers", "traveller"]
BEA, LIST = "bea@example.com", "/account/identities"
EVIL = {"Origin": "https://evil.test"}
PROOF = {"current_password": PASSWORD}
ACTIONS = ("link", "confirm", "prove")


@pytest.fixture
def bea(app: Flask, providers: Providers) -> Traveller:
    """Logged in with her password."""
    add_person(app, BEA)
    found = Traveller(app, providers)
    log_in(found.browser, BEA)
    return found


@pytest.fixture
def kim(app: Flask, traveller: Traveller) -> Traveller:
    """Logged in by Google, which is all there is."""
    traveller.join(traveller.log_in("google"))
    return traveller


def rows(app: Flask, model: Any) -> list[Any]:
    with app.app_context():
        return list(app.extensions["services"].db.session.scalars(sa.select(model)))


def linked(app: Flask) -> dict[str, str]:
    """Whose account each identity opens."""
    return {f"{each.provider} {each.subject}": each.user_id for each in rows(app, Identity)}


def asked(person: Traveller, name: str = "google") -> TestResponse:
    """Press the button that links a provider."""
    return person.browser.post(f"/auth/{name}/link", data={"csrf_token": csrf_token(person.browser, "/logout")})


def link(person: Traveller, name: str = "google", who: str = "kim") -> TestResponse:
    """Link a provider, there and back."""
    away = asked(person, name)
    assert away.status_code == 303
    return person.come_back(name, away.location, who)


def unlink(person: Traveller, number: int = 0) -> TestResponse:
    """Press the button that ends a link."""
    listed = sorted(rows(person.app, Identity), key=lambda each: each.created_at)
    form = {"csrf_token": csrf_token(person.browser, "/logout")}
    return person.browser.post(f"{LIST}/{listed[number].id}/unlink", data=form)


def user_id(app: Flask, email: str = BEA) -> str:
    with app.app_context():
        return str(app.extensions["services"].accounts.find(email).id)


def ticket(app: Flask) -> tuple[FrontEnd, str]:
    """Bea's front end, and the path it got for its browser."""
    front = FrontEnd(app)
    front.log_in(BEA)
    return front, path_of(front.post("/link/google", PROOF).json["authorization_url"])


# 233: a link is not begun by another site


@pytest.mark.parametrize("action", ACTIONS)
def test_n233_no_address_that_is_only_opened_begins_it(app: Flask, bea: Traveller, action: str) -> None:
    for name in NAMES:
        assert bea.browser.get(f"/auth/{name}/{action}").status_code in {404, 405}
    assert rows(app, ProviderRequest) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_n233_a_form_of_another_site_does_not_begin_it(app: Flask, bea: Traveller, action: str) -> None:
    add_person(app, "other@example.com")
    stranger = Traveller(app, bea.providers)
    log_in(stranger.browser, "other@example.com")
    good, theirs = (csrf_token(each.browser, "/logout") for each in (bea, stranger))
    for token, headers in ((good, EVIL), (theirs, {}), ("x", {}), ("", {}), (None, {})):
        data = {} if token is None else {"csrf_token": token}
        response = bea.browser.post(f"/auth/google/{action}", data=data, headers=headers)
        assert response.status_code in {303, 403, 409}
        assert response.status_code != 303 or response.location.startswith(("/account/", "/confirm", "/join/prove"))
    assert rows(app, ProviderRequest) == []


def test_n233_a_login_that_another_site_begins_links_nothing(app: Flask, bea: Traveller) -> None:
    """By GET, with whoever is logged in at the provider: it asks what is new there, and touches nobody who is here."""
    back = bea.log_in("google")
    assert back.location.startswith("/join?")
    for headers in (EVIL, {}):
        assert bea.browser.post(back.location, data={"name": "Kim"}, headers=headers).status_code in {400, 403}
    assert linked(app) == {}
    assert (bea.account or {})["username"] == "bea"


def test_n233_what_the_api_gives_is_of_use_to_that_person_alone_once(app: Flask, bea: Traveller) -> None:
    front, path = ticket(app)
    add_person(app, "other@example.com")
    victim = Traveller(app, bea.providers)
    log_in(victim.browser, "other@example.com")
    is_page(victim.browser.get(path), 404)
    for wrong in (
        f"{path}x",
        path[:-1],
        path.replace("google", "kakao"),
        "/auth/google?link=%00",
        "/auth/google?link=x",
    ):
        assert bea.browser.get(wrong).status_code in {400, 404}, wrong
    assert len(rows(app, ProviderRequest)) == 1
    away = front.browser.get(path)
    assert away.status_code == 302
    is_page(front.browser.get(path), 404)
    assert Traveller.come_back(bea, "google", away.location).status_code == 400  # it is the front end's browser's
    back = front.browser.get(path_of(bea.providers.google.visit(away.location)))
    assert back.location == f"{LIST}?linked=google"
    assert set(linked(app).values()) == {user_id(app)}


@pytest.mark.parametrize("ending", ["disabled", "logged out", "deleted"])
def test_n233_nor_to_somebody_who_is_not_there_any_more(app: Flask, bea: Traveller, ending: str) -> None:
    front, path = ticket(app)
    away = asked(bea)
    with app.app_context():
        services = app.extensions["services"]
        match ending:
            case "disabled":
                services.administration.disable(user_id(app))
            case "logged out":
                services.sessions.end_everything(user_id(app), "test", NOBODY)
            case _:
                services.db.session.execute(sa.text("DELETE FROM users WHERE email = :email"), {"email": BEA})
        services.db.commit()
    assert front.browser.get(path).location.startswith("/login?")
    is_page(bea.come_back("google", away.location), 400 if ending == "deleted" else 409)
    assert linked(app) == {}


def test_n233_a_link_is_for_whoever_began_it(app: Flask, bea: Traveller) -> None:
    """Somebody else logs in in another tab meanwhile: nothing is linked with either."""
    away = asked(bea)
    add_person(app, "other@example.com")
    log_in(bea.browser, "other@example.com", "/login?switch=1")
    is_page(bea.come_back("google", away.location), 409)
    assert linked(app) == {}


def test_n233_scripts_begin_it_with_a_token_and_by_no_cookie(app: Flask, bea: Traveller) -> None:
    front, _ = ticket(app)
    front.token = ""
    refusal(front.post("/link/google", PROOF), 401, "unauthorized")
    refusal(front.post("/link/google", PROOF, Origin="https://evil.test"), 403, "foreign_origin")
    refusal(front.send("DELETE", "/unlink/google", PROOF), 401, "unauthorized")


# 235: an identity that is somebody else's


@pytest.mark.parametrize("name", ["google", "kakao", "discord", "acme"])
def test_n235_what_is_linked_with_another_account_stays_there(
    app: Flask, providers: Providers, bea: Traveller, name: str
) -> None:
    owner = Traveller(app, providers)
    owner.join(owner.log_in(name))
    before, people = linked(app), rows(app, Identity)[0].last_used_at
    received(app)
    is_page(link(bea, name), 409)
    assert linked(app) == before
    assert rows(app, Identity)[0].last_used_at == people
    assert received(app) == []
    refused = [each for each in rows(app, AuditLog) if each.action == "account:identity:refused"]
    assert [(each.user_id, each.error_code) for each in refused] == [(user_id(app), "taken")]
    assert (bea.account or {})["username"] == "bea"
    assert owner.account is not None


def test_n235_an_identity_whose_account_is_gone_is_free(app: Flask, providers: Providers, bea: Traveller) -> None:
    owner = Traveller(app, providers)
    owner.join(owner.log_in("google"))
    away = asked(bea)
    with app.app_context():
        services = app.extensions["services"]
        services.administration.delete(user_id(app, "kim.minsu@example.com"))
        services.db.commit()
    assert bea.come_back("google", away.location).location == f"{LIST}?linked=google"
    assert set(linked(app).values()) == {user_id(app)}
    assert owner.account is None


def test_n235_one_person_may_link_the_same_twice_and_has_it_once(app: Flask, bea: Traveller) -> None:
    for _ in range(2):
        assert link(bea).location == f"{LIST}?linked=google"
    assert set(linked(app).values()) == {user_id(app)}
    assert [mail.template for mail in received(app) if mail.template == "identity_linked"] == ["identity_linked"]


# 236: the last way in


def test_n236_the_last_way_in_stays(app: Flask, kim: Traveller) -> None:
    before = linked(app)
    assert unlink(kim).status_code == 409
    assert linked(app) == before
    assert Traveller(app, kim.providers).log_in("google").location == "/"


def test_n236_of_two_ways_either_can_go_and_not_both(app: Flask, kim: Traveller) -> None:
    assert link(kim, "kakao").status_code == 303
    assert unlink(kim).status_code == 303
    assert unlink(kim).status_code == 409
    assert {each.split()[0] for each in linked(app)} == {"kakao"}


# 237: what was unlinked opens nothing


def test_n237_a_login_by_what_was_unlinked_is_not_let_in(app: Flask, providers: Providers, bea: Traveller) -> None:
    link(bea)
    came_by_it = Traveller(app, providers)
    assert came_by_it.log_in("google").location == "/"
    assert unlink(bea).status_code == 303
    assert came_by_it.account is None
    again = Traveller(app, providers)
    assert again.log_in("google").location.startswith("/join?")
    assert again.account is None
    again.join(again.log_in("google"))
    assert (again.account or {})["username"] != "bea"
    assert bea.account is not None


def test_n237_nor_where_it_has_the_accounts_own_address(app: Flask, providers: Providers, kim: Traveller) -> None:
    link(kim, "kakao")
    assert unlink(kim).status_code == 303
    again = Traveller(app, providers)
    asked_for = again.browser.get(again.log_in("google").location)
    assert asked_for.location.startswith("/join/prove?")
    assert again.account is None


@pytest.mark.parametrize("begun", ["login", "link", "confirm"])
def test_n237_an_answer_that_is_on_its_way_does_not_bring_it_back(
    app: Flask, providers: Providers, bea: Traveller, begun: str
) -> None:
    """The browser is at the provider while the link ends; of whoever asked for the link again it is a new wish."""
    link(bea)
    other = Traveller(app, providers)
    if begun == "login":
        back = path_of(providers.google.visit(other.depart("google")))
    else:
        log_in(other.browser, BEA)
        form = {"csrf_token": csrf_token(other.browser, "/logout")}
        back = path_of(providers.google.visit(other.browser.post(f"/auth/google/{begun}", data=form).location))
    assert unlink(bea).status_code == 303
    response = other.browser.get(back)
    match begun:
        case "login":
            assert response.location.startswith("/join?")
            assert other.account is None
        case "confirm":
            is_page(response, 403)
    assert set(linked(app)) == (set() if begun != "link" else {f"google {providers.google.person('kim').subject}"})


def test_n237_a_proof_that_waits_is_void_once_the_link_it_leans_on_has_ended(
    app: Flask, providers: Providers, kim: Traveller
) -> None:
    link(kim, "acme")
    newcomer = Traveller(app, providers)
    page = newcomer.browser.get(newcomer.log_in("kakao").location).location
    away = newcomer.browser.post(f"/auth/google/prove?{page.partition('?')[2]}", data=newcomer.form_of(page))
    back = path_of(providers.google.visit(away.location))
    assert unlink(kim).status_code == 303
    is_page(newcomer.browser.get(back), 403)
    assert {each.split()[0] for each in linked(app)} == {"acme"}
    assert newcomer.account is None


def test_n237_what_was_linked_before_the_address_was_proven_does_not_outlive_its_proof(
    app: Flask, providers: Providers
) -> None:
    """Pre-hijacking: somebody registers with the victim's address, links a login of his own, and waits."""
    squatter = Traveller(app, providers)
    with app.app_context():
        services = app.extensions["services"]
        services.accounts.create("victim@example.com", PASSWORD, name="Victim")
        services.db.commit()
    log_in(squatter.browser, "victim@example.com")
    assert link(squatter, "google", "lee").location == f"{LIST}?linked=google"
    victim = FrontEnd(app)
    victim.post("/forgot-password", {"email": "victim@example.com"})
    token = next(mail for mail in received(app) if mail.template == "reset_password").token
    assert victim.post("/reset-password", {"token": token, "password": NEW_PASSWORD}).status_code == 200
    assert linked(app) == {}
    assert squatter.account is None
    again = Traveller(app, providers)
    assert again.log_in("google", "lee").location.startswith("/join?")
    assert {mail.template for mail in received(app)} == {"password_changed", "identity_unlinked"}


def test_n237_of_a_proven_account_a_new_password_leaves_the_other_ways_in(app: Flask, bea: Traveller) -> None:
    link(bea)
    front = FrontEnd(app)
    front.post("/forgot-password", {"email": BEA})
    token = next(mail for mail in received(app) if mail.template == "reset_password").token
    assert front.post("/reset-password", {"token": token, "password": NEW_PASSWORD}).status_code == 200
    assert set(linked(app).values()) == {user_id(app)}


# 238: both want a proof, and are told


@pytest.mark.parametrize("person", ["bea", "kim"])
def test_n238_both_want_a_proof_that_is_not_old(
    app: Flask, request: pytest.FixtureRequest, clock: Clock, person: str
) -> None:
    who: Traveller = request.getfixturevalue(person)
    link(who, "discord")
    before, begun = linked(app), len(rows(app, ProviderRequest))
    clock.advance(minutes=11)
    assert asked(who, "kakao").location.startswith("/confirm?")
    assert unlink(who).location.startswith("/confirm?")
    assert (linked(app), len(rows(app, ProviderRequest))) == (before, begun)


def test_n238_the_person_is_told_by_mail_and_it_is_on_record(app: Flask, bea: Traveller) -> None:
    received(app)
    link(bea)
    assert [(mail.template, mail.to) for mail in received(app)] == [("identity_linked", BEA)]
    unlink(bea)
    assert [(mail.template, mail.to) for mail in received(app)] == [("identity_unlinked", BEA)]
    known = [(each.action, each.user_id, each.success) for each in rows(app, AuditLog) if "identity" in each.action]
    assert sorted(known) == [
        ("account:identity:linked", user_id(app), True),
        ("account:identity:unlinked", user_id(app), True),
    ]
