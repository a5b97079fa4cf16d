"""The providers people can come in with: what is said to each, and how it says who somebody is.

A provider is a client of Authlib's and an adapter: a few lines that read its profile.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from authlib.integrations.flask_client import OAuth
from flask import Flask, current_app

from app.errors import NotFound
from app.services.identities.profiles import ProviderProfile, profile
from app.settings import Settings
from app.settings.providers import GenericProvider, ProviderSettings
from app.social.client import METADATA_PATH, ProviderClient

EXTENSION = "providers"
DISCORD_PICTURES = "https://cdn.discordapp.com/avatars"
Said = Mapping[str, Any]


@dataclass(frozen=True)
class Provider:
    """One of them. ``user_url`` tells who somebody is where there is no ID token.

    ``again`` are the parameters of a request that has the person prove anew to be there, ``keeps_tokens`` says that the
    end of a link is told with one.
    """

    name: str
    client: ProviderClient
    read: Callable[[Said], ProviderProfile | None]
    issuer: str = ""
    user_url: str = ""
    always: Mapping[str, str] = field(default_factory=dict)
    again: Mapping[str, str] = field(default_factory=dict)
    sends_state: bool = False
    keeps_tokens: bool = False

    @property
    def is_openid(self) -> bool:
        """Whether it says by an ID token who somebody is."""
        return not self.user_url


def configure(app: Flask, settings: Settings) -> None:
    """Make the providers of the settings."""
    registry, given = OAuth(app), settings.providers
    makers = {"google": _google, "kakao": _kakao, "naver": _naver, "discord": _discord}
    made = [makers[name](registry, given) for name in given.names if name in makers]
    made += [_generic(registry, *each) for each in zip(given.generic_names, given.generic, strict=True)]
    app.extensions[EXTENSION] = {each.name: each for each in made}


def configured(name: str) -> Provider:
    """The provider of that name; raises :class:`NotFound`."""
    found = current_app.extensions[EXTENSION].get(name)
    if found is None:
        raise NotFound
    return found


def google_profile(issuer: str, said: Said) -> ProviderProfile | None:
    """OpenID Connect's claims, or those of Google's older address for them."""
    return profile(
        "google",
        said.get("sub") or said.get("id"),
        issuer=issuer,
        email=said.get("email"),
        email_verified=said.get("email_verified", said.get("verified_email")),
        name=said.get("name"),
        picture=said.get("picture"),
    )


def kakao_profile(said: Said) -> ProviderProfile | None:
    """The id is a number; an e-mail that another Kakao account has taken over is not valid any more."""
    account = _part(said, "kakao_account")
    shown = _part(account, "profile")
    return profile(
        "kakao",
        said.get("id"),
        email=account.get("email"),
        email_verified=account.get("is_email_valid") is True and account.get("is_email_verified") is True,
        name=shown.get("nickname"),
        picture=shown.get("profile_image_url"),
    )


def naver_profile(said: Said) -> ProviderProfile | None:
    """Everything is below ``response``; nothing says that an e-mail was verified."""
    response = _part(said, "response")
    return profile(
        "naver",
        response.get("id"),
        email=response.get("email"),
        name=response.get("name") or response.get("nickname"),
        picture=response.get("profile_image"),
    )


def discord_profile(said: Said) -> ProviderProfile | None:
    """The picture is named by a hash, if there is one."""
    user_id, picture = said.get("id"), said.get("avatar")
    has_picture = isinstance(picture, str) and re.fullmatch(r"\w+", picture, re.ASCII)
    return profile(
        "discord",
        user_id,
        email=said.get("email"),
        email_verified=said.get("verified"),
        name=said.get("global_name") or said.get("username"),
        picture=f"{DISCORD_PICTURES}/{user_id}/{picture}.png" if has_picture else None,
    )


def generic_profile(name: str, settings: GenericProvider, said: Said) -> ProviderProfile | None:
    """OpenID Connect's claims (Core section 5.1); an e-mail is believed where the operator trusts the provider."""
    is_believed = settings.trusts_email and said.get("email_verified") in (None, True)
    return profile(
        name,
        said.get("sub"),
        issuer=settings.issuer,
        email=said.get("email"),
        email_verified=is_believed,
        name=said.get("name") or said.get("preferred_username"),
        picture=said.get("picture"),
    )


def _part(said: Said, name: str) -> Said:
    part = said.get(name)
    return part if isinstance(part, dict) else {}


def _google(registry: OAuth, given: ProviderSettings) -> Provider:
    client = _openid(registry, "google", given.google_issuer, given.credentials("google"), "openid email profile")
    return Provider(
        "google",
        client,
        partial(google_profile, given.google_issuer),
        given.google_issuer,
        always={"access_type": "offline"},
        again={"prompt": "select_account", "max_age": "0"},
        keeps_tokens=True,
    )


def _kakao(registry: OAuth, given: ProviderSettings) -> Provider:
    urls = (f"{given.kakao_auth_url}/oauth/authorize", f"{given.kakao_auth_url}/oauth/token")
    client = _plain(registry, "kakao", given.credentials("kakao"), *urls)
    return Provider(
        "kakao",
        client,
        kakao_profile,
        user_url=f"{given.kakao_api_url}/v2/user/me",
        again={"prompt": "login"},
        keeps_tokens=not given.kakao_admin_key,
    )


def _naver(registry: OAuth, given: ProviderSettings) -> Provider:
    urls = (f"{given.naver_auth_url}/oauth2.0/authorize", f"{given.naver_auth_url}/oauth2.0/token")
    client = _plain(registry, "naver", given.credentials("naver"), *urls)
    return Provider(
        "naver",
        client,
        naver_profile,
        user_url=f"{given.naver_api_url}/v1/nid/me",
        again={"auth_type": "reauthenticate"},
        sends_state=True,
        keeps_tokens=True,
    )


def _discord(registry: OAuth, given: ProviderSettings) -> Provider:
    urls = (f"{given.discord_url}/api/oauth2/authorize", f"{given.discord_url}/api/oauth2/token")
    client = _plain(registry, "discord", given.credentials("discord"), *urls, scope="identify email")
    return Provider(
        "discord",
        client,
        discord_profile,
        user_url=f"{given.discord_url}/api/users/@me",
        again={"prompt": "consent"},
        keeps_tokens=True,
    )


def _generic(registry: OAuth, name: str, given: GenericProvider) -> Provider:
    client = _openid(registry, name, given.issuer, (given.client_id, given.client_secret), given.scope)
    read = partial(generic_profile, name, given)
    return Provider(name, client, read, given.issuer, again={"prompt": "login", "max_age": "0"}, keeps_tokens=True)


def _openid(registry: OAuth, name: str, issuer: str, credentials: tuple[str, str], scope: str) -> ProviderClient:
    client_id, client_secret = credentials
    return registry.register(
        name,
        client_cls=ProviderClient,
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=issuer.rstrip("/") + METADATA_PATH,
        client_kwargs={"scope": scope, "code_challenge_method": "S256"},
        expected_issuer=issuer,
    )


def _plain(
    registry: OAuth,
    name: str,
    credentials: tuple[str, str],
    authorize_url: str,
    token_url: str,
    scope: str | None = None,
) -> ProviderClient:
    client_id, client_secret = credentials
    return registry.register(
        name,
        client_cls=ProviderClient,
        client_id=client_id,
        client_secret=client_secret,
        authorize_url=authorize_url,
        access_token_url=token_url,
        client_kwargs={
            "scope": scope,
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_post",
        },
    )
