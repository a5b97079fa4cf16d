"""``plans`` and what ``users`` says of plans, overrides and quotas."""

from app.cli.plans.catalogue import plans
from app.cli.plans.people import OF_USERS

__all__ = ["OF_USERS", "plans"]
