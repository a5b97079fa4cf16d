"""Somebody who administers the portal of the catalogue."""

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.relying_party import log_in
from tests.security.changes import Form
from tests.security.parties import Parties


def administrator(parties: Parties) -> FlaskClient:
    """The browser of a new administrator of everything, who logged in just now."""
    browser, email = parties.newcomer()
    assert parties.run("users", "set-role", email, "admin").exit_code == 0
    assert log_in(browser, email=email).status_code == 303
    return browser


def sent(path: str, **values: str) -> Callable[[Parties], Form]:
    """A form of the administration at a path that is always there."""
    return lambda parties: Form(administrator(parties), path, values)
