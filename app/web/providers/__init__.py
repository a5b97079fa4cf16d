"""Identity providers as pages show them: their buttons and names, and the way out of browsers inside other apps."""

from app.web.providers.buttons import (
    COOKIE,
    ORDER,
    ProviderButton,
    configure,
    provider_buttons,
    provider_title,
    remember_provider,
)

__all__ = [
    "COOKIE",
    "ORDER",
    "ProviderButton",
    "configure",
    "provider_buttons",
    "provider_title",
    "remember_provider",
]
