"""Codes in mails: good once, for five tries, for a quarter of an hour, and for what they were sent for."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.errors import InvalidInput, TooManyAttempts
from app.models import EmailCode
from app.services.identities.email_codes import MOST_ATTEMPTS, EmailCodes
from tests.clock import Clock

ADDRESS = "ada@example.com"


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    """A portal that counts."""
    return make_app(open_database(request.param, "seeded"), RATE_LIMIT_ENABLED="true")


@pytest.fixture
def services(app: Flask) -> Iterator[Any]:
    with app.app_context():
        yield app.extensions["services"]


@pytest.fixture
def codes(services: Any) -> EmailCodes:
    codes: EmailCodes = services.email_codes
    return codes


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def issued(services: Any, key: str = "a", address: str = ADDRESS) -> str:
    code = services.email_codes.issue(key, address)
    services.db.commit()
    return str(code)


def test_a_code_proves_the_address_once(services: Any, codes: EmailCodes) -> None:
    code = issued(services)
    assert codes.address("a") == ADDRESS
    assert codes.take("a", code) == ADDRESS
    services.db.commit()
    with pytest.raises(InvalidInput):
        codes.take("a", code)
    assert codes.address("a") is None


@pytest.mark.parametrize("write", ["{0} {1}", " {0}{1} ", "{0}\u00a0{1}\n"])
def test_it_may_be_typed_as_the_mail_shows_it(services: Any, codes: EmailCodes, write: str) -> None:
    code = issued(services)
    assert codes.take("a", write.format(code[:3], code[3:])) == ADDRESS


def test_full_width_digits_are_digits(services: Any, codes: EmailCodes) -> None:
    code = issued(services)
    assert codes.take("a", code.translate({ord("0") + digit: ord("０") + digit for digit in range(10)})) == ADDRESS


@pytest.mark.parametrize("typed", ["", "abcdef", "12345", "1234567", "½½½½½½", "\ud800", "x" * 64])
def test_what_is_no_code_is_a_wrong_one(services: Any, codes: EmailCodes, typed: str) -> None:
    issued(services)
    with pytest.raises(InvalidInput):
        codes.take("a", typed)


def test_five_tries_are_all(services: Any, codes: EmailCodes) -> None:
    code = issued(services)
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(InvalidInput):
            codes.take("a", wrong(code))
    with pytest.raises(InvalidInput):
        codes.take("a", code)


def test_tries_count_also_where_the_request_fails(services: Any, codes: EmailCodes) -> None:
    code = issued(services)
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(InvalidInput):
            codes.take("a", wrong(code))
        services.db.rollback()
    with pytest.raises(InvalidInput):
        codes.take("a", code)


def test_many_tries_at_once_are_five(app: Flask, services: Any) -> None:
    code = issued(services)

    def guess(typed: str) -> bool:
        with app.app_context():
            try:
                app.extensions["services"].email_codes.take("a", typed)
            except InvalidInput:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(guess, [f"{(int(code) + number) % 1_000_000:06}" for number in range(1, 17)]))
    services.db.rollback()
    assert services.db.session.scalar(sa.select(EmailCode.attempts)) == MOST_ATTEMPTS
    services.db.rollback()
    assert not guess(code)


def test_one_of_many_who_type_it_at_once_is_right(app: Flask, services: Any) -> None:
    code = issued(services)

    def prove(_: int) -> bool:
        with app.app_context():
            own = app.extensions["services"]
            try:
                own.email_codes.take("a", code)
            except InvalidInput:
                return False
            own.db.commit()
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(prove, range(4))) == 1


def test_after_a_quarter_of_an_hour_it_is_over(services: Any, codes: EmailCodes, clock: Clock) -> None:
    code = issued(services)
    clock.advance(minutes=15)
    assert codes.address("a") is None
    with pytest.raises(InvalidInput):
        codes.take("a", code)


def test_only_the_newest_is_good(services: Any, codes: EmailCodes) -> None:
    first, second = issued(services), issued(services, address="b@example.com")
    if first != second:
        with pytest.raises(InvalidInput):
            codes.take("a", first)
    assert codes.take("a", second) == "b@example.com"


def test_a_code_for_one_thing_is_nothing_to_another(services: Any, codes: EmailCodes) -> None:
    code = issued(services)
    issued(services, "b", "b@example.com")
    services.db.session.execute(sa.update(EmailCode).values(attempts=0))
    with pytest.raises(InvalidInput):
        codes.take("c", code)


def test_an_address_gets_five_within_an_hour(services: Any, codes: EmailCodes) -> None:
    for key in "abcde":
        issued(services, key)
    with pytest.raises(TooManyAttempts):
        codes.issue("f", ADDRESS)
    assert codes.issue("f", "b@example.com")


def test_it_is_kept_sealed(services: Any) -> None:
    code = issued(services)
    (row,) = services.db.session.execute(sa.select(EmailCode.__table__)).all()
    assert not any(code in str(value) for value in row)
