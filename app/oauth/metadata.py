"""Discovery documents and keys: made from what is registered, so they list exactly what works (:rfc:`8414`)."""

from typing import Any, cast

from flask import Blueprint, Response, current_app, jsonify, request

from app.database import only_reads
from app.languages import SUPPORTED as LANGUAGES
from app.oauth.authorization_request import CHALLENGE_METHODS, PROMPTS, RESPONSE_MODES, RESPONSE_TYPES
from app.oauth.server import PortalAuthorizationServer
from app.services.clients.public_keys import ALGORITHMS as CLIENT_ALGORITHMS
from app.services.clients.registration import PROOFS, SIGNING_ALGORITHMS
from app.services.tokens.claims import SUPPORTED as CLAIMS
from app.services.tokens.keys import PUBLISHED_SECONDS
from app.wiring import services

well_known = Blueprint("well_known", __name__)
# Where clients prove themselves, and how: all of them judge the same credentials by the same function.
PROVING = {"token": ["none", *PROOFS], "revocation": ["none", *PROOFS], "introspection": [*PROOFS]}


@well_known.get("/.well-known/oauth-authorization-server")
@well_known.get("/api/oauth/.well-known/oauth-authorization-server")
@well_known.get("/.well-known/openid-configuration")
def metadata() -> Response:
    """The same document in all places (:rfc:`8414#section-3`, OpenID Connect Discovery section 4)."""
    only_reads()
    return _cached(jsonify(describe()))


@well_known.get("/.well-known/jwks.json")
def jwks() -> Response:
    """Public keys; kept by clients for as long as a key is published before it signs."""
    only_reads()
    return _cached(jsonify(keys=services.keys.published()))


def _has_open_documentation() -> bool:
    """Whether everybody who reads the metadata may read the developers' page."""
    return services.settings.server.developer_pages == "everyone"


def describe() -> dict[str, Any]:
    """What this server offers."""
    issuer = services.settings.issuer
    base = f"{issuer}/api/oauth"
    server = cast(PortalAuthorizationServer, current_app.extensions["authorization_server"])
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "userinfo_endpoint": f"{base}/userinfo",
        "revocation_endpoint": f"{base}/revoke",
        "introspection_endpoint": f"{base}/introspect",
        "end_session_endpoint": f"{base}/logout",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        **({"service_documentation": f"{issuer}/developers"} if _has_open_documentation() else {}),
        "op_policy_uri": f"{issuer}/privacy",
        "op_tos_uri": f"{issuer}/terms",
        "scopes_supported": services.scopes.names(),
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": server.grant_types,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        **{f"{name}_endpoint_auth_methods_supported": methods for name, methods in PROVING.items()},
        **{f"{name}_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS) for name in PROVING},
        "code_challenge_methods_supported": list(CHALLENGE_METHODS),
        "prompt_values_supported": list(PROMPTS),
        "display_values_supported": ["page", "popup"],
        "claim_types_supported": ["normal"],
        "claims_supported": [*CLAIMS, "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "act"],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "ui_locales_supported": list(LANGUAGES),
    }


def _cached(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={PUBLISHED_SECONDS}"
    response.add_etag()
    return cast(Response, response.make_conditional(request))
