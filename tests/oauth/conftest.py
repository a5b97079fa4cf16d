"""A person who is logged in, and clients of each kind."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.relying_party import RelyingParty, add_client, add_person, log_in


@pytest.fixture
def person(app: Flask) -> str:
    """The id of Ada, who has an account."""
    return add_person(app)


@pytest.fixture
def public(app: Flask, client: FlaskClient, person: str) -> RelyingParty:
    """A public first-party client; nobody is logged in."""
    add_client(app, "public")
    return RelyingParty(client, "public")


@pytest.fixture
def spa(public: RelyingParty) -> RelyingParty:
    """The public client in the browser of Ada, who is logged in."""
    assert log_in(public.browser).status_code == 303
    return public


@pytest.fixture
def web(app: Flask, spa: RelyingParty) -> RelyingParty:
    """A confidential client in the same browser."""
    return RelyingParty(spa.browser, "web", add_client(app, "web", is_confidential=True))
