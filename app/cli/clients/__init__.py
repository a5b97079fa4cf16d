"""``clients`` and ``scopes``: applications, and what they may ask for."""

from app.cli.clients.clients import clients
from app.cli.clients.scopes import scopes

__all__ = ["clients", "scopes"]
