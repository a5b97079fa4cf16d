"""What administrators do for people: finding, inviting, changing, ending; and what lesser ones cannot."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.admin.people.sentences import FAILED, SENTENCES
from app.models import AuditLog, Delivery
from app.services.foundation.environment import NOBODY
from app.services.people.activity import EVENTS
from tests.account.browsing import Facts, send, shown
from tests.admin.offices import administrator
from tests.mailbox import received
from tests.relying_party import RelyingParty, add_client, add_person, link_identity, log_in, take_password

STRONG = "another fine horse 7"


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    """A portal with one person beside the administrators."""
    return make_app(open_database(request.param, "seeded"), MAIL_URL="smtp://127.0.0.1:1")


def test_it_renders(app: Flask) -> None:
    who = add_person(app)
    link_identity(app, who, email="other@example.com")
    office = administrator(app)
    for path in ("", f"/{who}", f"/{who}/access", f"/{who}/permissions", f"/{who}/activity", f"/{who}/edit", "/new"):
        text = shown(office.get(f"/admin/people{path}"))
        print(path, len(text))
