"""Authlib's Flask client, held to this portal's rules: bounded exchanges, checked metadata, asymmetric ID tokens."""

import time
from contextlib import nullcontext
from typing import Any

from authlib.integrations.flask_client import FlaskOAuth2App

from app.social.transport import BoundedSession, is_safe, within

METADATA_PATH = "/.well-known/openid-configuration"
FRESH_SECONDS = 3600
"""After which a provider's metadata and keys are fetched anew."""
KEPT_SECONDS = 86400
"""As long they serve while the provider does not tell them anew."""
RELOAD_SECONDS = 1.5
"""For telling them anew, where old ones are there."""
PAUSE_SECONDS = 60
"""As long a provider that did not is left alone."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Of ID tokens. With a shared secret or none (RFC 8725 section 3.1) anybody could make them whom the provider knows."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "revocation_endpoint")
BY_FORM = "client_secret_post"
NEEDED = frozenset({"authorization_endpoint", "token_endpoint", "jwks_uri"})


class UntrustedAnswer(Exception):
    """What a provider said cannot be believed; ``reason`` is a constant for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderClient(FlaskOAuth2App):
    """A client of one provider; threads share it."""

    client_cls = BoundedSession

    def __init__(self, *arguments: Any, expected_issuer: str = "", **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.expected_issuer = expected_issuer
        self.server_metadata: dict[str, Any] = self.server_metadata
        self._loaded_at = self._again_at = float("-inf")

    def load_server_metadata(self) -> dict[str, Any]:
        """The provider's metadata (OpenID Connect Discovery section 4), an hour old at most, a day if it is away.

        Raises :class:`UntrustedAnswer` for what is not its own, and what the transport raises.
        """
        if not self._server_metadata_url:
            return dict(self.server_metadata)
        now = time.monotonic()
        age, has_failed = now - self._loaded_at, now < self._again_at
        if age < FRESH_SECONDS or (age < KEPT_SECONDS and has_failed):
            return self.server_metadata
        # What is known already must not take the time that the rest of a login needs.
        limit = within(RELOAD_SECONDS) if age < KEPT_SECONDS else nullcontext()
        self._again_at = now + PAUSE_SECONDS
        try:
            with limit:
                loaded = self._load()
        except Exception:
            if age < KEPT_SECONDS:
                return self.server_metadata
            raise
        self.server_metadata, self._loaded_at, self._again_at = loaded, time.monotonic(), float("-inf")
        return loaded

    def _load(self) -> dict[str, Any]:
        with self._get_session() as session:
            response = session.request("GET", self._server_metadata_url, withhold_token=True)
        response.raise_for_status()
        told = response.json()
        if not isinstance(told, dict):
            raise UntrustedAnswer("metadata_no_object")
        # Discovery section 4.3: exactly the issuer that was asked.
        if told.get("issuer") != self.expected_issuer:
            raise UntrustedAnswer("metadata_of_another_issuer")
        found: dict[str, Any] = {name: told[name] for name in ENDPOINTS if isinstance(told.get(name), str)}
        if not found.keys() >= NEEDED or not all(is_safe(url) for url in found.values()):
            raise UntrustedAnswer("metadata_endpoints")
        algorithms = [each for each in ALGORITHMS if each in _list(told, "id_token_signing_alg_values_supported")]
        found |= {
            "issuer": self.expected_issuer,
            "id_token_signing_alg_values_supported": algorithms or ["RS256"],
            "iss_is_told": told.get("authorization_response_iss_parameter_supported") is True,
        }
        # Core section 9: by Basic unless it says that it takes only the other way.
        methods = _list(told, "token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" not in methods and BY_FORM in methods:
            found["token_endpoint_auth_method"] = BY_FORM
        return found


def _list(told: dict[str, Any], name: str) -> list[Any]:
    value = told.get(name)
    return value if isinstance(value, list) else []
