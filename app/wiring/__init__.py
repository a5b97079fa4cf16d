"""The composition root: every service, built once per application from its settings.

Each room of ``app/services`` has one builder here, which sees the rooms below it and no others: it derives from the
next one down, in the order that ``docs/architecture.md`` draws.
"""

import inspect
import logging
from functools import cache, cached_property
from typing import Any, cast

from flask import Flask, current_app

from app.services.foundation.environment import Clock, Database
from app.settings import Settings
from app.wiring.upkeep import UpkeepRoom

logger = logging.getLogger("portal.wiring")


class Services(UpkeepRoom):
    """What the edge calls: the services of all rooms, each built when it is first asked for."""


def build_services(settings: Settings, db: Database, clock: Clock) -> Services:
    """Build every service over ``db``; opens the key/value store, touches nothing else."""
    if settings.tokens.algorithm == "HS256":
        logger.warning("shared_secret_signs_access_tokens")
    built = Services(settings, db, clock)
    for name in _names():
        getattr(built, name)
    return built


@cache
def _names() -> tuple[str, ...]:
    """What the services are called."""
    return tuple(
        name for name, _ in inspect.getmembers_static(Services, lambda part: isinstance(part, cached_property))
    )


def bind(app: Flask, built: Services) -> None:
    """Make ``built`` the services of ``app``."""
    app.extensions["services"] = built


class _Current:
    """Stands for the services of the current application; Werkzeug's proxies can do more and take much longer."""

    def __getattr__(self, name: str) -> Any:
        return getattr(current_app.extensions["services"], name)


services: Services = cast(Services, _Current())
"""The services of the application that handles the current request or command."""
