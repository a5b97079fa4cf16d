"""Ada, who is logged in, and what is true of her account."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.account.browsing import Facts, english
from tests.relying_party import add_person, log_in


@pytest.fixture
def ada(app: Flask) -> str:
    """Ada's id."""
    return add_person(app)


@pytest.fixture
def browser(app: Flask, ada: str) -> FlaskClient:
    """The browser in which Ada is logged in and reads English."""
    browser = english(app)
    assert log_in(browser).status_code == 303
    return browser


@pytest.fixture
def facts(app: Flask) -> Facts:
    """Looks into the database of ``app``."""
    return Facts(app)
