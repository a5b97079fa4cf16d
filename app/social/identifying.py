"""Asking a provider who came back: the code for tokens, the tokens for a profile, all within one deadline."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.integrations.base_client import OAuthError
from joserfc.errors import JoseError

from app.server.connections.lane import outside
from app.services.identities.profiles import ProviderProfile
from app.services.identities.requests import Trip
from app.services.record.usage import EVERYBODY, Use
from app.social.client import UntrustedAnswer
from app.social.providers import Provider
from app.social.transport import ProviderUnavailable, within
from app.wiring import services

LEEWAY_SECONDS = 60
KEPT = ("access_token", "refresh_token")
logger = logging.getLogger("portal.social")


class ProviderProblem(Exception):
    """A provider did not say who somebody is.

    ``reason``: ``slow``, ``down``, ``refused`` (it does not know the code any more) or ``untrusted``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def identify(provider: Provider, trip: Trip, code: str, state: str) -> tuple[ProviderProfile, dict[str, Any]]:
    """Whom a code stands for, and the tokens to keep; raises :class:`ProviderProblem`.

    It takes up to five seconds, and what was not committed before is taken back.
    """
    with asking(provider):
        token = _token(provider, trip, code, state)
        said = _claims(provider, trip, token) if provider.is_openid else _user(provider, token)
        found = provider.read(said)
        if found is None:
            raise UntrustedAnswer("names_nobody")
        return found, _kept(provider, token)


@contextmanager
def asking(provider: Provider) -> Iterator[None]:
    """Ask a provider in here: within one deadline, with what goes wrong as a :class:`ProviderProblem`.

    Nobody waits for a connection to the database, or for a turn, that somebody holds who waits for a provider.
    """
    try:
        services.db.give_back()
        with outside(), within():
            yield
    except ProviderUnavailable as error:
        raise _noted(provider, "slow" if error.reason == "timeout" else "down", error.reason) from None
    except OAuthError:
        raise _noted(provider, "refused", "token_error") from None
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise _noted(provider, "down" if status >= 500 or not status else "refused", f"answered_{status}") from None
    except UntrustedAnswer as error:
        raise _noted(provider, "untrusted", error.reason) from None
    except JoseError:
        raise _noted(provider, "untrusted", "id_token") from None
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError):
        # Whatever a provider sends in the place of what it should, down to a list for an object.
        raise _noted(provider, "down", "unreadable") from None


def _noted(provider: Provider, reason: str, detail: str) -> ProviderProblem:
    logger.warning("provider_failed", extra={"provider": provider.name, "reason": reason, "detail": detail})
    services.usage.count(EVERYBODY, Use.PROVIDER_FAILED, f"{provider.name}:{reason}")
    return ProviderProblem(reason)


def _token(provider: Provider, trip: Trip, code: str, state: str) -> dict[str, Any]:
    token = provider.client.fetch_access_token(
        redirect_uri=trip.redirect_uri,
        code=code,
        code_verifier=trip.code_verifier,
        body=urlencode({"state": state}) if provider.sends_state else "",
    )
    if not isinstance(token.get("access_token"), str):
        raise UntrustedAnswer("no_access_token")
    return dict(token)


def _claims(provider: Provider, trip: Trip, token: dict[str, Any]) -> dict[str, Any]:
    """What the ID token says (OpenID Connect Core section 3.1.3.7), and userinfo about the same person."""
    client = provider.client
    claims = client.parse_id_token(
        token,
        nonce=trip.nonce,
        claims_options={
            "iss": {"essential": True, "value": provider.issuer},
            "aud": {"essential": True, "value": client.client_id},
        },
        leeway=LEEWAY_SECONDS,
    )
    if claims is None:
        raise UntrustedAnswer("no_id_token")
    # Core section 3.1.3.7, item 13: where somebody was to prove anew to be there, a login of long ago proves nothing.
    if trip.is_anew and not _is_of_late(claims.get("auth_time")):
        raise UntrustedAnswer("old_login")
    if "userinfo_endpoint" not in client.load_server_metadata():
        return dict(claims)
    told = dict(client.userinfo(token=token))
    # Core section 5.3.2: else it may be about somebody else.
    if told.get("sub") != claims["sub"]:
        raise UntrustedAnswer("userinfo_of_another")
    return {**claims, **told}


def _is_of_late(auth_time: object) -> bool:
    """Whether a login there is not too long ago to count as one here; of one that is not told it is not known."""
    if auth_time is None:
        return True
    most = services.settings.accounts.confirmation_seconds + LEEWAY_SECONDS
    return isinstance(auth_time, (int, float)) and time.time() - auth_time <= most


def _user(provider: Provider, token: dict[str, Any]) -> dict[str, Any]:
    response = provider.client.get(provider.user_url, token=token)
    response.raise_for_status()
    said = response.json()
    if not isinstance(said, dict):
        raise UntrustedAnswer("profile_no_object")
    return said


def _kept(provider: Provider, token: dict[str, Any]) -> dict[str, Any]:
    return {name: token[name] for name in KEPT if isinstance(token.get(name), str)} if provider.keeps_tokens else {}
