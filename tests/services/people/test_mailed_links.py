"""Mailed links on both databases: of many who use one at the same moment one is served, and what was taken stays so."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask

from app.errors import InvalidInput, LinkGone
from app.services.foundation.environment import NOBODY
from app.services.people.one_time_tokens import Purpose
from tests.clock import Clock
from tests.relying_party import EMAIL, add_person

NEW_EMAIL = "ada.new@example.com"
PURPOSES = [Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL, Purpose.RESTORE_EMAIL, Purpose.RESET_PASSWORD]


@pytest.fixture
def app(make_app: Callable[..., Flask], database_url: str) -> Flask:
    """A portal on each engine."""
    return make_app(database_url)


@pytest.fixture
def person(app: Flask) -> str:
    return add_person(app)


def issue(app: Flask, purpose: Purpose, user_id: str, email: str) -> str:
    with app.app_context():
        services = app.extensions["services"]
        token = str(services.one_time_tokens.issue(purpose, user_id, email))
        services.db.commit()
    return token


def use(app: Flask, purpose: Purpose, token: str) -> str:
    """What using a link gives: ``done`` or the name of the refusal."""
    with app.app_context():
        services = app.extensions["services"]
        emails = services.email_addresses
        use_it = {
            Purpose.VERIFY_EMAIL: emails.verify,
            Purpose.CHANGE_EMAIL: emails.change,
            Purpose.RESTORE_EMAIL: emails.restore,
            Purpose.RESET_PASSWORD: lambda token, by: services.password_resets.reset(token, "violet lantern 72", by),
        }[purpose]
        try:
            use_it(token, NOBODY)
        except (LinkGone, InvalidInput) as refusal:
            services.db.rollback()
            return type(refusal).__name__
        services.db.commit()
        return "done"


@pytest.mark.parametrize("purpose", PURPOSES)
def test_one_of_many_simultaneous_uses_counts(app: Flask, person: str, purpose: Purpose) -> None:
    is_new = purpose in {Purpose.CHANGE_EMAIL, Purpose.RESTORE_EMAIL}
    token = issue(app, purpose, person, NEW_EMAIL if is_new else EMAIL)
    outcomes: list[str] = []
    barrier = threading.Barrier(6)

    def attempt() -> None:
        barrier.wait()
        outcomes.append(use(app, purpose, token))

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["LinkGone"] * 5 + ["done"]


@pytest.mark.parametrize("purpose", [Purpose.CHANGE_EMAIL, Purpose.RESTORE_EMAIL])
def test_an_address_of_another_account_is_not_taken_and_the_link_stays_good(
    app: Flask, person: str, purpose: Purpose
) -> None:
    other = add_person(app, NEW_EMAIL)
    token = issue(app, purpose, person, NEW_EMAIL)
    assert use(app, purpose, token) == "InvalidInput"
    with app.app_context():
        services = app.extensions["services"]
        assert (services.accounts.find(EMAIL).id, services.accounts.find(NEW_EMAIL).id) == (person, other)
        assert services.one_time_tokens.peek(token, purpose).user_id == person


def test_a_browser_keeps_its_place_among_the_known_ones(app: Flask, person: str, clock: Clock) -> None:
    other = add_person(app, NEW_EMAIL)
    with app.app_context():
        devices = app.extensions["services"].devices
        token = devices.remember(person, "")
        both = devices.remember(other, token)
        assert both != token
        assert [devices.is_known(user, both) for user in (person, other)] == [True, True]
        assert [devices.is_known_at(email, both) for email in (EMAIL, NEW_EMAIL, "no@example.com")] == [
            True,
            True,
            False,
        ]
        assert devices.remember(person, both) == both
        assert not devices.is_known(person, token)
        clock.advance(days=365)
        assert not devices.is_known(person, both)
        later = devices.remember(person, both)
        assert devices.is_known(person, later)
        devices.forget(person)
        assert not devices.is_known(person, later)
