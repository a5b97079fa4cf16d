"""An OpenID provider is what the operator named: its discovery document says so, or nobody comes in by it."""

import pytest

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
