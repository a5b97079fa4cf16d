"""Ada and Kim, who link providers by the API: Ada has a password, Kim came by Google and has none."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.api.people import ISSUER, FrontEnd
from tests.mailbox import received
from tests.providers import Providers, providers, shared_providers
from tests.relying_party import PASSWORD, RelyingParty, add_client
from tests.social.travelling import Traveller, path_of

__all__ = ["PAGE", "PROOF", "app", "in_browser", "kim", "linked", "providers", "renew", "requests_begun", "rows"]
__all__ += ["shared_providers", "ticket", "traveller"]
PROOF = {"current_password": PASSWORD}
PAGE = "/account/identities?linked="


@pytest.fixture
def app(make_app: Callable[..., Flask], providers: Providers) -> Flask:
    """The portal with every provider."""
    return make_app(RATE_LIMIT_ENABLED="false", **providers.environment)


@pytest.fixture
def traveller(app: Flask, providers: Providers, front: FrontEnd) -> Traveller:
    """Ada at the browser of her front end."""
    return in_browser(app, providers, front)


@pytest.fixture
def kim(app: Flask, providers: Providers) -> FrontEnd:
    """Somebody who came by Google and has no password, in an application of the platform's own."""
    traveller = Traveller(app, providers)
    traveller.join(traveller.log_in("google"))
    add_client(app, "spa")
    end = FrontEnd(app)
    end.browser = traveller.browser
    renew(end)
    received(app)
    return end


def renew(end: FrontEnd) -> None:
    """A new access token, in the session that is there."""
    end.token = RelyingParty(end.browser, "spa").tokens()["access_token"]


def in_browser(app: Flask, providers: Providers, front: FrontEnd) -> Traveller:
    """Somebody whose browser a front end runs in."""
    traveller = Traveller(app, providers)
    traveller.browser = front.browser
    return traveller


def ticket(front: FrontEnd, provider: str = "google", **body: Any) -> str:
    """The path a front end gets for its browser."""
    response = front.post(f"/link/{provider}", {**PROOF, **body})
    assert response.status_code == 200, response.text
    (url,) = response.json.values()
    assert url.startswith(f"{ISSUER}/auth/{provider}?link=")
    return path_of(url)


def linked(traveller: Traveller, front: FrontEnd, provider: str = "google", person: str = "kim") -> str:
    """Link a provider by way of the API; answers where the browser ends up."""
    away = traveller.browser.get(ticket(front, provider))
    assert away.status_code == 302
    back = traveller.come_back(provider, away.location, person)
    assert back.status_code == 303, back.text
    return str(back.location)


def rows(app: Flask, model: Any) -> list[Any]:
    with app.app_context():
        return list(app.extensions["services"].db.session.scalars(sa.select(model)))


def requests_begun(app: Flask) -> int:
    """How many tickets and trips there are."""
    with app.app_context():
        services = app.extensions["services"]
        return int(services.db.session.scalar(sa.text("SELECT count(*) FROM provider_requests")))
