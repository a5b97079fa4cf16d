"""A person's change of password: the present one is needed, other devices end, this one stays, a mail says so."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.errors import InvalidInput, TooManyAttempts
from app.models import UserSession
from app.services.foundation.environment import Caller
from tests.clock import Clock
from tests.login.test_recovery import ask
from tests.mailbox import received
from tests.relying_party import PASSWORD, RelyingParty, add_client, add_person, log_in

NEW = "violet lantern 72 harbour"


@pytest.fixture
def app(make_app: Callable[..., Flask], database_url: str) -> Flask:
    """A portal on each engine."""
    return make_app(database_url)


@pytest.fixture
def person(app: Flask) -> str:
    return add_person(app)


@pytest.fixture
def web(app: Flask, client: FlaskClient, person: str) -> RelyingParty:
    """A client in the person's browser."""
    log_in(client)
    return RelyingParty(client, "web", add_client(app, "web", is_confidential=True))


def session_of(app: Flask, user_id: str) -> str:
    """The person's newest session."""
    with app.app_context():
        newest = sa.select(UserSession.id).where(UserSession.user_id == user_id).order_by(UserSession.created_at.desc())
        return str(app.extensions["services"].db.session.scalar(newest.limit(1)))


def change(app: Flask, user_id: str, current: str = PASSWORD, new: str = NEW, keep: str | None = None) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.accounts.change_password(user_id, current, new, Caller("192.0.2.1"), keep_session_id=keep)
        services.db.commit()


def test_other_devices_end_with_their_tokens_and_this_one_goes_on(
    app: Flask, web: RelyingParty, person: str, clock: Clock
) -> None:
    others = RelyingParty(app.test_client(), "web", web.secret)
    clock.advance(seconds=1)
    log_in(others.browser)
    others_tokens = others.tokens()
    clock.advance(seconds=1)
    here = RelyingParty(app.test_client(), "web", web.secret)
    log_in(here.browser)
    tokens = here.tokens()
    change(app, person, keep=session_of(app, person))
    assert others.browser.get("/logout").location == "/logged-out"
    assert others.refresh(others_tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert others.userinfo(others_tokens["access_token"]).status_code == 401
    assert here.browser.get("/logout").status_code == 200
    assert here.userinfo(tokens["access_token"]).status_code == 200
    assert here.refresh(tokens["refresh_token"]).status_code == 200
    assert log_in(app.test_client()).status_code == 401
    assert log_in(app.test_client(), password=NEW).status_code == 303


def test_tokens_of_a_session_that_is_long_gone_end_too(
    app: Flask, web: RelyingParty, person: str, clock: Clock
) -> None:
    tokens = web.tokens()
    clock.advance(seconds=1)
    here = app.test_client()
    log_in(here)
    keep = session_of(app, person)
    with app.app_context():
        db = app.extensions["services"].db
        db.session.execute(sa.delete(UserSession).where(UserSession.id != keep))
        db.commit()
    assert web.refresh(tokens["refresh_token"]).status_code == 200
    change(app, person, keep=keep)
    assert web.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_without_a_session_to_keep_every_one_ends(app: Flask, web: RelyingParty, person: str) -> None:
    tokens = web.tokens()
    change(app, person)
    assert web.browser.get("/logout").location == "/logged-out"
    assert web.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", NEW, "current"),
        ("", NEW, "current"),
        (PASSWORD, "short", "password"),
        (PASSWORD, "password1", "password"),
    ],
)
def test_a_refused_change_names_the_field_and_changes_nothing(
    app: Flask, web: RelyingParty, person: str, current: str, new: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        change(app, person, current, new)
    assert refusal.value.field == field
    assert web.browser.get("/logout").status_code == 200
    assert log_in(app.test_client()).status_code == 303


def test_the_person_is_told_where_and_when(app: Flask, person: str, clock: Clock) -> None:
    change(app, person)
    (mail,) = received(app)
    assert (mail.template, mail.to, mail.language) == ("password_changed", "ada@example.com", "ko")
    assert (mail.values["at"], mail.values["place"]) == ({"at": clock.now.isoformat()}, "192.0.2.1")
    assert not {PASSWORD, NEW} & set(map(str, mail.values.values()))


def test_links_that_were_mailed_before_are_void(app: Flask, person: str) -> None:
    ask(app.test_client())
    with app.app_context():
        services = app.extensions["services"]
        services.email_addresses.request_change(person, "thief@example.com", "en", Caller())
        services.db.commit()
    links = [mail.path for mail in received(app)]
    assert len(links) == 2
    change(app, person, keep="none")
    assert [app.test_client().get(link).status_code for link in links] == [410, 410]


def test_guessing_at_the_present_password_is_slowed_down(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true")
    person = add_person(app)
    for _ in range(5):
        with pytest.raises(InvalidInput):
            change(app, person, "wrong")
    with pytest.raises(TooManyAttempts):
        change(app, person)
