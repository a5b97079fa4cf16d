"""Ada, whom an application asks that lets people leave some of it out."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.relying_party import RelyingParty, add_client, add_person, csrf_token, log_in

OPTIONAL = ["email", "offline_access", "read:groups"]
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def app(make_app: Callable[..., Flask], database_url: str) -> Flask:
    """A portal on each database."""
    return make_app(database_url)


@pytest.fixture
def person(app: Flask) -> str:
    """The id of Ada."""
    return add_person(app)


class Asking(RelyingParty):
    """An application in Ada's browser, and what stands on the page where it asks."""

    def __init__(self, app: Flask, client_id: str, **fields: Any) -> None:
        secret = add_client(app, client_id, **{"consent_policy": "once", "is_confidential": True, **fields})
        super().__init__(app.test_client(), client_id, secret)
        assert log_in(self.browser).status_code == 303

    def page(self, **changes: str | None) -> str:
        """Where the person is asked."""
        location = self.authorize(**changes).location
        assert location.startswith("/consent?"), location
        return location

    def text(self, **changes: str | None) -> str:
        """What stands there."""
        return unescape(self.browser.get(self.page(**changes), headers=ENGLISH).text)

    def decide(self, page: str, *ticked: str, decision: str = "allow", **fields: str) -> TestResponse:
        """Send the form with these boxes ticked."""
        form = {"csrf_token": csrf_token(self.browser, page), "decision": decision, "optional": list(ticked), **fields}
        return self.browser.post(page, data=form, headers=ENGLISH)

    def allow(self, *ticked: str, **changes: str | None) -> dict[str, Any]:
        """The token answer after the person allowed it with these boxes ticked."""
        sent = self.decide(self.page(**changes), *ticked)
        assert sent.status_code == 303, sent.text
        code = self.browser.get(sent.location).location.partition("code=")[2].partition("&")[0]
        response = self.redeem(code)
        assert response.status_code == 200, response.text
        return dict(response.json)

    def is_silent(self, **changes: str | None) -> bool:
        """Whether a code is given without a page."""
        location = self.authorize(prompt="none", **changes).location
        assert "code=" in location or "error=consent_required" in location, location
        return "code=" in location


@pytest.fixture
def asking(app: Flask, person: str) -> Asking:
    """Ada was not asked yet."""
    return Asking(app, "asking", optional_scopes=OPTIONAL)
