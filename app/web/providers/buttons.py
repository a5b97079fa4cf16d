"""Which providers people can come in with, in the order of their language, and which one was used last here."""

from dataclasses import dataclass

from flask import Flask, request
from werkzeug import Response

from app.errors import sentence
from app.languages import current_language
from app.languages import gettext as _
from app.settings.providers import KNOWN
from app.web.cookies import keep_choice
from app.web.presentation import in_words
from app.web.providers.in_app_browsers import WayOut, in_app_browser, way_out
from app.web.security import caller, page_at_hand
from app.wiring import services

COOKIE = "last_provider"
"""Holds the name of the provider this browser's last login came from, and nothing of who it was."""
ORDER = {"ko": ("kakao", "naver", "google", "discord"), "en": ("google", "discord", "kakao", "naver")}
TITLES = {"kakao": sentence("Kakao"), "naver": sentence("Naver")}
LATIN = {"google": "Google", "discord": "Discord"}
"""What they are called in every language."""
REFUSES_WEB_VIEWS = frozenset({"google"})
"""Google answers browsers inside other apps with ``disallowed_useragent``."""


@dataclass(frozen=True, slots=True)
class ProviderButton:
    """A provider somebody can choose now; with ``opens_outside`` only in a browser of its own."""

    name: str
    title: str
    is_last_used: bool
    opens_outside: bool


def configure(app: Flask) -> None:
    """Give templates the functions of this module."""
    app.jinja_env.globals.update(
        provider_buttons=provider_buttons, provider_title=provider_title, way_out_of_app=way_out_of_app
    )


def provider_buttons() -> list[ProviderButton]:
    """The providers that are configured, in the order in which readers of the language expect them."""
    names = services.settings.providers.names
    known = [name for name in ORDER[current_language()] if name in names]
    last, is_inside = _last_provider(), in_app_browser(caller().user_agent) is not None
    return [
        ProviderButton(name, in_words(provider_title(name)), name == last, is_inside and name in REFUSES_WEB_VIEWS)
        for name in [*known, *(name for name in names if name not in KNOWN)]
    ]


def provider_title(name: str) -> str:
    """What people call a provider, also one that is not configured any more."""
    if name in TITLES:
        return _(TITLES[name])
    providers = services.settings.providers
    if name in providers.generic_names and (title := providers.generic[providers.generic_names.index(name)].title):
        return title
    return LATIN.get(name, name.capitalize())


def way_out_of_app(path: str | None = None) -> WayOut | None:
    """How this page, or the one at ``path``, opens outside of the app whose browser asks; None in one of its own."""
    return way_out(caller().user_agent, f"{services.settings.issuer}{path or page_at_hand()}")


def remember_provider(response: Response, name: str) -> None:
    """Have this browser's pages mark the provider as the one used last."""
    keep_choice(response, COOKIE, name)


def _last_provider() -> str:
    name = request.cookies.get(COOKIE, "")
    return name if name in services.settings.providers.names else ""
