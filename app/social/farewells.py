"""The courier that tells providers that a link has ended: by revoking what was granted, or in a way of their own."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import requests
from flask import current_app

from app.services.delivery.outbox import DeliveryFailed, Due
from app.services.identities.farewells import FAREWELL
from app.settings import Settings
from app.social.providers import EXTENSION, Provider
from app.social.transport import BoundedSession, ProviderUnavailable, within
from app.wiring import services

FOR_NOW = frozenset({408, 425, 429})
"""What may be tried again; other refusals say that there is nothing left to end."""
Tokens = Mapping[str, str]


class FarewellCourier:
    """Carries them, one at a time to each provider."""

    kinds = (FAREWELL,)
    parallel = 2
    room = 2

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.providers

    def prepare(self, due: Due) -> Callable[[], None] | None:
        """Find whom to tell; nobody, if the provider is gone or the very identity is linked again."""
        name, subject = due.content["provider"], due.content["subject"]
        provider = current_app.extensions[EXTENSION].get(name)
        if provider is None or services.identities.is_linked(name, subject):
            return None
        tokens = due.content["tokens"]
        return lambda: self._tell(provider, subject, tokens)

    def _tell(self, provider: Provider, subject: str, tokens: Tokens) -> None:
        """Raises :class:`DeliveryFailed` where it may succeed later."""
        ways = {"kakao": self._unlink_kakao, "naver": self._delete_naver, "discord": self._revoke_discord}
        try:
            with within():
                if provider.name in ways:
                    ways[provider.name](subject, tokens)
                else:
                    _revoke(provider, tokens)
        except ProviderUnavailable as error:
            raise DeliveryFailed(f"no_answer:{error.reason}") from None
        except (requests.RequestException, ValueError):
            raise DeliveryFailed("unreadable") from None

    def _unlink_kakao(self, subject: str, tokens: Tokens) -> None:
        given = self._settings
        url = f"{given.kakao_api_url}/v1/user/unlink"
        if given.kakao_admin_key:
            by_key = {"Authorization": f"KakaoAK {given.kakao_admin_key}"}
            _post(url, {"target_id_type": "user_id", "target_id": subject}, headers=by_key)
        elif access := self._renewed(f"{given.kakao_auth_url}/oauth/token", given.credentials("kakao"), tokens):
            _post(url, {}, headers={"Authorization": f"Bearer {access}"})

    def _delete_naver(self, _: str, tokens: Tokens) -> None:
        given = self._settings
        url, (client_id, client_secret) = f"{given.naver_auth_url}/oauth2.0/token", given.credentials("naver")
        if access := self._renewed(url, (client_id, client_secret), tokens):
            own = {"client_id": client_id, "client_secret": client_secret}
            _post(url, {"grant_type": "delete", **own, "access_token": access, "service_provider": "NAVER"})

    def _revoke_discord(self, _: str, tokens: Tokens) -> None:
        if token := tokens.get("refresh_token") or tokens.get("access_token"):
            client_id, client_secret = self._settings.credentials("discord")
            url = f"{self._settings.discord_url}/api/oauth2/token/revoke"
            _post(url, {"token": token, "client_id": client_id, "client_secret": client_secret})

    @staticmethod
    def _renewed(url: str, credentials: tuple[str, str], tokens: Tokens) -> str | None:
        """An access token that is good now; the one at hand where none can be had."""
        if not (refresh := tokens.get("refresh_token")):
            return tokens.get("access_token")
        own = {"client_id": credentials[0], "client_secret": credentials[1]}
        told = _post(url, {"grant_type": "refresh_token", **own, "refresh_token": refresh})
        renewed = told.get("access_token")
        return renewed if isinstance(renewed, str) else tokens.get("access_token")


def _revoke(provider: Provider, tokens: Tokens) -> None:
    """:rfc:`7009#section-2.1`, where an OpenID provider offers that."""
    endpoint = provider.client.load_server_metadata().get("revocation_endpoint")
    kind = "refresh_token" if "refresh_token" in tokens else "access_token"
    if endpoint and kind in tokens:
        credentials = (provider.client.client_id, provider.client.client_secret)
        _post(endpoint, {"token": tokens[kind], "token_type_hint": kind}, auth=credentials)


def _post(url: str, form: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """Post a form; answers what JSON object came back, if any. Raises :class:`DeliveryFailed` for «not now»."""
    with BoundedSession() as session:
        answer = session.request("POST", url, data=form, withhold_token=True, **more)
    if answer.status_code >= 500 or answer.status_code in FOR_NOW:
        raise DeliveryFailed(f"answered:{answer.status_code}")
    try:
        told = json.loads(answer.content or b"{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
