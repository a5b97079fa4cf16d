"""An OpenID provider is what the operator named: its discovery document says so, or nobody comes in by it."""

import pytest
from flask import Flask

from app.social.client import FRESH_SECONDS, KEPT_SECONDS
from tests.providers import Providers
from tests.social.travelling import Traveller


@pytest.mark.parametrize("name", ["google", "acme"])
@pytest.mark.parametrize("wrong", ["issuer", "inner", "lacking"])
def test_metadata_that_cannot_be_trusted_lead_nowhere(
    providers: Providers, traveller: Traveller, name: str, wrong: str
) -> None:
    providers[name].switch("metadata", wrong)
    response = traveller.browser.get(f"/auth/{name}")
    assert response.status_code == 400
    assert "could not be trusted" in response.text
    assert [each.kind for each in providers[name].requests] == ["discovery"]


def test_metadata_that_cannot_be_read_lead_nowhere(providers: Providers, traveller: Traveller) -> None:
    providers.acme.switch("metadata", "list")
    assert traveller.browser.get("/auth/acme").status_code == 400


def test_metadata_that_are_right_again_lead_there(providers: Providers, traveller: Traveller) -> None:
    providers.acme.switch("metadata", "issuer")
    assert traveller.browser.get("/auth/acme").status_code == 400
    providers.acme.switch("metadata", False)
    assert traveller.browser.get("/auth/acme").status_code == 302


@pytest.mark.parametrize("fault", ["error", "hang", "reset"])
def test_metadata_that_are_known_serve_while_they_cannot_be_told_anew(
    app: Flask, providers: Providers, traveller: Traveller, fault: str
) -> None:
    client = app.extensions["providers"]["google"].client
    assert traveller.log_in("google").status_code == 303
    client._loaded_at -= FRESH_SECONDS
    providers.google.switch(fault, "discovery")
    assert traveller.log_in("google").status_code == 303
    assert traveller.log_in("google").status_code == 303
    # One that is away is left alone for a while.
    assert len(providers.google.of_kind("discovery")) == 2
    providers.google.switch(fault, False)
    client._again_at = client._loaded_at
    assert traveller.log_in("google").status_code == 303
    assert len(providers.google.of_kind("discovery")) == 3


def test_metadata_of_yesterday_serve_no_more(app: Flask, providers: Providers, traveller: Traveller) -> None:
    client = app.extensions["providers"]["google"].client
    traveller.log_in("google")
    client._loaded_at -= KEPT_SECONDS
    providers.google.switch("error", "discovery")
    assert traveller.browser.get("/auth/google").status_code == 502
