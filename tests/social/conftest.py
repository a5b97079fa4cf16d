"""A portal whose providers are the stand-ins, and people who travel between them."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.providers import Providers, providers, shared_providers
from tests.social.travelling import Traveller

__all__ = ["providers", "shared_providers"]


@pytest.fixture
def app(make_app: Callable[..., Flask], providers: Providers) -> Flask:
    """The portal with every provider."""
    return make_app(RATE_LIMIT_ENABLED="false", **providers.environment)


@pytest.fixture
def traveller(app: Flask, providers: Providers) -> Traveller:
    """Somebody with a browser of their own, in English."""
    return Traveller(app, providers)
