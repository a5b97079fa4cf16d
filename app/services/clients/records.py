"""A registered client as the protocol sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.services.clients import redirect_uris
from app.services.clients.registration import EITHER_WAY, KEY_METHOD, SECRET_METHODS
from app.services.foundation.texts import shown

FIRST_PARTY = "implicit"
"""The consent policy of first-party clients."""


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A registered client as the protocol sees it; the fields are those of :class:`app.models.Client`.

    Its secrets are not among them: they are read where somebody presents one, and nowhere else.
    """

    client_id: str
    name: str
    description: str
    logo_uri: str | None
    home_uri: str | None
    is_active: bool
    is_confidential: bool
    auth_method: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    backchannel_logout_uri: str | None
    allowed_scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    consent_policy: str
    require_pkce: bool
    id_token_signed_response_alg: str
    lean_id_token: bool
    access_token_seconds: int | None
    refresh_token_seconds: int | None
    can_introspect_any: bool
    is_listed: bool
    created_at: datetime
    updated_at: datetime
    owner_id: str | None = None
    generation: str = ""
    policy_uri: str | None = None
    tos_uri: str | None = None
    contacts: tuple[str, ...] = ()
    optional_scopes: tuple[str, ...] = ()
    jwks: str | None = None
    jwks_uri: str | None = None
    in_development: bool = False

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "ClientRecord":
        """Build from a row of the clients table; a client whose name shows nothing is called by its id."""
        values = {name: row[name] for name in cls.__slots__}
        values["name"] = shown(values["name"]) or values["client_id"]
        frozen: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**frozen)

    @property
    def is_first_party(self) -> bool:
        """First-party clients are those whose people are never asked."""
        return self.consent_policy == FIRST_PARTY

    @property
    def signs(self) -> bool:
        """Whether the client proves itself by a key, and has no secret."""
        return self.auth_method == KEY_METHOD

    def has_redirect_uri(self, uri: str) -> bool:
        """Whether ``uri`` is registered, exactly but for a loopback port (RFC 9700 section 2.1)."""
        return redirect_uris.match(uri, self.redirect_uris)

    def has_post_logout_redirect_uri(self, uri: str) -> bool:
        """Whether a logout may lead to ``uri``, by the same rule."""
        return redirect_uris.match(uri, self.post_logout_redirect_uris)

    def authenticates_by(self, method: str) -> bool:
        """Whether the client may authenticate by ``method`` (a ``token_endpoint_auth_method`` of :rfc:`7591`)."""
        return method == self.auth_method or (self.auth_method == EITHER_WAY and method in SECRET_METHODS)
