"""The stand-ins, shared."""

from tests.providers import providers, shared_providers

__all__ = ["providers", "shared_providers"]
