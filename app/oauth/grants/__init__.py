"""The grants of the token endpoint: each an ordered list of checks, then one call into a service."""

from app.oauth.grants.authorization_code import AuthorizationCodeGrant
from app.oauth.grants.client_credentials import ClientCredentialsGrant
from app.oauth.grants.refresh_token import RefreshTokenGrant

__all__ = ["AuthorizationCodeGrant", "ClientCredentialsGrant", "RefreshTokenGrant"]
