"""Whose account an identity opens: its own, or one whose person proves it; never one that only has the same e-mail."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import Identity, User
from app.services.foundation.environment import NOBODY
from app.services.identities.profiles import profile
from tests.clock import Clock
from tests.mailbox import received
from tests.providers import Providers
from tests.relying_party import PASSWORD, add_person, log_in
from tests.social.travelling import Traveller

KIM = "kim.minsu@example.com"
WRONG = "some other password 7"


def rows(app: Flask, model: Any) -> list[Any]:
    with app.app_context():
        return list(app.extensions["services"].db.session.scalars(sa.select(model)))


def owner(app: Flask, provider: str = "google") -> str | None:
    """Whose account an identity of this provider opens."""
    found = [each.user_id for each in rows(app, Identity) if each.provider == provider]
    assert len(found) <= 1
    return found[0] if found else None


def person(app: Flask, user_id: str) -> User:
    return next(each for each in rows(app, User) if each.id == user_id)


def add_unproven(app: Flask, email: str = KIM, **fields: Any) -> str:
    """An account whose address nobody has proven, as anybody can make one."""
    with app.app_context():
        services = app.extensions["services"]
        user_id = services.accounts.create(email, PASSWORD, name="Not Kim", **fields)
        services.db.session.commit()
    return str(user_id)


# The same verified address


def test_who_has_an_account_proves_it_and_is_linked(app: Flask, traveller: Traveller) -> None:
    user_id = add_person(app, KIM)
    asked = traveller.browser.get(traveller.log_in("google").location)
    assert asked.location.startswith("/join/prove?")
    page = traveller.browser.get(asked.location).text
    assert "You have an account already" in page
    assert "kim.minsu@example.com" in page
    assert (owner(app), traveller.account) == (None, None)
    linked = traveller.send(asked.location, password=PASSWORD)
    assert (linked.status_code, linked.location) == (303, "/")
    assert owner(app) == user_id
    assert [mail.template for mail in received(app)] == ["identity_linked"]
    assert Traveller(app, traveller.providers).log_in("google").location == "/"


def test_a_wrong_password_links_nothing(app: Flask, traveller: Traveller) -> None:
    add_person(app, KIM)
    path = traveller.browser.get(traveller.log_in("google").location).location
    refused = traveller.send(path, password=WRONG)
    assert refused.status_code == 401
    assert (owner(app), traveller.account) == (None, None)
    assert traveller.send(path, password=PASSWORD).status_code == 303


def test_the_proof_is_guessed_at_no_faster_than_a_login(make_app: Callable[..., Flask], providers: Providers) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", **providers.environment)
    traveller = Traveller(app, providers)
    add_person(app, KIM)
    path = traveller.browser.get(traveller.log_in("google").location).location
    answers = [traveller.send(path, password=WRONG).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


def test_another_linked_provider_counts_as_proof(app: Flask, providers: Providers, traveller: Traveller) -> None:
    traveller.join(traveller.log_in("google"))
    user_id = owner(app)
    other = Traveller(app, providers)
    path = other.browser.get(other.log_in("kakao").location).location
    page = other.browser.get(path).text
    assert "Google" in page
    assert 'type="password"' not in page
    away = other.browser.post(f"/auth/google/prove?{path.partition('?')[2]}", data=other.form_of(path))
    assert away.status_code == 303, away.text
    assert other.come_back("google", away.location).location == "/"
    assert owner(app, "kakao") == user_id
    assert other.account is not None


def test_a_provider_that_is_not_linked_proves_nothing(app: Flask, providers: Providers, traveller: Traveller) -> None:
    traveller.join(traveller.log_in("google"))
    other = Traveller(app, providers)
    path = other.browser.get(other.log_in("kakao").location).location
    away = other.browser.post(f"/auth/google/prove?{path.partition('?')[2]}", data=other.form_of(path))
    refused = other.come_back("google", away.location, person="lee")
    assert refused.status_code == 403
    assert owner(app, "kakao") is None
    assert other.account is None


def test_the_proof_of_another_account_links_nothing(app: Flask, providers: Providers, traveller: Traveller) -> None:
    add_person(app, KIM)
    lee = Traveller(app, providers)
    lee.join(lee.log_in("discord", person="lee"))
    path = traveller.browser.get(traveller.log_in("google").location).location
    away = traveller.browser.post(f"/auth/discord/prove?{path.partition('?')[2]}", data=traveller.form_of(path))
    assert traveller.come_back("discord", away.location, person="lee").status_code == 403
    assert owner(app) is None


def test_who_has_just_proven_to_be_there_only_agrees(app: Flask, traveller: Traveller) -> None:
    user_id = add_person(app, KIM)
    log_in(traveller.browser, KIM)
    path = traveller.browser.get(traveller.log_in("google").location).location
    page = traveller.browser.get(path).text
    assert 'type="password"' not in page
    assert owner(app) is None
    assert traveller.send(path).status_code == 303
    assert owner(app) == user_id


def test_who_does_not_agree_goes_on_without(app: Flask, traveller: Traveller) -> None:
    add_person(app, KIM)
    log_in(traveller.browser, KIM)
    path = traveller.browser.get(traveller.log_in("google").location).location
    page = traveller.browser.get(path).text
    assert re.search(r'<a href="/">Go on without linking</a>', page)
    assert traveller.browser.get("/").status_code == 200
    assert owner(app) is None


def test_after_a_while_the_password_is_asked_for_again(app: Flask, traveller: Traveller, clock: Clock) -> None:
    add_person(app, KIM)
    log_in(traveller.browser, KIM)
    path = traveller.browser.get(traveller.log_in("google").location).location
    clock.advance(minutes=11)
    assert 'type="password"' in traveller.browser.get(path).text
    assert traveller.send(path).status_code == 400
    assert owner(app) is None


def test_somebody_else_who_is_logged_in_here_is_not_linked(app: Flask, traveller: Traveller) -> None:
    add_person(app, KIM)
    other = add_person(app, "other@example.com")
    log_in(traveller.browser, "other@example.com")
    path = traveller.browser.get(traveller.log_in("google").location).location
    assert 'type="password"' in traveller.browser.get(path).text
    assert traveller.send(path).status_code == 400
    assert owner(app) is None
    assert traveller.send(path, password=PASSWORD).status_code == 303
    assert owner(app) != other


def test_an_answer_is_proven_once(app: Flask, traveller: Traveller) -> None:
    add_person(app, KIM)
    path = traveller.browser.get(traveller.log_in("google").location).location
    form = traveller.form_of(path) | {"password": PASSWORD}
    assert traveller.browser.post(path, data=form).status_code == 303
    assert traveller.browser.post(path, data=form).status_code in {400, 410}
    assert len(rows(app, Identity)) == 1


# An address that is verified on one side alone, or on none


def test_an_unverified_address_of_a_provider_reveals_nothing(app: Flask, traveller: Traveller) -> None:
    add_person(app, "park.jihun@example.com")
    known = traveller.browser.get(traveller.log_in("google", person="park").location)
    assert known.location.startswith("/join/email?")
    page = traveller.browser.get(known.location).text
    assert "You have an account already" not in page
    sent = traveller.send(known.location, email="park.jihun@example.com")
    shown = traveller.browser.get(sent.location).text
    stranger = Traveller(app, traveller.providers)
    unknown = stranger.browser.get(stranger.log_in("google", person="choi").location)
    other_sent = stranger.send(unknown.location, email="nobody@example.com")
    other_shown = stranger.browser.get(other_sent.location).text
    assert (sent.status_code, sent.location.partition("?")[0]) == (
        other_sent.status_code,
        other_sent.location.partition("?")[0],
    )
    assert without_address(shown, "park.jihun@example.com") == without_address(other_shown, "nobody@example.com")
    assert {mail.template for mail in received(app)} == {"email_code"}


def test_whoever_reads_the_mailbox_of_an_account_has_still_to_prove_it(app: Flask, traveller: Traveller) -> None:
    user_id = add_person(app, "park.jihun@example.com")
    path = traveller.browser.get(traveller.log_in("google", person="park").location).location
    sent = traveller.send(path, email="Park.Jihun@EXAMPLE.com")
    (mail,) = received(app)
    entered = traveller.send(sent.location, code=mail.values["code"])
    asked = traveller.browser.get(entered.location)
    assert asked.location.startswith("/join/prove?")
    assert owner(app) is None
    traveller.send(asked.location, password=PASSWORD)
    assert owner(app) == user_id


@pytest.mark.parametrize("name", ["google", "kakao", "discord", "acme"])
def test_an_account_that_waited_under_the_address_is_not_entered(app: Flask, traveller: Traveller, name: str) -> None:
    """Pre-hijacking: somebody registered with the address of another and waits for them to come."""
    squatter = add_unproven(app)
    intruder = Traveller(app, traveller.providers)
    log_in(intruder.browser, KIM)
    assert intruder.account is not None
    page = traveller.browser.get(traveller.log_in(name).location)
    assert page.status_code == 200
    assert "You have an account already" not in page.text
    assert traveller.join(traveller.log_in(name)).location == "/"
    mine = owner(app, name)
    assert mine not in {None, squatter}
    assert person(app, str(mine)).email == KIM
    assert person(app, str(mine)).email_verified
    # Neither the password nor what it had opened survives.
    assert intruder.account is None
    assert log_in(Traveller(app, traveller.providers).browser, KIM).status_code == 401
    gone = person(app, squatter)
    assert (gone.is_active, gone.password_hash, gone.email) == (False, None, f"{squatter}@displaced.invalid")
    told = [mail for mail in received(app) if mail.template == "account_displaced"]
    assert [mail.to for mail in told] == [KIM]


def test_an_operator_brings_a_displaced_account_back(app: Flask, traveller: Traveller, clock: Clock) -> None:
    squatter = add_unproven(app)
    traveller.join(traveller.log_in("google"))
    run = app.test_cli_runner().invoke
    for command in (
        ["users", "set-email", squatter, "real@example.com", "--verified"],
        ["users", "recover", squatter, "--password", PASSWORD],
    ):
        ran = run(args=command)
        assert ran.exit_code == 0, ran.output
    clock.advance(days=31)
    with app.app_context():
        app.extensions["services"].deletions.run()
    back = Traveller(app, traveller.providers)
    assert log_in(back.browser, "real@example.com").status_code == 303
    assert back.account is not None


def test_a_displaced_account_goes_after_a_month(app: Flask, traveller: Traveller, clock: Clock) -> None:
    squatter = add_unproven(app)
    traveller.join(traveller.log_in("google"))
    received(app)
    with app.app_context():
        deletions = app.extensions["services"].deletions
        clock.advance(days=29)
        assert deletions.run() == 0
        clock.advance(days=2)
        assert deletions.run() == 1
    assert [each.id for each in rows(app, User) if each.id == squatter] == []
    assert received(app) == []


def test_an_account_with_power_keeps_its_address(app: Flask, traveller: Traveller) -> None:
    administrator = add_unproven(app, is_admin=True)
    refused = traveller.join(traveller.log_in("google"))
    assert refused.status_code == 400
    assert person(app, administrator).email == KIM
    assert owner(app) is None


def test_a_displaced_account_that_is_entered_by_an_identity_goes_on(
    app: Flask, providers: Providers, traveller: Traveller
) -> None:
    squatter = add_unproven(app)
    with app.app_context():
        services = app.extensions["services"]
        services.identities.add(squatter, profile("discord", "77"), {}, NOBODY)
        services.db.commit()
    traveller.join(traveller.log_in("google"))
    gone = person(app, squatter)
    assert (gone.is_active, gone.password_hash, gone.email_verified) == (True, None, False)


# What changes at the provider


def test_a_new_address_at_the_provider_moves_nothing(app: Flask, providers: Providers, traveller: Traveller) -> None:
    victim = add_person(app, "victim@example.com")
    traveller.join(traveller.log_in("google"))
    mine = owner(app)
    providers.google.switch("changed_email", "victim@example.com")
    again = Traveller(app, providers)
    assert again.log_in("google").location == "/"
    assert (owner(app), person(app, str(mine)).email) == (mine, KIM)
    assert mine != victim
    (identity,) = rows(app, Identity)
    assert identity.email == "victim@example.com"


@pytest.mark.parametrize("name", ["google", "kakao", "discord", "acme"])
def test_the_same_address_under_a_new_subject_is_somebody_to_prove(
    app: Flask, providers: Providers, traveller: Traveller, name: str
) -> None:
    traveller.join(traveller.log_in(name))
    providers[name].switch("recreated", True)
    other = Traveller(app, providers)
    asked = other.browser.get(other.log_in(name).location)
    assert asked.location.startswith("/join/prove?")
    assert other.account is None
    assert len(rows(app, Identity)) == 1


def test_one_subject_at_two_providers_is_two_people(app: Flask, providers: Providers, traveller: Traveller) -> None:
    same = providers.google.person("kim").subject
    providers.acme.switch("recreated", same)
    traveller.join(traveller.log_in("google"))
    other = Traveller(app, providers)
    providers.acme.switch("changed_email", "another@example.com")
    other.join(other.log_in("acme"))
    subjects = {(each.provider, each.subject, each.user_id) for each in rows(app, Identity)}
    assert {(provider, subject) for provider, subject, _ in subjects} == {("google", same), ("acme", same)}
    assert len({user_id for _, _, user_id in subjects}) == 2


# No e-mail


@pytest.mark.parametrize("name", ["kakao", "naver", "google", "discord", "acme"])
def test_who_brings_no_address_is_asked_for_one(app: Flask, traveller: Traveller, name: str) -> None:
    asked = traveller.browser.get(traveller.log_in(name, person="choi").location)
    assert asked.location.startswith("/join/email?")
    sent = traveller.send(asked.location, email="choi@example.com")
    (mail,) = received(app)
    entered = traveller.send(sent.location, code=mail.values["code"])
    traveller.join(entered, name="Choi")
    made = person(app, str(owner(app, name)))
    assert (made.email, made.email_verified) == ("choi@example.com", True)


def test_two_who_bring_no_address_are_two(app: Flask, providers: Providers) -> None:
    for email in ("one@example.com", "two@example.com"):
        providers.kakao.switch("recreated", email.startswith("two"))
        traveller = Traveller(app, providers)
        asked = traveller.browser.get(traveller.log_in("kakao", person="choi").location)
        sent = traveller.send(asked.location, email=email)
        (mail,) = received(app)
        traveller.join(traveller.send(sent.location, code=mail.values["code"]), name="Choi")
    assert sorted(person(app, each.user_id).email for each in rows(app, Identity)) == [
        "one@example.com",
        "two@example.com",
    ]


# People who may not come in


def test_a_disabled_person_stays_out(app: Flask, providers: Providers, traveller: Traveller) -> None:
    traveller.join(traveller.log_in("google"))
    with app.app_context():
        app.extensions["services"].administration.disable(str(owner(app)))
        app.extensions["services"].db.commit()
    other = Traveller(app, providers)
    refused = other.log_in("google")
    assert refused.status_code == 403
    assert "disabled" in refused.text
    assert other.account is None


def without_address(page: str, email: str) -> str:
    """A page without what differs by nature: the address itself and random values."""
    page = page.replace(email, "@").replace(email.replace("@", "&#64;"), "@")
    page = re.sub(r'(nonce|value|href|action|data-page|content)="[^"]*"', "", page)
    return re.sub(r"<span[^>]*>|</span>|<time.*?</time>", "", page)
