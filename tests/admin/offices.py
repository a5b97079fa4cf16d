"""Administrators in a browser, of everything or of parts."""

from flask import Flask
from flask.testing import FlaskClient

from app.services.foundation.environment import NOBODY
from app.services.tenancy.member_changes import Placement
from tests.account.browsing import english
from tests.relying_party import add_person, log_in


def administrator(app: Flask, *permissions: str, email: str = "office@example.com") -> FlaskClient:
    """A new administrator of the platform, logged in just now; with ``permissions`` one of those parts only."""
    person = add_person(app, email, is_admin=not permissions)
    if permissions:
        with app.app_context():
            services = app.extensions["services"]
            role = services.roles.create(f"role-{email.partition('@')[0]}", list(permissions), NOBODY)
            group = next(each for each in services.standing.places(person) if each.is_primary).group
            services.standing.make(Placement(person, group.id, role.id), NOBODY)
            services.db.session.commit()
    browser = english(app)
    assert log_in(browser, email).status_code == 303
    return browser
