"""Clients as they would be registered."""

from collections.abc import Sequence
from typing import Any

from app.models import Client

_UNSTATED: dict[str, Any] = {
    "description": "",
    "require_pkce": True,
    "id_token_signed_response_alg": "RS256",
    "contacts": (),
    "optional_scopes": (),
}
"""What is checked before the database fills it in."""


def proposed(
    client_id: str,
    *,
    name: str = "",
    redirects: Sequence[str] = (),
    post_logout: Sequence[str] = (),
    scopes: Sequence[str] = (),
    is_confidential: bool = False,
    auth_method: str = "",
    grants: Sequence[str] = (),
    consent_policy: str = "once",
    can_introspect_any: bool = False,
    backchannel_logout_uri: str | None = None,
    lean_id_token: bool = False,
    **fields: Any,
) -> Client:
    """A client that is not registered, with what follows from what is left out. Nothing of it is checked."""
    return Client(
        client_id=client_id,
        name=name or client_id,
        redirect_uris=list(dict.fromkeys(redirects)),
        post_logout_redirect_uris=list(dict.fromkeys(post_logout)),
        allowed_scopes=list(scopes),
        grant_types=list(grants) or ["authorization_code", "refresh_token"],
        is_confidential=is_confidential,
        auth_method=auth_method or ("client_secret" if is_confidential else "none"),
        consent_policy=consent_policy,
        can_introspect_any=can_introspect_any,
        backchannel_logout_uri=backchannel_logout_uri or None,
        lean_id_token=lean_id_token,
        **{name: _as_kept(value) for name, value in {**_UNSTATED, **fields}.items()},
    )


def _as_kept(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
