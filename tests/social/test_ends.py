"""Links that end: the provider is told until it has heard, and what the provider says of an end counts here."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import Delivery, EmailCode, Identity, ProviderAnswer, ProviderRequest, User
from app.server.background import Background
from app.services.foundation.environment import NOBODY
from app.services.identities.farewells import FAREWELL
from app.social import FarewellCourier
from tests.clock import Clock
from tests.mailbox import received
from tests.providers import Providers
from tests.social.travelling import NAMES, Traveller

WEBHOOK = "/auth/kakao/webhook"
KIM = "kim.minsu@example.com"


def services_of(app: Flask) -> Any:
    return app.extensions["services"]


def identities(app: Flask) -> list[Identity]:
    with app.app_context():
        return list(services_of(app).db.session.scalars(sa.select(Identity)))


def unlink(app: Flask, provider: str) -> None:
    """As an operator does it, who may leave nothing to log in with."""
    ran = app.test_cli_runner().invoke(args=["identities", "unlink", KIM, provider])
    assert ran.exit_code == 0, ran.output


def say_farewells(app: Flask) -> int:
    """Carry what waits; answers how many arrived."""
    with app.app_context():
        return Background(app, [FarewellCourier(services_of(app).settings)]).deliver()


def farewells(app: Flask) -> list[Delivery]:
    with app.app_context():
        return list(services_of(app).db.session.scalars(sa.select(Delivery).where(Delivery.kind == FAREWELL)))


@pytest.fixture(params=NAMES)
def linked(request: pytest.FixtureRequest, app: Flask, traveller: Traveller) -> str:
    """Each provider, with an account that came by it."""
    name = str(request.param)
    join(traveller, name)
    return name


def join(traveller: Traveller, name: str) -> None:
    response = traveller.log_in(name)
    if name == "naver":
        asked = traveller.browser.get(response.location)
        sent = traveller.send(asked.location, email=KIM)
        (mail,) = received(traveller.app)
        response = traveller.send(sent.location, code=mail.values["code"])
    assert traveller.join(response).location == "/"


# To the provider


def test_the_provider_hears_of_the_end(app: Flask, providers: Providers, linked: str) -> None:
    unlink(app, linked)
    assert identities(app) == []
    assert say_farewells(app) == 1
    told = providers[linked].awaited("revoke")
    expected = {
        "kakao": {"target_id_type": "user_id", "target_id": providers.kakao.person("kim").subject},
        "naver": {"grant_type": "delete", "service_provider": "NAVER"},
    }.get(linked, {})
    assert expected.items() <= told.parameters.items()
    assert say_farewells(app) == 0


def test_a_provider_that_is_away_hears_of_it_later(app: Flask, providers: Providers, linked: str, clock: Clock) -> None:
    unlink(app, linked)
    providers[linked].switch("error", "revoke")
    assert say_farewells(app) == 0
    providers[linked].switch("error", False)
    clock.advance(minutes=1)
    assert say_farewells(app) == 1
    assert len(providers[linked].of_kind("revoke")) == 2


def test_an_answer_that_it_knows_nothing_of_it_is_the_last_word(app: Flask, providers: Providers, linked: str) -> None:
    providers[linked].forget("kim")
    unlink(app, linked)
    assert say_farewells(app) == 1
    (sent,) = farewells(app)
    assert (sent.done_at is not None, sent.sealed) == (True, "")


def test_who_is_linked_again_by_then_is_not_unlinked_there(app: Flask, providers: Providers, linked: str) -> None:
    unlink(app, linked)
    with app.app_context():
        services = services_of(app)
        services.accounts.find(KIM)
        services.administration.set_password(KIM, "correct horse battery 9")
        services.db.commit()
    again = Traveller(app, providers)
    response = again.log_in(linked)
    path = again.browser.get(response.location).location
    if linked == "naver":
        received(app)
        sent = again.send(path, email=KIM)
        code = next(mail for mail in received(app) if mail.template == "email_code").values["code"]
        path = again.browser.get(again.send(sent.location, code=code).location).location
    assert again.send(path, password="correct horse battery 9").status_code == 303
    assert len(identities(app)) == 1
    assert say_farewells(app) == 1
    assert providers[linked].of_kind("revoke") == []


def test_the_end_of_the_account_is_the_end_of_its_links(app: Flask, providers: Providers, linked: str) -> None:
    ran = app.test_cli_runner().invoke(args=["users", "delete", KIM, "--yes"])
    assert ran.exit_code == 0, ran.output
    assert identities(app) == []
    assert say_farewells(app) == 1
    assert providers[linked].awaited("revoke")
    assert Traveller(app, providers).log_in(linked).location.startswith("/join?")


# From the provider


@pytest.fixture
def by_kakao(traveller: Traveller) -> Traveller:
    """Somebody who came by Kakao."""
    join(traveller, "kakao")
    received(traveller.app)
    return traveller


def notice(traveller: Traveller, method: str = "POST", **changes: str) -> Any:
    kakao = traveller.providers.kakao
    fields = {"app_id": "1234567", "user_id": kakao.person("kim").subject, "referrer_type": "UNLINK_FROM_APPS"}
    key = changes.pop("key", f"KakaoAK {kakao.admin_key}")
    values = {"data" if method == "POST" else "query_string": {**fields, **changes}}
    return traveller.app.test_client().open(WEBHOOK, method=method, headers={"Authorization": key}, **values)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_kakao_says_that_somebody_ended_the_link_there(app: Flask, by_kakao: Traveller, method: str) -> None:
    assert by_kakao.account is not None
    assert notice(by_kakao, method).status_code == 200
    assert identities(app) == []
    assert by_kakao.account is None
    assert [(mail.template, mail.to) for mail in received(app)] == [("identity_ended", KIM)]
    assert farewells(app) == []
    assert notice(by_kakao, method).status_code == 200
    assert received(app) == []


def test_sessions_that_did_not_come_of_it_go_on(app: Flask, by_kakao: Traveller) -> None:
    other = Traveller(app, by_kakao.providers)
    path = other.browser.get(other.log_in("google").location).location
    away = other.browser.post(f"/auth/kakao/prove?{path.partition('?')[2]}", data=other.form_of(path))
    other.come_back("kakao", away.location)
    third = Traveller(app, by_kakao.providers)
    third.log_in("google")
    assert notice(by_kakao).status_code == 200
    assert by_kakao.account is None
    assert third.account is not None
    assert [each.provider for each in identities(app)] == ["google"]


@pytest.mark.parametrize("key", ["", "KakaoAK ", "KakaoAK wrong", "Bearer {}", "{}", "KakaoAK é"])
def test_nobody_else_ends_a_link(app: Flask, by_kakao: Traveller, key: str) -> None:
    response = notice(by_kakao, key=key.format(by_kakao.providers.kakao.admin_key))
    assert response.status_code == 401
    assert len(identities(app)) == 1
    assert by_kakao.account is not None


@pytest.mark.parametrize("user_id", ["", "abc", "1 OR 1=1", "9" * 65, "٣٣", "-1"])
def test_a_notice_about_nobody_is_refused(app: Flask, by_kakao: Traveller, user_id: str) -> None:
    assert notice(by_kakao, user_id=user_id).status_code == 400
    assert len(identities(app)) == 1


def test_a_notice_about_somebody_unknown_is_taken(app: Flask, by_kakao: Traveller) -> None:
    assert notice(by_kakao, user_id="1").status_code == 200
    assert len(identities(app)) == 1


def test_the_same_number_at_another_provider_is_somebody_else(app: Flask, by_kakao: Traveller) -> None:
    with app.app_context():
        db = services_of(app).db
        db.session.execute(sa.update(Identity).values(provider="naver"))
        db.commit()
    assert notice(by_kakao).status_code == 200
    assert len(identities(app)) == 1


def test_without_an_admin_key_there_is_no_such_address(make_app: Callable[..., Flask], providers: Providers) -> None:
    app = make_app(**{**providers.environment, "KAKAO_ADMIN_KEY": ""})
    assert app.test_client().post(WEBHOOK, headers={"Authorization": "KakaoAK "}).status_code == 404


# What is kept


def test_only_tokens_that_are_needed_are_kept_and_only_sealed(app: Flask, providers: Providers, linked: str) -> None:
    (identity,) = identities(app)
    if linked == "kakao":
        assert identity.sealed_tokens == ""
        return
    with app.app_context():
        kept = json.loads(services_of(app).sealer.open(identity.sealed_tokens))
    assert set(kept) <= {"access_token", "refresh_token"}
    assert set(kept.values()) <= providers.secrets
    assert not any(secret in identity.sealed_tokens for secret in providers.secrets)


def test_a_later_login_without_a_refresh_token_keeps_the_one_there_is(
    app: Flask, providers: Providers, traveller: Traveller
) -> None:
    join(traveller, "google")
    Traveller(app, providers).log_in("google")
    (identity,) = identities(app)
    with app.app_context():
        assert "refresh_token" in json.loads(services_of(app).sealer.open(identity.sealed_tokens))


def test_the_export_tells_of_links_and_of_no_token(app: Flask, traveller: Traveller) -> None:
    join(traveller, "google")
    with app.app_context():
        services = services_of(app)
        made = services.exports.make(identities(app)[0].user_id, NOBODY)
    (told,) = made["provider_identities"]
    assert (told["provider"], told["email"]) == ("google", KIM)
    assert made["identities"] == []
    assert not any(secret in json.dumps(made, default=str) for secret in traveller.providers.secrets)


def test_what_was_under_way_is_removed_when_it_is_over(app: Flask, traveller: Traveller, clock: Clock) -> None:
    response = traveller.log_in("naver")
    traveller.send(traveller.browser.get(response.location).location, email=KIM)
    clock.advance(hours=26)
    with app.app_context():
        services = services_of(app)
        removed = services.cleaning.run(pause=0)
        for model in (ProviderRequest, ProviderAnswer, EmailCode):
            assert removed[model.__tablename__] == 1
            assert services.db.session.scalar(sa.select(sa.func.count()).select_from(model)) == 0


def test_new_encryption_keys_open_and_reseal_what_is_kept(app: Flask, traveller: Traveller) -> None:
    join(traveller, "google")
    with app.app_context():
        services = services_of(app)
        kinds = {count.kind: count for count in services.resealing.run()}
        assert kinds["identities"].same == 1
        assert kinds["trips to providers"].same == 1


# By operators


def test_operators_list_and_end_links(app: Flask, traveller: Traveller) -> None:
    join(traveller, "google")
    run = app.test_cli_runner().invoke
    (listed,) = json.loads(run(args=["identities", "list", KIM, "--json"]).stdout)
    assert (listed["provider"], listed["email"]) == ("google", KIM)
    assert run(args=["identities", "unlink", KIM, "kakao"]).exit_code == 1
    ended = run(args=["identities", "unlink", KIM, "google", "--json"])
    assert json.loads(ended.stdout) == {"email": KIM, "provider": "google", "ways_left": 0}
    assert "Nothing is left to log in with" in ended.stderr
    assert traveller.account is None
    with app.app_context():
        assert services_of(app).db.session.scalar(sa.select(User.password_hash).where(User.email == KIM)) is None
