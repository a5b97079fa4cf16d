"""A portal with Ada in it, and her front end."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.api.people import FrontEnd
from tests.relying_party import add_person


@pytest.fixture
def ada(app: Flask) -> str:
    """Her account's id."""
    return add_person(app)


@pytest.fixture
def front(app: Flask, ada: str) -> FrontEnd:
    """Her front end, logged in."""
    end = FrontEnd(app)
    assert end.log_in().status_code == 200
    return end


@pytest.fixture
def another(app: Flask) -> Callable[..., FrontEnd]:
    """Further front ends: of Ada on another device, or of somebody new."""

    def make(email: str = "", **more: object) -> FrontEnd:
        end = FrontEnd(app)
        if email:
            add_person(app, email)
        assert end.log_in(**({"email": email} if email else {}), **more).status_code == 200
        return end

    return make
