"""All of them together, with their control page."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from examples.providers.acme import Acme
from examples.providers.control import Control
from examples.providers.discord import Discord
from examples.providers.google import Google
from examples.providers.kakao import Kakao
from examples.providers.naver import Naver
from examples.providers.provider import Provider
from examples.providers.web import Site

PORTAL = "http://localhost:8000"


class Providers:
    """Running from ``start`` to ``stop``, or for a ``with`` block, in threads of this process.

    ``portal`` is where people are sent back to; ``port`` names a free port each time it is asked, the first one for
    the control page.
    """

    def __init__(self, portal: str = PORTAL, port: Callable[[], int] = lambda: 0) -> None:
        self.google, self.kakao, self.naver = Google(portal), Kakao(portal), Naver(portal)
        self.discord, self.acme = Discord(portal), Acme(portal)
        self.all: dict[str, Provider] = {
            provider.name: provider for provider in (self.google, self.kakao, self.naver, self.discord, self.acme)
        }
        self.control = Site("control", Control(self.all, lambda: self.environment).answer, port())
        for site in self.sites[1:]:
            site.port = port()

    def start(self) -> None:
        """Serve."""
        self.control.start()
        for provider in self.all.values():
            provider.start()

    def stop(self) -> None:
        """End all of them and what is open."""
        for provider in self.all.values():
            provider.stop()
        self.control.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def __getitem__(self, name: str) -> Provider:
        """One by its name."""
        return self.all[name]

    @property
    def sites(self) -> list[Site]:
        """Every address."""
        return [self.control, *(site for provider in self.all.values() for site in provider.sites.values())]

    @property
    def secrets(self) -> set[str]:
        """Everything that must not be found in a log, an address or a page."""
        given = {secret for provider in self.all.values() for secret in (provider.client_secret, *provider.issued)}
        return given | {self.kakao.admin_key}

    @property
    def environment(self) -> dict[str, str]:
        """The portal's variables for them."""
        return {
            "GOOGLE_ISSUER": self.google.issuer,
            "GOOGLE_CLIENT_ID": self.google.client_id,
            "GOOGLE_CLIENT_SECRET": self.google.client_secret,
            "KAKAO_AUTH_URL": self.kakao.sites["auth"].url,
            "KAKAO_API_URL": self.kakao.sites["api"].url,
            "KAKAO_REST_API_KEY": self.kakao.client_id,
            "KAKAO_CLIENT_SECRET": self.kakao.client_secret,
            "KAKAO_ADMIN_KEY": self.kakao.admin_key,
            "NAVER_AUTH_URL": self.naver.sites["auth"].url,
            "NAVER_API_URL": self.naver.sites["api"].url,
            "NAVER_CLIENT_ID": self.naver.client_id,
            "NAVER_CLIENT_SECRET": self.naver.client_secret,
            "DISCORD_URL": self.discord.url,
            "DISCORD_CLIENT_ID": self.discord.client_id,
            "DISCORD_CLIENT_SECRET": self.discord.client_secret,
            "OIDC_PROVIDERS": self.acme.name,
            "OIDC_ACME_ISSUER": self.acme.issuer,
            "OIDC_ACME_CLIENT_ID": self.acme.client_id,
            "OIDC_ACME_CLIENT_SECRET": self.acme.client_secret,
            "OIDC_ACME_NAME": self.acme.title,
            "OIDC_ACME_SCOPE": "openid email profile",
            "OIDC_ACME_TRUSTS_EMAIL": "true",
        }
