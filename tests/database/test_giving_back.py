"""Who waits for somebody outside holds no connection meanwhile, and goes on afterwards as if nothing had been."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import User
from tests.relying_party import EMAIL, add_person


@pytest.fixture
def portal(database_url: str, make_app: Callable[..., Flask]) -> Flask:
    return make_app(database_url)


def test_a_connection_is_given_back_and_taken_again(portal: Flask) -> None:
    db = portal.extensions["services"].db
    with portal.app_context():
        for ask in (
            lambda: db.execute("SELECT 1", [], writes=False).fetchone(),
            lambda: db.session.execute(sa.text("SELECT 1")).one(),
        ):
            assert tuple(ask()) == (1,)
            assert db.engine.pool.checkedout() == 1
            db.give_back()
            assert db.engine.pool.checkedout() == 0
            assert tuple(ask()) == (1,)
        db.give_back()
        db.give_back()
    with portal.app_context():
        assert db.engine.pool.checkedout() == 0


def test_what_was_committed_stays_and_the_rest_is_taken_back(portal: Flask) -> None:
    add_person(portal)
    db, done = portal.extensions["services"].db, []
    with portal.app_context():
        user = db.session.execute(sa.select(User).where(User.email == EMAIL)).scalar_one()
        user.bio = "kept"
        db.commit()
        user.full_name, name = "not kept", user.full_name
        db.session.flush()
        db.afterwards(lambda: done.append("not kept"))
        db.give_back()
        assert user.bio == "kept"
        found = db.session.execute(sa.select(User).where(User.email == EMAIL)).scalar_one()
        assert (found.bio, found.full_name) == ("kept", name)
        db.commit()
        assert done == []
